"""Files in object stores, and behind a gateway of IPFS."""

from __future__ import annotations

import socket
import time

import fsspec
import pytest
from moto.server import ThreadedMotoServer

from handlers.errors import AddressRefused, BadGateway, NotFound, RangeNotSatisfiable, Unavailable
from handlers.files.ranges import Wanted
from handlers.files.sources import Sources
from handlers.settings import Settings
from handlers.storage.blobs import open_blobs
from tests.files.upstream import always, ranging, whole

BODY = bytes(range(256)) * 400


@pytest.fixture(scope="module")
def store():
    """The address of a store that speaks S3, on this machine."""
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def s3(store, monkeypatch):
    """Returns what makes the store the one that is meant, and a bucket with an object in it."""

    def use(endpoint=store):
        for name, value in {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "us-east-1",
        }.items():
            monkeypatch.setenv(name, value)
        fsspec.get_filesystem_class("s3").clear_instance_cache()
        return fsspec.filesystem("s3")

    files = use()
    if not files.exists("bucket"):
        files.mkdir("bucket")
    files.pipe("bucket/folder/rows.csv", BODY, ContentType="text/csv")
    yield use
    fsspec.get_filesystem_class("s3").clear_instance_cache()


@pytest.fixture
def sources(tmp_path, s3):
    """Finds files; one bucket is the server's own."""
    return Sources(Settings(home=tmp_path, s3_buckets="bucket", fetch_timeout_s=1, allowed_networks="127.0.0.0/8"))


def read(content):
    """Return all bytes of a content, and end it."""
    try:
        return b"".join(content.chunks)
    finally:
        content.chunks.close()


def test_an_object_is_a_file(sources):
    """With its length, type, name and validators."""
    source = sources.find("s3://bucket/folder/rows.csv")

    facts = source.probe()

    assert (len(BODY), "text/csv", "rows.csv") == (facts.length, facts.content_type, facts.name)
    assert facts.etag.startswith('"')
    assert facts.modified.endswith("GMT")
    assert BODY == read(source.open(None, ""))


def test_parts_of_an_object_are_parts(sources):
    """If-Range gives the whole where the object has changed."""
    source = sources.find("s3://bucket/folder/rows.csv")
    etag = source.probe().etag

    assert BODY[10:20] == read(source.open(Wanted(10, 19), ""))
    assert BODY[-5:] == read(source.open(Wanted(suffix=5), etag))
    assert BODY == read(source.open(Wanted(10, 19), '"another"'))
    with pytest.raises(RangeNotSatisfiable):
        source.open(Wanted(len(BODY)), "")


@pytest.mark.parametrize("path", ["bucket/nothing", "bucket/folder", "nobucket/rows.csv"])
def test_what_is_not_there_is_not_found(sources, path):
    """Nor is a folder a file."""
    with pytest.raises(NotFound):
        sources.find(f"s3://{path}")


@pytest.mark.parametrize(
    "path", ["", "bucket", "BUCKET/a", "10.0.0.1:80/a", "a@b/c", "arn:aws:s3:::x/a", "..//a", "b/"]
)
def test_what_is_no_bucket_is_refused(tmp_path, path):
    """Nothing else becomes a part of the address that is asked."""
    asked = []
    sources = Sources(Settings(home=tmp_path), file_systems=lambda *given: asked.append(given))

    with pytest.raises(AddressRefused):
        sources.find(f"s3://{path}")

    assert [] == asked


def test_credentials_are_for_buckets_of_ours(tmp_path):
    """Everybody else's are asked as a stranger would ask."""
    asked = []

    def stranger(ours, patience_s):
        asked.append((ours, patience_s))
        raise Unavailable("enough")

    sources = Sources(Settings(home=tmp_path, s3_buckets="bucket, other", fetch_timeout_s=3), file_systems=stranger)
    for bucket in ("bucket", "other", "third", "bucket2"):
        with pytest.raises(Unavailable):
            sources.find(f"s3://{bucket}/a")

    assert [(True, 3), (True, 3), (False, 3), (False, 3)] == asked


def test_a_stranger_sends_no_credentials(sources, s3):
    """Whatever this server has in its environment."""
    assert sources.find("s3://bucket/folder/rows.csv")

    files = fsspec.get_filesystem_class("s3")
    assert [False] == [one.anon for one in files._cache.values() if one.config_kwargs]
    with pytest.raises(NotFound):
        sources.find("s3://elsewhere/a")
    assert [False, True] == sorted(one.anon for one in files._cache.values() if one.config_kwargs)


