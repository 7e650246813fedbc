"""The chain and the servers of files, each as bad as it can be: every request ends as documented, and in time.

Nothing is spent twice: what is refused before the signature is looked at leaves the nonce, and no fault uses up an
order, so that it is good once the fault is gone.
"""

from __future__ import annotations

import json
import time
from contextlib import contextmanager

import pytest

from handlers import services
from handlers.app import create_app
from handlers.assets.aquarius import MOST_BYTES
from handlers.demo.node import secret_of
from handlers.errors import BadGateway
from handlers.storage import migrate
from tests.chain.faulty import FAULTS as CHAIN_FAULTS
from tests.chain.faulty import endpoint
from tests.files.upstream import always, ranging, whole
from tests.nodes import Shop, anvil, devchain
from tests.provider.conftest import API, Consumer, reader

BODY = b"id,value\n" + b"1,5.1\n" * 1000
CHAIN_S = 1.0  # what the chain may take
FETCH_S = 1.0  # what a server of files may take
SLACK_S = 8.0  # a bound on the promise, for a machine that has other things to do
NOWHERE = "http://127.0.0.1:1/v3/secretapikey"
HIDDEN = "secretfile"
PART = "206 Partial Content"

# status of initialize, download and HEAD of it, and whether the download's nonce is spent
FILE_FAULTS = {
    "refuses": (None, 502, 502, 502),
    "hangs before its headers": (always(30.0), 502, 502, 502),
    "drips headers": (always(b"HTTP/1.1 200 OK\r\n", *[b"X: y\r\n", 0.2] * 100), 502, 502, 502),
    "is gone": (always(*whole(b"", status="404 Not Found")), 404, 404, 404),
    "is gone for good": (always(*whole(b"", status="410 Gone")), 404, 404, 404),
    "fails": (always(*whole(b"", status="500 Internal Server Error")), 502, 502, 502),
    "asks for a password": (always(*whole(b"", status="401 Unauthorized")), 502, 502, 502),
    "redirects to a private address": (
        always(*whole(b"", status="302 Found", Location="http://10.1.2.3/secretfile")),
        403,
        403,
        403,
    ),
    "redirects without end": (lambda *_: whole(b"", status="302 Found", Location="/secretfile"), 502, 502, 502),
    "is no HTTP": (always(b"SSH-2.0-OpenSSH\r\n\r\n"), 502, 502, 502),
}


@pytest.fixture(scope="session")
def sellers(tmp_path_factory):
    """A shop on each kind of chain, by name, started when first needed."""
    with chains(tmp_path_factory) as found:
        yield found


@contextmanager
def chains(tmp_path_factory):
    """Give a function that returns the shop on a chain, and end all chains."""
    running = {}
    shops = {}

    def shop(name):
        if name not in shops:
            running[name] = {"devchain": devchain, "anvil": anvil}[name](tmp_path_factory.mktemp(name))
            shops[name] = Shop(running[name].__enter__())
        return shops[name]

    yield shop
    for one in running.values():
        one.__exit__(None, None, None)


@pytest.fixture
def settings(settings):
    """Settings of a provider that is not patient."""
    return settings.model_copy(update={"fetch_timeout_s": FETCH_S})


def with_chain(settings, *urls, **changed):
    """Return settings with another chain."""
    return type(settings)(**settings.model_dump() | {"chain_url": ",".join(urls), **changed})


@contextmanager
def server(settings):
    """Start the services anew, over the same stores, and give a client."""
    started = services.start(settings)
    migrate.upgrade(started.database)
    try:
        yield reader(create_app(settings))
    finally:
        started.close()


@contextmanager
def within(seconds):
    """See that something ends in time."""
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < seconds + SLACK_S


def look(answer, status):
    """See that an answer is the documented problem, and tells of no address."""
    assert status == answer.status_code, answer.text
    assert "application/problem+json" == answer.content_type
    if answer.data:
        assert status == answer.json["status"]
        assert {"error", "message", "description", "title", "type"} <= answer.json.keys()
    for secret in (HIDDEN, "secretapikey", "10.1.2.3"):
        assert secret not in answer.text
        assert secret not in str(answer.headers)


