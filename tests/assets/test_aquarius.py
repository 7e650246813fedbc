"""A metadata store elsewhere: what it says counts, for as long as it may."""

from __future__ import annotations

import json
import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import pytest

from handlers.assets.aquarius import ABSENT_S, MOST_BYTES, PATH, Aquarius
from handlers.assets.resolver import resolver
from handlers.assets.store import Assets
from handlers.errors import AddressRefused, AssetNotFound, BadGateway, MetadataUnavailable
from handlers.files.fetch import Fetcher
from handlers.files.remote import Remote
from handlers.settings import Settings
from handlers.storage import migrate
from handlers.storage.blobs import open_blobs
from handlers.storage.sql import Database
from tests.files.upstream import Upstream, always, whole

DID = "did:op:" + "ab" * 32
OTHER = "did:op:" + "cd" * 32


@pytest.fixture
def upstream():
    """A web server that plays the store."""
    server = Upstream()
    yield server
    server.close()


@pytest.fixture
def database(tmp_path):
    """A migrated database."""
    found = Database(f"sqlite:///{tmp_path}/db.sqlite")
    migrate.upgrade(found)
    yield found
    found.close()


class Clock:
    """Goes on when it is told to."""

    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    """A clock that stands still."""
    return Clock()


@pytest.fixture
def store(upstream, database, clock):
    """Returns what asks the store, patiently or not."""

    def store(*, fresh_s=60.0, stale_s=1000.0, patience_s=20.0):
        fetcher = Fetcher(Remote(trusted=upstream.url), patience_s=patience_s, least_rate=math.inf)
        return Aquarius(upstream.url, database, fetcher, fresh_s=fresh_s, stale_s=stale_s, clock=clock)

    return store


def ddo(name="Tides", did=DID):
    """Return a DDO."""
    main = {"type": "dataset", "name": name}
    return {"id": did, "service": [{"type": "metadata", "index": 0, "attributes": {"main": main}}]}


def says(upstream, document, did=DID, **headers):
    """Have the store say something of an asset, and 304 to who knows its ETag."""
    answer = whole(json.dumps(document).encode(), **headers)

    def serve(method, sent):
        if headers.get("ETag") and sent.get("if-none-match") == headers["ETag"]:
            return whole(b"", status="304 Not Modified", ETag=headers["ETag"])
        return answer

    upstream.paths[PATH + did] = serve


def test_an_asset_elsewhere_is_one(upstream, store):
    """In any spelling of its DID; it is asked for once, and has no file here."""
    says(upstream, ddo())
    one = store()

    found = [one.read(did) for did in (DID, DID.upper().replace("DID:OP", "did:op"), "0x" + "AB" * 32)]

    assert [("Tides", DID, None)] * 3 == [(asset.name, asset.did, asset.blob) for asset in found]
    assert ddo() == found[0].ddo
    assert [PATH + DID] == [target for _, target, _ in upstream.requests]


def test_what_is_known_is_asked_for_again(upstream, store):
    """By its ETag; 304 makes it count anew, and what has changed is taken."""
    says(upstream, ddo(), ETag='"1"')
    one = store(fresh_s=0.0)

    names = [one.read(DID).name for _ in range(2)]
    says(upstream, ddo("Ebbs"), ETag='"2"')
    names.append(one.read(DID).name)

    assert ["Tides", "Tides", "Ebbs"] == names
    assert [None, '"1"', '"1"'] == [headers.get("if-none-match") for _, _, headers in upstream.requests]


@pytest.mark.parametrize("etag", ['"\x00"', '"a\r\n b"', f'"{"x" * 201}"', f'"{"x" * 70_000}"'])
def test_an_etag_that_cannot_be_kept_is_left_out(upstream, store, etag):
    """The document is asked for as a whole, or the answer is none."""
    body = json.dumps(ddo()).encode()
    upstream.paths[PATH + DID] = always(*whole(body, ETag=etag))
    one = store(fresh_s=0.0)

    for _ in range(2):
        with nullcontext() if len(etag) < 65_536 else pytest.raises(MetadataUnavailable):
            one.read(DID)

    assert {None} == {headers.get("if-none-match") for _, _, headers in upstream.requests}


def test_another_process_knows_it_too(upstream, store):
    """What one has asked for is kept for all."""
    says(upstream, ddo())
    store().read(DID)

    assert "Tides" == store().read(DID).name
    assert 1 == len(upstream.requests)


def dripping(body):
    """Return an answer that comes a thousand bytes at a time."""
    head, _ = whole(b"", length=len(body))
    return [head, *(piece for start in range(0, len(body), 1000) for piece in (body[start : start + 1000], 0.2))]


FAULTS = {
    "gives no answer": None,
    "fails": always(*whole(b"", status="500 Internal Server Error")),
    "is silent": always(30.0),
    "drips": always(*[b"H", 0.1] * 100),
    "drips its document": lambda *_: dripping(json.dumps(ddo("x" * 100_000)).encode()),
    "ends short": always(*whole(b"{", length=1000)),
    "says no JSON": always(*whole(b"<html>")),
    "says what is no DDO": always(*whole(b"[]")),
    "says nothing of services": lambda *_: whole(json.dumps(ddo() | {"service": []}).encode()),
    "speaks of another asset": always(*whole(json.dumps(ddo(did=OTHER)).encode())),
    "says too much": always(*whole(b" " * (MOST_BYTES + 1))),
    "says it is not modified": always(*whole(b"", status="304 Not Modified")),
    "redirects to a private address": always(*whole(b"", status="302 Found", Location="http://10.1.2.3/")),
}

