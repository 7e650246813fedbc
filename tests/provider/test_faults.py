"""The chain and the servers of files, each as bad as it can be: every request ends as documented, and in time.

Nothing is spent twice: what is refused before the signature is looked at leaves the nonce, and no fault uses up an
order, so that it is good once the fault is gone.
"""

from __future__ import annotations

import io
import json
import logging
import time
from contextlib import contextmanager

import pytest
import structlog

from handlers import observability, services
from handlers.app import create_app
from handlers.assets.aquarius import MOST_BYTES
from handlers.demo.node import secret_of
from handlers.errors import (
    TYPE_BASE,
    AddressRefused,
    AssetNotFound,
    BadGateway,
    ChainUnavailable,
    MetadataUnavailable,
    NotFound,
    PaymentMissing,
    TooManyRequests,
)
from handlers.storage import migrate
from tests.chain.faulty import FAULTS as CHAIN_FAULTS
from tests.chain.faulty import endpoint, raw, relayed, result
from tests.files.upstream import always, ranging, whole
from tests.nodes import NODES, Shop
from tests.provider.conftest import API, Consumer, reader

BODY = b"id,value\n" + b"1,5.1\n" * 1000
CHAIN_S = 1.0  # what the chain may take
FETCH_S = 1.0  # what a server of files may take
SLACK_S = 8.0  # a bound on the promise, for a machine that has other things to do
LENGTHY = ("silent", "trickle")  # faults of a chain that take seconds to tell
NOWHERE = "http://127.0.0.1:1/v3/secretapikey"
HIDDEN = "secretfile"
PART = "206 Partial Content"

FILE_FAULTS = {
    "refuses": (None, BadGateway),
    "hangs before its headers": (always(30.0), BadGateway),
    "drips headers": (always(b"HTTP/1.1 200 OK\r\n", *[b"X: y\r\n", 0.2] * 100), BadGateway),
    "is gone": (always(*whole(b"", status="404 Not Found")), NotFound),
    "is gone for good": (always(*whole(b"", status="410 Gone")), NotFound),
    "fails": (always(*whole(b"", status="500 Internal Server Error")), BadGateway),
    "asks for a password": (always(*whole(b"", status="401 Unauthorized")), BadGateway),
    "redirects to a private address": (
        always(*whole(b"", status="302 Found", Location="http://10.1.2.3/secretfile")),
        AddressRefused,
    ),
    "redirects without end": (lambda *_: whole(b"", status="302 Found", Location="/secretfile"), BadGateway),
    "is no HTTP": (always(b"SSH-2.0-OpenSSH\r\n\r\n"), BadGateway),
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
            running[name] = NODES[name](tmp_path_factory.mktemp(name))
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


@pytest.fixture
def logged(settings):
    """Returns what this process has logged so far, all of it."""
    root, configured = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    observability.start_logs(settings.model_copy(update={"log_level": "debug"}), "web", stream)
    yield stream.getvalue
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**configured)


@contextmanager
def within(seconds):
    """See that something ends in time."""
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < seconds + SLACK_S


def look(answer, problem):
    """See that an answer is the documented problem, and tells of no address."""
    assert problem.status == answer.status_code, answer.text
    assert "application/problem+json" == answer.content_type
    if answer.data:
        document = answer.json
        named = (document["type"], document["title"], document["status"])
        assert (TYPE_BASE + problem.__name__, problem.title(), problem.status) == named
        assert all(document[key] for key in ("detail", "error", "message", "description"))
    for secret in (HIDDEN, "secretapikey", "10.1.2.3"):
        assert secret not in answer.text
        assert secret not in str(answer.headers)


@pytest.mark.parametrize(("serve", "problem"), FILE_FAULTS.values(), ids=FILE_FAULTS)
def test_a_server_of_files(logged, client, consumer, publish, upstream, serve, problem):
    """Its fault is told as its own; the consumer's nonce is spent once the file was asked for, and never before."""
    if serve is not None:
        upstream.paths[f"/{HIDDEN}"] = serve
    did = publish(f"{upstream.url if serve else 'http://127.0.0.1:1'}/{HIDDEN}")
    query = {"documentId": did, "consumerAddress": consumer.address}

    with within(4 * FETCH_S):
        look(client.get(f"{API}/initialize", query_string=query), problem)
    with within(2 * FETCH_S):
        look(consumer.download(did), problem)
    assert 1 == consumer.nonce()
    with within(4 * FETCH_S):
        look(consumer.download(did, method="HEAD"), problem)
    assert 1 == consumer.nonce()
    with within(4 * FETCH_S):
        found = client.post(f"{API}/fileinfo", json={"did": did})
    assert (200, [{"index": 0, "valid": False}]) == (found.status_code, found.json)
    assert "/fileinfo" in logged()
    assert HIDDEN not in logged()

    upstream.paths[f"/{HIDDEN}"] = ranging(BODY)
    if serve is not None:
        assert BODY == consumer.download(did).data