@pytest.mark.parametrize(("serve", "quoted", "fetched", "looked"), FILE_FAULTS.values(), ids=FILE_FAULTS)
def test_a_server_of_files(client, consumer, publish, upstream, caplog, serve, quoted, fetched, looked):
    """Its fault is told as its own; the consumer's nonce is spent once the file was asked for, and never before."""
    if serve is not None:
        upstream.paths[f"/{HIDDEN}"] = serve
    did = publish(f"{upstream.url if serve else 'http://127.0.0.1:1'}/{HIDDEN}")
    query = {"documentId": did, "consumerAddress": consumer.address}

    with within(4 * FETCH_S):
        look(client.get(f"{API}/initialize", query_string=query), quoted)
    with within(2 * FETCH_S):
        look(consumer.download(did), fetched)
    assert 1 == consumer.nonce()
    with within(4 * FETCH_S):
        look(consumer.download(did, method="HEAD"), looked)
    assert 1 == consumer.nonce()
    with within(4 * FETCH_S):
        found = client.post(f"{API}/fileinfo", json={"did": did})
    assert (200, [{"index": 0, "valid": False}]) == (found.status_code, found.json)
    assert HIDDEN not in caplog.text

    upstream.paths[f"/{HIDDEN}"] = ranging(BODY)
    if serve is not None:
        assert BODY == consumer.download(did).data


@pytest.mark.parametrize(
    ("serve", "headers", "status"),
    [
        (always(*whole(BODY[:100], length=len(BODY))), {}, "broken"),
        (always(*whole(BODY[:100], length=len(BODY)), 30.0), {}, "broken"),
        (
            always(*whole(BODY, status="206 Partial Content", Content_Range="bytes 5-9/6009")),
            {"Range": "bytes=0-4"},
            502,
        ),
        (always(*whole(BODY, status="206 Partial Content")), {"Range": "bytes=0-4"}, 502),
    ],
    ids=["ends short", "stops half way", "sends another part", "sends a part of what"],
)
def test_a_server_of_files_that_begins_well(consumer, publish, upstream, serve, headers, status):
    """What it sends is never taken for the whole: the answer breaks off where its connection does."""
    upstream.paths["/a"] = serve
    did = publish(upstream.url + "/a")

    with within(2 * FETCH_S):
        if status == "broken":
            with pytest.raises(BadGateway, match="broke off"):
                consumer.download(did, headers=headers)
        else:
            look(consumer.download(did, headers=headers), status)
    assert 1 == consumer.nonce()


@pytest.fixture
def paid(publish, upstream, sellers):
    """Returns the DID of an asset that costs 10 datatokens on a chain, and an order of it."""

    def paid(chain="devchain"):
        shop = sellers(chain)
        upstream.paths["/a"] = ranging(BODY)
        did = publish(upstream.url + "/a", cost="10", dataToken=shop.token.address)
        return did, shop.order(10, payer=shop.buyer)

    return paid


@pytest.mark.parametrize("fault", [*CHAIN_FAULTS, "down"])
def test_a_chain(settings, sellers, paid, caplog, fault):
    """While nobody can tell who has paid, it is 503 and in time; then the same order is good."""
    did, tx = paid()
    shop = sellers("devchain")

    with endpoint(CHAIN_FAULTS.get(fault)) as (url, _):
        where = NOWHERE if fault == "down" else url
        with server(with_chain(settings, where, chain_timeout_s=CHAIN_S)) as client:
            buyer = Consumer(client, secret_of(1))
            query = {"documentId": did, "consumerAddress": buyer.address}
            with within(2 * CHAIN_S):
                look(unavailable := client.get(f"{API}/initialize", query_string=query), 503)
            assert unavailable.json["type"].endswith("/ChainUnavailable")
            assert "This server has no chain" not in unavailable.text
            for method in ("GET", "HEAD"):
                with within(2 * CHAIN_S):
                    look(buyer.download(did, serviceId=3, transferTxId=tx, method=method), 503)
            with within(2 * CHAIN_S):
                assert 200 == client.get("/").status_code
            assert 1 == buyer.nonce()
    assert "secretapikey" not in caplog.text
    with server(with_chain(settings, shop.node.url)) as client:
        buyer = Consumer(client, secret_of(1))
        assert BODY == buyer.download(did, serviceId=3, transferTxId=tx).data
        assert 2 == buyer.nonce()


def test_a_chain_with_two_endpoints(settings, sellers, paid):
    """Whether the first is down or fails, the second tells what is asked."""
    did, tx = paid()
    good = sellers("devchain").node.url

    with endpoint(CHAIN_FAULTS["error page"]) as (url, _):
        for bad in (NOWHERE, url):
            with server(with_chain(settings, bad, good)) as client:
                buyer = Consumer(client, secret_of(1))

                assert BODY == buyer.download(did, serviceId=3, transferTxId=tx).data


@pytest.mark.parametrize("chain", ["devchain", "anvil"])
def test_a_chain_that_forks(settings, sellers, publish, upstream, chain):
    """An order that another branch does not have is no order, though it was accepted before."""
    shop = sellers(chain)
    upstream.paths["/a"] = ranging(BODY)
    token = shop.new_token()
    query = {"documentId": publish(upstream.url + "/a", cost="10", dataToken=token.address)}
    query["consumerAddress"] = shop.buyer

    with server(with_chain(settings, shop.node.url)) as client:
        with shop.node.undone():
            tx = shop.order(10, payer=shop.buyer, token=token)
            before = client.get(f"{API}/initialize", query_string=query)
        after = client.get(f"{API}/initialize", query_string=query)

        assert (tx, None) == (before.json["validOrder"], after.json["validOrder"])


