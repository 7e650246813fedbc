"""Paid services, on a real chain."""

from __future__ import annotations

import pytest
from eth_utils.address import to_checksum_address

from handlers import services
from handlers.demo.node import secret_of
from handlers.errors import BadGateway
from tests.files.upstream import always, ranging, whole
from tests.nodes import Shop, devchain
from tests.provider.conftest import API, Consumer

BODY = b"paid for"


@pytest.fixture(scope="session")
def seller(tmp_path_factory):
    """A shop on a chain of one's own."""
    with devchain(tmp_path_factory.mktemp("chain")) as node:
        yield Shop(node)


@pytest.fixture
def settings(settings, seller):
    """Settings of a provider with a chain."""
    return settings.model_copy(update={"chain_url": type(settings)(chain_url=seller.node.url).chain_url})


@pytest.fixture
def buyer(client, seller):
    """Who has plenty of datatokens."""
    return Consumer(client, secret_of(1))


@pytest.fixture
def did(publish, upstream, seller):
    """An asset that costs 10 datatokens."""
    upstream.paths["/a"] = ranging(BODY)
    return publish(upstream.url + "/a", cost="10", dataToken=seller.token.address)


def quote(client, did, who):
    """Return what the provider asks."""
    answer = client.get(f"{API}/initialize?documentId={did}&serviceId=3&consumerAddress={who.address}")
    assert 200 == answer.status_code, answer.text
    return answer.json


def test_who_has_paid_gets_the_file_as_often_as_they_like(client, seller, buyer, did):
    """The quote says what to pay to whom, and afterwards that it was paid."""
    before = quote(client, did, buyer)
    tx = seller.order(before["numTokens"], payer=buyer.address)
    answers = [buyer.download(did, serviceId=3, transferTxId=tx) for _ in range(2)]
    alias = buyer.download(did, serviceId=3, transactionId=tx, dataToken=seller.token.address)

    assert [(200, BODY)] * 3 == [(answer.status_code, answer.data) for answer in (*answers, alias)]
    terms = (before["numTokens"], before["to"], before["dataToken"])
    assert (10.0, to_checksum_address(seller.seller), seller.token.address) == terms
    assert tx == quote(client, did, buyer)["validOrder"]


def test_who_has_not_paid_gets_nothing(client, seller, buyer, did):
    """Not without an order, not with another's, of another token, or of too little."""
    other = Consumer(client, secret_of(2))
    orders = {
        "none": {},
        "another's": {"transferTxId": seller.order(10, payer=other.address)},
        "another token": {"transferTxId": seller.order(10, payer=buyer.address, token=seller.new_token())},
        "too little": {"transferTxId": seller.order(9, payer=buyer.address)},
        "another service": {"transferTxId": seller.order(10, service=4, payer=buyer.address)},
        "unknown": {"transferTxId": "0x" + "ab" * 32},
    }

    statuses = {name: buyer.download(did, serviceId=3, **order).status_code for name, order in orders.items()}

    assert dict.fromkeys(orders, 403) == statuses


def test_an_order_is_of_one_asset_for_life(publish, upstream, seller, buyer, did):
    """Another asset with the same datatoken does not take it."""
    tx = seller.order(10, payer=buyer.address)
    twin = publish(upstream.url + "/a", cost="10", dataToken=seller.token.address, digits="b" * 64)

    assert 200 == buyer.download(did, serviceId=3, transferTxId=tx).status_code
    assert 403 == buyer.download(twin, serviceId=3, transferTxId=tx).status_code


def test_the_provider_says_its_chain(client):
    """Clients compare it with theirs."""
    assert isinstance(client.get("/").json["chainId"], int)
    assert services.services().settings.chain_urls


def test_a_broken_transfer_is_resumed_with_the_same_order(publish, upstream, seller, buyer):
    """Whoever breaks it off: the order is not used up, and the rest comes as a part."""
    whole_file = bytes(range(256)) * 64
    upstream.paths["/a"] = always(*whole(whole_file[:5000], length=len(whole_file), ETag='"v1"'))
    did = publish(upstream.url + "/a", cost="10", dataToken=seller.token.address)
    paid = {"serviceId": 3, "transferTxId": seller.order(10, payer=buyer.address)}

    with pytest.raises(BadGateway, match="broke off"):
        buyer.download(did, **paid)
    upstream.paths["/a"] = ranging(whole_file, ETag='"v1"')
    rest = buyer.download(did, headers={"Range": "bytes=5000-", "If-Range": '"v1"'}, **paid)
    changed = buyer.download(did, headers={"Range": "bytes=5000-", "If-Range": '"v0"'}, **paid)

    assert (206, whole_file[5000:]) == (rest.status_code, rest.data)
    assert f"bytes 5000-{len(whole_file) - 1}/{len(whole_file)}" == rest.headers["Content-Range"]
    assert (200, whole_file) == (changed.status_code, changed.data)