#: Those that nothing stands in for: the store is there, and wrong.
LIES = ("says what is no DDO", "says nothing of services", "speaks of another asset")


@pytest.mark.parametrize("serve", FAULTS.values(), ids=FAULTS)
def test_while_it_fails_what_it_said_counts(upstream, store, clock, serve):
    """For a while; an asset that nobody knows cannot be told to be there or not."""
    says(upstream, ddo())
    one = store(fresh_s=0.0, patience_s=1.0)
    assert "Tides" == one.read(DID).name
    begun = time.monotonic()

    for did in (DID, OTHER):
        upstream.paths[PATH + did] = serve or always(b"")

    if serve in [
        FAULTS[name] for name in ("says what is no DDO", "says nothing of services", "speaks of another asset")
    ]:
        with pytest.raises(BadGateway):
            one.read(DID)
    else:
        assert "Tides" == one.read(DID).name
        with pytest.raises(MetadataUnavailable):
            one.read(OTHER)
        assert "Tides" == one.read(DID).name
        with pytest.raises(MetadataUnavailable):
            store(fresh_s=0.0, stale_s=0.0, patience_s=1.0).read(DID)
    assert time.monotonic() - begun < 10

    clock.now += 60
    says(upstream, ddo("Back"))
    assert "Back" == one.read(DID).name


@pytest.mark.parametrize("known", [True, False])
def test_a_store_that_is_back_is_asked_again(upstream, store, clock, known):
    """However often others have asked meanwhile."""
    one = store(fresh_s=0.0)
    if known:
        says(upstream, ddo())
        one.read(DID)
    upstream.paths[PATH + DID] = always(b"")
    for _ in range(30):
        clock.now += 1
        with nullcontext() if known else pytest.raises(MetadataUnavailable):
            one.read(DID)
    failed = len(upstream.requests)

    says(upstream, ddo("Back"))
    clock.now += ABSENT_S

    assert "Back" == one.read(DID).name
    assert failed < 6


def test_what_it_no_longer_has_is_gone(upstream, store, clock):
    """At once, and even while the store is down afterwards; when it is there again, it is."""
    says(upstream, ddo())
    one = store(fresh_s=0.0)
    one.read(DID)

    upstream.paths[PATH + DID] = always(*whole(b"Asset DID not found", status="404 Not Found"))
    with pytest.raises(AssetNotFound):
        one.read(DID)
    upstream.paths[PATH + DID] = always(b"")
    with pytest.raises((AssetNotFound, MetadataUnavailable)):
        store().read(DID)

    says(upstream, ddo())
    with pytest.raises(AssetNotFound):
        one.read(DID)
    clock.now += 60
    assert "Tides" == one.read(DID).name


def test_many_who_ask_at_once_ask_once(upstream, store):
    """Whoever comes while somebody asks waits for what they find."""
    gate = threading.Event()

    def serve(method, headers):
        gate.wait(5)
        return whole(json.dumps(ddo()).encode())

    upstream.paths[PATH + DID] = serve
    one = store()
    with ThreadPoolExecutor(16) as pool:
        asked = [pool.submit(one.read, DID) for _ in range(16)]
        gate.set()
        names = {answer.result().name for answer in asked}

    assert ({"Tides"}, 1) == (names, len(upstream.requests))


def test_what_is_known_is_bounded(upstream, store, monkeypatch):
    """What was asked about longest ago is forgotten first."""
    monkeypatch.setattr("handlers.assets.aquarius.MOST_ROWS", 2)
    dids = ["did:op:" + f"{number:064x}" for number in range(3)]
    one = store()
    for did in dids:
        says(upstream, ddo(did=did), did=did)
        one.read(did)
    upstream.requests.clear()

    for did in reversed(dids):
        one.read(did)

    assert [PATH + dids[0]] == [target for _, target, _ in upstream.requests]


def test_the_own_store_goes_first(upstream, database, tmp_path):
    """The store elsewhere is asked only about what is not here, and may be where the operator put it."""
    assets = Assets(database, open_blobs(f"file://{tmp_path}/blobs"))
    assets.register(ddo("Ours"))
    says(upstream, ddo("Theirs"))
    says(upstream, ddo("Theirs", did=OTHER), did=OTHER)
    found = resolver(Settings(home=tmp_path, metadata_url=upstream.url), assets)

    assert ["Ours", "Theirs"] == [found.read(DID).name, found.read(OTHER).name]
    assert [PATH + OTHER] == [target for _, target, _ in upstream.requests]
    with pytest.raises(AssetNotFound):
        found.read("nothing")


def test_its_address_is_trusted_for_nothing_else(upstream):
    """A stranger's file is not had from there."""
    with pytest.raises(AddressRefused):
        Remote().check(upstream.url)