def test_an_order_that_a_fork_takes_away_is_not_good_any_more(settings, sellers, publish, upstream):
    """Not even where it gave the file out before."""
    shop = sellers("devchain")
    token = shop.new_token()
    upstream.paths["/a"] = ranging(BODY)
    did = publish(upstream.url + "/a", cost="10", dataToken=token.address)

    with server(with_chain(settings, shop.node.url)) as client:
        buyer = Consumer(client, secret_of(1))
        with shop.node.undone():
            tx = shop.order(10, payer=shop.buyer, token=token)
            assert 200 == buyer.download(did, serviceId=3, transferTxId=tx).status_code
        look(buyer.download(did, serviceId=3, transferTxId=tx), 403)


def test_no_chain(client, consumer, publish, upstream):
    """Free services work, and paid ones say what this server lacks."""
    upstream.paths["/a"] = ranging(BODY)
    free = publish(upstream.url + "/a")
    paid = publish(upstream.url + "/a", cost="1", digits="b" * 64, dataToken="0x" + "12" * 20)

    assert BODY == consumer.download(free).data
    look(consumer.download(paid), 503)
    look(client.get(f"{API}/initialize", query_string={"documentId": paid, "consumerAddress": consumer.address}), 503)


STORE_FAULTS = {
    "down": (None, 503),
    "silent": (always(30.0), 503),
    "fails": (always(*whole(b"", status="500 Internal Server Error")), 503),
    "knows nothing": (always(*whole(b"Asset DID not found", status="404 Not Found")), 404),
    "breaks off": (always(*whole(b'{"id": ', length=5000)), 503),
    "drips its document": (lambda *_: [whole(b"", length=60_000)[0], *[b" " * 1000, 0.2] * 60], 503),
    "says no JSON": (always(*whole(b"<html>")), 503),
    "says too much": (lambda *_: whole(b" " * (MOST_BYTES + 1)), 503),
    "redirects to a private address": (
        always(*whole(b"", status="302 Found", Location="http://10.1.2.3/secretfile")),
        503,
    ),
    "is gone": (always(*whole(b"", status="410 Gone")), 404),
    "lies": (always(*whole(b'{"id": "did:op:12"}')), 502),
    "speaks of an asset without services": (
        always(*whole(json.dumps({"id": "did:op:" + "e" * 64, "service": []}).encode())),
        502,
    ),
}


@pytest.mark.parametrize(("serve", "status"), STORE_FAULTS.values(), ids=STORE_FAULTS)
def test_a_metadata_store(settings, upstream, caplog, serve, status):
    """While it cannot tell what an asset is, nothing is sold, and no nonce is spent."""
    did = "did:op:" + "e" * 64
    where = f"/secretapikey/api/v1/aquarius/assets/ddo/{did}"
    upstream.paths[where] = serve
    url = f"{upstream.url if serve else 'http://127.0.0.1:1'}/secretapikey"
    remote = type(settings)(**settings.model_dump() | {"metadata_url": url, "metadata_timeout_s": FETCH_S})

    with server(remote) as client:
        consumer = Consumer(client)
        query = {"documentId": did, "consumerAddress": consumer.address}
        with within(2 * FETCH_S):
            look(client.get(f"{API}/initialize", query_string=query), status)
        for method in ("GET", "HEAD"):
            with within(2 * FETCH_S):
                look(consumer.download(did, method=method), status)
        with within(2 * FETCH_S):
            look(client.post(f"{API}/fileinfo", json={"did": did}), status)
        assert 0 == consumer.nonce()
    assert "secretapikey" not in caplog.text


def test_an_asset_of_another_store_is_sold(settings, upstream, publish, here):
    """Its list of files was sealed here; while the store is down, what it said before counts."""
    upstream.paths["/a"] = ranging(BODY)
    did = publish(upstream.url + "/a")
    ddo = here.assets.read(did).ddo
    here.assets.remove(did)
    upstream.paths[f"/api/v1/aquarius/assets/ddo/{did}"] = always(*whole(json.dumps(ddo).encode()))
    remote = settings.model_dump() | {"metadata_url": upstream.url, "metadata_fresh_s": 0.001}

    with server(type(settings)(**remote)) as client:
        consumer = Consumer(client)
        assert BODY == consumer.download(did).data
        upstream.paths[f"/api/v1/aquarius/assets/ddo/{did}"] = always(b"")
        assert BODY == consumer.download(did).data