def test_many_files_that_hang_do_not_add_up(client, publish, upstream):
    """The time is that of the call: files that are not come to are told as not valid."""
    upstream.paths["/a"], upstream.paths["/b"] = ranging(BODY), always(30.0)
    did = publish(upstream.url + "/a", *[upstream.url + "/b"] * 15)

    with within(4 * FETCH_S):
        found = client.post(f"{API}/fileinfo", json={"did": did}).json

    assert [True] + [False] * 15 == [file["valid"] for file in found]
    assert list(range(16)) == [file["index"] for file in found]


def test_a_checksum_is_not_waited_for_without_end(client, upstream):
    """However steadily the file drips."""
    head, _ = whole(b"", length=1 << 20)
    upstream.paths["/a"] = lambda method, _: [head, *([] if method == "HEAD" else [b"x" * 2048, 0.1] * 512)]

    with within(3 * FETCH_S):
        found = client.post(f"{API}/fileinfo", json={"url": upstream.url + "/a", "checksum": True})

    assert (200, [{"index": 0, "valid": False}]) == (found.status_code, found.json)


@pytest.mark.parametrize(
    ("serve", "headers", "problem"),
    [
        (always(*whole(BODY[:100], length=len(BODY))), {}, None),
        (always(*whole(BODY[:100], length=len(BODY)), 30.0), {}, None),
        (
            always(*whole(BODY, status="206 Partial Content", Content_Range="bytes 5-9/6009")),
            {"Range": "bytes=0-4"},
            BadGateway,
        ),
        (always(*whole(BODY, status="206 Partial Content")), {"Range": "bytes=0-4"}, BadGateway),
    ],
    ids=["ends short", "stops half way", "sends another part", "sends a part of what"],
)
def test_a_server_of_files_that_begins_well(consumer, publish, upstream, serve, headers, problem):
    """What it sends is never taken for the whole: the answer breaks off where its connection does."""
    upstream.paths["/a"] = serve
    did = publish(upstream.url + "/a")

    with within(2 * FETCH_S):
        if problem is None:
            with pytest.raises(BadGateway, match="broke off"):
                consumer.download(did, headers=headers)
        else:
            look(consumer.download(did, headers=headers), problem)
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


ANSWERS = ("over its limit", "internal error")  # what the question ends with, though it is no failure of the line


@pytest.mark.parametrize(
    "fault",
    [*sorted(CHAIN_FAULTS.keys() - LENGTHY), "down", *(pytest.param(one, marks=pytest.mark.long) for one in LENGTHY)],
)
def test_a_chain(logged, settings, sellers, paid, fault):
    """While nobody can tell who has paid, it is 503 and in time; then the same order is good."""
    did, tx = paid()
    shop = sellers("devchain")

    with endpoint(CHAIN_FAULTS.get(fault)) as (url, _):
        where = NOWHERE if fault == "down" else url
        with server(with_chain(settings, where, chain_timeout_s=CHAIN_S)) as client:
            buyer = Consumer(client, secret_of(1))
            query = {"documentId": did, "consumerAddress": buyer.address}
            with within(2 * CHAIN_S):
                look(unavailable := client.get(f"{API}/initialize", query_string=query), ChainUnavailable)
            assert "This server has no chain" not in unavailable.text
            for method in ("GET", "HEAD"):
                with within(2 * CHAIN_S):
                    look(buyer.download(did, serviceId=3, transferTxId=tx, method=method), ChainUnavailable)
            with within(2 * CHAIN_S):
                assert 200 == client.get("/").status_code
            assert 1 == buyer.nonce()
    if fault not in ANSWERS:
        assert "an endpoint of the chain failed" in logged()
    assert "secretapikey" not in logged()
    with server(with_chain(settings, shop.node.url)) as client:
        buyer = Consumer(client, secret_of(1))
        assert BODY == buyer.download(did, serviceId=3, transferTxId=tx).data
        assert 2 == buyer.nonce()


def test_a_chain_that_is_slow(settings, sellers, paid):
    """What is asked one by one has its time together; with more of it the same chain tells all."""
    did, tx = paid()

    with endpoint(relayed(sellers("devchain").node.url, 0.4)) as (url, _):
        with server(with_chain(settings, url, chain_timeout_s=CHAIN_S)) as client, within(CHAIN_S):
            look(Consumer(client, secret_of(1)).download(did, serviceId=3, transferTxId=tx), ChainUnavailable)
        with server(with_chain(settings, url, chain_timeout_s=30.0)) as client:
            assert BODY == Consumer(client, secret_of(1)).download(did, serviceId=3, transferTxId=tx).data


@pytest.mark.long
def test_an_endpoint_of_another_chain_does_not_step_in(settings, paid):
    """What was paid there was not paid here."""
    did, tx = paid()
    fails = raw(503, b"")

    def known(handler, request):
        (result("0x1") if request["method"] == "eth_chainId" else fails)(handler, request)

    with endpoint(known) as (first, _), endpoint(result("0x1", chain=5)) as (other, asked):
        with server(with_chain(settings, first, other, chain_timeout_s=CHAIN_S)) as client:
            look(Consumer(client, secret_of(1)).download(did, serviceId=3, transferTxId=tx), ChainUnavailable)

        assert {"eth_chainId"} == set(asked)