def test_a_store_inside_is_not_shown_to_strangers(tmp_path, s3):
    """It may trust all who can reach it, as this server can: only buckets of ours are read there."""
    files = s3()
    if not files.exists("open"):
        files.mkdir("open", acl="public-read")
    files.pipe("open/rows.csv", BODY, ACL="public-read")
    inside = Sources(Settings(home=tmp_path, s3_buckets="bucket"))
    allowed = Sources(Settings(home=tmp_path, s3_buckets="bucket", allowed_networks="127.0.0.0/8"))

    assert BODY == read(allowed.find("s3://open/rows.csv").open(None, ""))
    assert BODY == read(inside.find("s3://bucket/folder/rows.csv").open(None, ""))
    with pytest.raises(AddressRefused):
        inside.find("s3://open/rows.csv")


def test_what_this_server_keeps_is_no_file_of_strangers(tmp_path):
    """Whoever knows where a blob is gets it as an asset, or not at all; its neighbours are files as any."""
    asked = []

    def stranger(ours, patience_s):
        asked.append(ours)
        raise Unavailable("enough")

    settings = Settings(home=tmp_path, s3_buckets="bucket", blob_url="s3://bucket/seamark")
    sources = Sources(settings, file_systems=stranger)

    with pytest.raises(AddressRefused):
        sources.find("s3://bucket/seamark/assets/a/1")
    with pytest.raises(Unavailable):
        sources.find("s3://bucket/seamarks/a")
    assert [True] == asked


def test_a_store_that_is_down_is_told_in_time(tmp_path, s3):
    """As a fault of its, within what the server of a file may take."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for endpoint in ("http://127.0.0.1:1", f"http://127.0.0.1:{silent.getsockname()[1]}"):
            s3(endpoint)
            begun = time.monotonic()

            with pytest.raises(BadGateway, match="object store did not answer"):
                Sources(Settings(home=tmp_path, s3_buckets="bucket", fetch_timeout_s=1)).find("s3://bucket/a")

            assert time.monotonic() - begun < 15


def test_blobs_in_an_object_store_are_read_in_parts(s3, tmp_path):
    """As those in a folder are."""
    blobs = open_blobs("s3://bucket/seamark")
    (tmp_path / "file").write_bytes(BODY)

    blobs.put("assets/a/1", tmp_path / "file")

    with blobs.open("assets/a/1") as file:
        file.seek(1000)
        assert BODY[1000:1010] == file.read(10)
    assert [("assets/a/1", len(BODY))] == [(stored.name, stored.size) for stored in blobs.list("assets")]


@pytest.fixture
def gateway(upstream, tmp_path):
    """Finds files of IPFS behind a gateway on this machine."""
    return Sources(Settings(home=tmp_path, ipfs_gateway=upstream.url + "/", fetch_timeout_s=1))


CID = "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi"


@pytest.mark.parametrize(
    ("url", "path"),
    [
        (f"ipfs://{CID}", f"/ipfs/{CID}"),
        (f"ipfs://ipfs/{CID}", f"/ipfs/{CID}"),
        (f"ipfs://{CID}/sub/a%20b.csv", f"/ipfs/{CID}/sub/a%20b.csv"),
    ],
)
def test_a_file_of_ipfs_is_had_by_the_gateway(upstream, gateway, url, path):
    """The gateway is the operator's choice, and may be on a private address; parts come as parts."""
    upstream.paths[path] = ranging(BODY)

    assert BODY == read(gateway.find(url).open(None, ""))
    assert BODY[5:9] == read(gateway.find(url).open(Wanted(5, 8), ""))
    assert path == upstream.requests[0][1]


@pytest.mark.parametrize("url", ["ipfs://", "ipfs://../admin", f"ipfs://{CID}/../../admin", f"ipfs://{CID}/%2e%2e/a"])
def test_nothing_else_of_the_gateway_can_be_had(upstream, gateway, url):
    """No path leads out of what is named."""
    with pytest.raises(AddressRefused):
        gateway.find(url)

    assert [] == upstream.requests


def test_a_gateway_leads_nobody_to_private_addresses(upstream, gateway):
    """It is trusted itself; where it redirects to is judged as any address is."""
    upstream.paths[f"/ipfs/{CID}"] = always(*whole(b"", status="302 Found", Location="http://127.0.0.2/secret"))

    with pytest.raises(AddressRefused):
        gateway.find(f"ipfs://{CID}").open(None, "")


def test_a_gateway_that_is_down_is_told(tmp_path):
    """As a fault of its."""
    sources = Sources(Settings(home=tmp_path, ipfs_gateway="http://127.0.0.1:1"))

    with pytest.raises(BadGateway):
        sources.find(f"ipfs://{CID}").open(None, "")


def test_without_a_gateway_there_is_no_ipfs(tmp_path):
    """It says what is missing."""
    with pytest.raises(Unavailable, match="no IPFS gateway"):
        Sources(Settings(home=tmp_path, ipfs_gateway="")).find(f"ipfs://{CID}")
