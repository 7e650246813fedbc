"""Transactions of our own, on a real chain."""

import pytest
from eth_utils.abi import event_abi_to_log_topic

from handlers.chain import datatokens
from handlers.chain.client import Chain
from handlers.chain.orders import NOBODY, TOKEN_WEI, Terms
from handlers.demo.contracts import artifact
from handlers.errors import BadGateway, ChainUnavailable, Unprocessable
from handlers.keys import new_key

ASSET = "did:op:" + "a" * 64


@pytest.fixture
def chain(shop):
    """The shop's chain."""
    chain = Chain([shop.node.url], timeout_s=10.0)
    yield chain
    chain.close()


@pytest.fixture
def key(shop):
    """A key whose address has funds for gas."""
    key = new_key()
    transfer = {"from": shop.seller, "to": key.address, "value": hex(10**18)}
    shop.node.ask("eth_sendTransaction", transfer)
    return key


def test_a_datatoken_is_made_minted_and_ordered(shop, chain, key, open_till):
    """From the factory to an order that opens a service, with keys of our own."""
    token = datatokens.create(chain, shop.factory, key, name="Pearls", symbol="PEARL")
    datatokens.mint(chain, token, key, to=key.address, amount_wei=5 * TOKEN_WEI)
    receipt = chain.transact(key, token, "datatoken", "startOrder", key.address, 5 * TOKEN_WEI, 3, NOBODY)

    terms = Terms(token=token, service=3, price_wei=5 * TOKEN_WEI, valid_for_s=0)
    order = open_till(chain_url=shop.node.url).check(receipt.tx, key.address, terms, asset=ASSET)

    assert key.address.lower() == chain.minter(token) == order.consumer


def test_the_topic_is_that_of_the_real_factory():
    """What we look for is what the contract's compiler made of its event."""
    event = next(one for one in artifact("DTFactory")["abi"] if one.get("name") == "TokenCreated")

    assert datatokens.TOKEN_CREATED == "0x" + event_abi_to_log_topic(event).hex()


def test_a_contract_that_refuses_is_the_callers_fault(shop, chain, key):
    """Who is not the minter cannot mint, and is told before anything is sent."""
    with pytest.raises(Unprocessable, match="refuses"):
        datatokens.mint(chain, shop.token.address, key, to=key.address, amount_wei=1)

    assert 0 == int(shop.node.ask("eth_getTransactionCount", key.address, "latest"), 16)


def test_a_key_without_funds_is_told_so(shop, chain):
    """A transaction that nobody pays for is not sent."""
    with pytest.raises((ChainUnavailable, Unprocessable)):
        datatokens.create(chain, shop.factory, new_key(), name="Pearls", symbol="PEARL")


def test_what_is_no_factory_makes_no_datatoken(shop, chain, key):
    """An address without a contract takes any call, and answers nothing."""
    with pytest.raises((BadGateway, Unprocessable)):
        datatokens.create(chain, shop.provider, key, name="Pearls", symbol="PEARL")