def test_who_guesses_orders_is_no_longer_listened_to(settings, sellers, paid):
    """Whichever addresses it signs for: the client counts. Whoever has paid gets the file from elsewhere."""
    did, tx = paid()
    few = {"failures_per_minute": 2, "trusted_proxies": 1}

    with server(with_chain(settings, sellers("devchain").node.url, **few)) as client:
        guessers = [Consumer(client, f"0x{number:064x}") for number in (5, 6, 7)]
        headers = {"X-Forwarded-For": "192.0.2.9"}
        guesses = [one.download(did, headers, serviceId=3, transferTxId="0x" + "ab" * 32) for one in guessers]
        nonces = [one.nonce() for one in guessers]
        bought = Consumer(client, secret_of(1)).download(did, serviceId=3, transferTxId=tx)

    for answer, problem in zip(guesses, (PaymentMissing, PaymentMissing, TooManyRequests), strict=True):
        look(answer, problem)
    assert [1, 1, 0] == nonces
    assert 0 < int(guesses[-1].headers["Retry-After"]) <= 60
    assert (200, BODY) == (bought.status_code, bought.data)


def test_a_chain_with_two_endpoints(settings, sellers, paid):
    """Whether the first is down or fails, the second tells what is asked."""
    did, tx = paid()
    good = sellers("devchain").node.url

    with endpoint(CHAIN_FAULTS["error page"]) as (url, _):
        for bad in (NOWHERE, url):
            with server(with_chain(settings, bad, good)) as client:
                buyer = Consumer(client, secret_of(1))

                assert BODY == buyer.download(did, serviceId=3, transferTxId=tx).data


@pytest.mark.parametrize("chain", NODES)
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


@pytest.mark.parametrize("chain", NODES)
def test_an_order_that_a_fork_takes_away_is_not_good_any_more(settings, sellers, publish, upstream, chain):
    """Not even where it gave the file out before."""
    shop = sellers(chain)
    token = shop.new_token()
    upstream.paths["/a"] = ranging(BODY)
    did = publish(upstream.url + "/a", cost="10", dataToken=token.address)

    with server(with_chain(settings, shop.node.url)) as client:
        buyer = Consumer(client, secret_of(1))
        with shop.node.undone():
            tx = shop.order(10, payer=shop.buyer, consumer=buyer.address, token=token)
            assert 200 == buyer.download(did, serviceId=3, transferTxId=tx).status_code
        look(buyer.download(did, serviceId=3, transferTxId=tx), PaymentMissing)


def test_no_chain(client, consumer, publish, upstream):
    """Free services work, and paid ones say what this server lacks."""
    upstream.paths["/a"] = ranging(BODY)
    free = publish(upstream.url + "/a")
    paid = publish(upstream.url + "/a", cost="1", digits="b" * 64, dataToken="0x" + "12" * 20)

    assert BODY == consumer.download(free).data
    look(consumer.download(paid), ChainUnavailable)
    look(
        client.get(f"{API}/initialize", query_string={"documentId": paid, "consumerAddress": consumer.address}),
        ChainUnavailable,
    )


STORE_FAULTS = {
    "down": (None, MetadataUnavailable),
    "silent": (always(30.0), MetadataUnavailable),
    "fails": (always(*whole(b"", status="500 Internal Server Error")), MetadataUnavailable),
    "knows nothing": (always(*whole(b"Asset DID not found", status="404 Not Found")), AssetNotFound),
    "breaks off": (always(*whole(b'{"id": ', length=5000)), MetadataUnavailable),
    "drips its document": (lambda *_: [whole(b"", length=60_000)[0], *[b" " * 1000, 0.2] * 60], MetadataUnavailable),
    "says no JSON": (always(*whole(b"<html>")), MetadataUnavailable),
    "says too much": (lambda *_: whole(b" " * (MOST_BYTES + 1)), MetadataUnavailable),
    "redirects to a private address": (
        always(*whole(b"", status="302 Found", Location="http://10.1.2.3/secretfile")),
        MetadataUnavailable,
    ),
    "is gone": (always(*whole(b"", status="410 Gone")), AssetNotFound),
    "lies": (always(*whole(b'{"id": "did:op:12"}')), BadGateway),
    "speaks of an asset without services": (
        always(*whole(json.dumps({"id": "did:op:" + "e" * 64, "service": []}).encode())),
        BadGateway,
    ),
}


@pytest.mark.parametrize(("serve", "problem"), STORE_FAULTS.values(), ids=STORE_FAULTS)
def test_a_metadata_store(logged, settings, upstream, serve, problem):
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
            look(client.get(f"{API}/initialize", query_string=query), problem)
        for method in ("GET", "HEAD"):
            with within(2 * FETCH_S):
                look(consumer.download(did, method=method), problem)
        with within(2 * FETCH_S):
            look(client.post(f"{API}/fileinfo", json={"did": did}), problem)
        assert 0 == consumer.nonce()
    assert "/fileinfo" in logged()
    assert "secretapikey" not in logged()


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
