"""Orders on a real chain."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import select

from handlers.chain.orders import Terms
from handlers.chain.tables import OrderRow
from handlers.demo.contracts import TOKEN
from handlers.errors import ChainUnavailable, InputInvalid, PaymentMissing
from tests.nodes import NOBODY

ASSET = "did:op:" + "a" * 64
OTHER_ASSET = "did:op:" + "b" * 64


@pytest.fixture
def terms(shop):
    """What a service of the shop costs: 10 tokens."""
    return Terms(token=shop.token.address, service=3, price_wei=10 * TOKEN, valid_for_s=0, provider=shop.provider)


@pytest.fixture
def till(open_till, shop):
    """A till that asks the shop's node and takes an order as soon as it is mined."""
    return open_till(chain_url=shop.node.url)


def test_an_order_opens_its_service(shop, till, terms):
    """Who ordered has an order, which says what was ordered."""
    tx = shop.order(10)

    order = till.check(tx, shop.buyer, terms, asset=ASSET)

    assert (tx, 3, 10 * TOKEN) == (order.tx, order.service, order.amount_wei)
    assert shop.buyer.lower() == order.consumer == order.payer


@pytest.mark.parametrize("who", ["buyer", "other"])
def test_an_order_is_for_who_pays_and_for_whom_it_is_paid(shop, till, terms, who):
    """One address may order for another; both have the order."""
    tx = shop.order(10, payer=shop.buyer, consumer=shop.other)

    order = till.check(tx, getattr(shop, who), terms, asset=ASSET)

    assert (shop.other.lower(), shop.buyer.lower()) == (order.consumer, order.payer)


def test_addresses_may_be_spelled_in_any_case(shop, till, terms):
    """Capitals are a checksum, and nothing else."""
    tx = shop.order(10)
    lower = replace(terms, token=terms.token.lower())

    assert till.check(tx.upper().replace("0X", "0x"), shop.buyer.lower(), lower, asset=ASSET).tx == tx


def test_a_market_may_take_its_fee(shop, till, terms):
    """With a market between, a second fee is taken, and the order counts all the same."""
    tx = shop.order(10, market=shop.other)

    assert 2 == till.check(tx, shop.buyer, terms, asset=ASSET).fees


@pytest.mark.parametrize("to", ["seller", "provider"])
def test_a_plain_transfer_is_an_order_too(shop, till, terms, to):
    """Datatokens that are sent to the quoted address, or to the provider, pay for a service."""
    tx = shop.transfer(getattr(shop, to))

    assert till.check(tx, shop.buyer, terms, asset=ASSET).service is None


@pytest.mark.parametrize(
    ("pay", "why"),
    [
        pytest.param(lambda shop: shop.order(10, token=shop.new_token()), "no order", id="another datatoken"),
        pytest.param(lambda shop: shop.order(9.99), "9.99 datatokens; the price is 10", id="too little"),
        pytest.param(lambda shop: shop.order(10, service=4), "service 4, not of 3", id="another service"),
        pytest.param(lambda shop: shop.order(10, payer=shop.other), "another address's", id="another buyer"),
        pytest.param(lambda shop: shop.transfer(shop.other), "no order", id="transfer to somebody else"),
        pytest.param(lambda shop: shop.transfer(shop.seller, 9), "of 9 datatokens", id="too small a transfer"),
        pytest.param(
            lambda shop: shop.transfer(shop.seller, token=shop.new_token()), "no order", id="transfer of another token"
        ),
        pytest.param(lambda shop: "0x" + "ab" * 32, "not on the chain", id="no transaction"),
    ],
)
def test_what_is_no_order_of_the_service_is_refused(shop, till, terms, pay, why):
    """Contract, amount, service, payer and receiver all have to be right."""
    with pytest.raises(PaymentMissing, match=why):
        till.check(pay(shop), shop.buyer, terms, asset=ASSET)


def test_the_payment_of_an_order_is_no_plain_transfer(shop, till, terms):
    """An order of one service pays for no other, though the seller received datatokens in it."""
    tx = shop.order(20, service=4)

    with pytest.raises(PaymentMissing, match="service 4"):
        till.check(tx, shop.buyer, terms, asset=ASSET)


def test_a_transaction_that_failed_is_no_order(shop, till, terms):
    """What was undone was not paid."""
    more_than_there_is = shop.token.data("startOrder", shop.buyer, 10**9 * TOKEN, 3, NOBODY)
    transaction = {"from": shop.buyer, "to": shop.token.address, "data": more_than_there_is, "gas": hex(500_000)}
    tx = shop.node.ask("eth_sendTransaction", transaction)

    with pytest.raises(PaymentMissing, match="no order"):
        till.check(tx, shop.buyer, terms, asset=ASSET)


@pytest.mark.parametrize(
    "tx", ["", "0x", "0x12", "ab" * 32, "0x" + "zz" * 32, "0x" + "ab" * 33, "0x" + "ab" * 32 + "\n"]
)
def test_what_is_no_hash_is_refused_without_asking(open_till, tx, terms, shop):
    """A malformed id costs nothing: no endpoint is asked."""
    with pytest.raises(InputInvalid):
        open_till(chain_url="http://127.0.0.1:9").check(tx, shop.buyer, terms, asset=ASSET)


def test_confirmations_are_waited_for(shop, open_till, terms):
    """An order counts once so many blocks follow its own."""
    till = open_till(chain_url=shop.node.url, chain_confirmations=3)
    tx = shop.order(10)

    with pytest.raises(PaymentMissing, match="3 more blocks"):
        till.check(tx, shop.buyer, terms, asset=ASSET)
    shop.node.mine(3)

    assert till.check(tx, shop.buyer, terms, asset=ASSET).tx == tx


def test_an_order_ends(shop, open_till, terms):
    """After its time it opens nothing, used before or not."""
    moment = [0.0]
    till = open_till(chain_url=shop.node.url, clock=lambda: moment[0])
    terms = replace(terms, valid_for_s=3600)
    tx = shop.order(10)

    made_s = till.check(tx, shop.buyer, terms, asset=ASSET).time_s
    moment[0] = made_s + 3600.0
    till.check(tx, shop.buyer, terms, asset=ASSET)
    moment[0] = made_s + 3605.0

    with pytest.raises(PaymentMissing, match="ended 5 seconds ago"):
        till.check(tx, shop.buyer, terms, asset=ASSET)


@pytest.mark.parametrize("pay", ["order", "transfer"])
def test_an_order_is_of_one_asset_and_service_for_life(shop, till, terms, pay):
    """What was used for one asset and service may be used for those again, and for nothing else."""
    tx = shop.order(10) if pay == "order" else shop.transfer(shop.seller)
    till.check(tx, shop.buyer, terms, asset=ASSET)

    assert till.check(tx, shop.buyer, terms, asset=ASSET).tx == tx
    with pytest.raises(PaymentMissing, match="another asset or service"):
        till.check(tx, shop.buyer, terms, asset=OTHER_ASSET)
    with pytest.raises(PaymentMissing, match="another asset or service"):
        till.check(tx, shop.buyer, replace(terms, service=4), asset=ASSET)


def test_of_many_uses_at_once_one_binds(shop, open_till, terms):
    """A transfer that is shown for ten assets at the same time pays for one."""
    tills = [open_till(chain_url=shop.node.url) for _ in range(10)]
    tx = shop.transfer(shop.seller)

    def use(number):
        try:
            return tills[number].check(tx, shop.buyer, terms, asset=f"did:op:{number:064x}").tx
        except PaymentMissing as error:
            return str(error)

    with ThreadPoolExecutor(10) as threads:
        outcomes = list(threads.map(use, range(10)))

    assert 1 == outcomes.count(tx)
    assert 9 == outcomes.count("The order was used for another asset or service.")


def test_an_order_that_was_undone_counts_no_more(shop, till, terms):
    """When another branch of the chain wins, what was paid on the one that lost is not paid."""
    with shop.node.undone():
        tx = shop.order(10)
        till.check(tx, shop.buyer, terms, asset=ASSET)

    with pytest.raises(PaymentMissing, match="not on the chain"):
        till.check(tx, shop.buyer, terms, asset=ASSET)


def test_a_final_order_is_kept(shop, open_till, terms, database):
    """Once it cannot be undone any more, the chain is not asked again."""
    tx = shop.order(10)
    shop.node.mine(2)
    asked = open_till(chain_url=shop.node.url, chain_final_blocks=2).check(tx, shop.buyer, terms, asset=ASSET)

    without = open_till(chain_url="http://127.0.0.1:9", chain_timeout_s=1.0, chain_confirmations=2)

    assert asked == without.check(tx, shop.buyer, terms, asset=ASSET)


def test_an_order_that_is_not_final_is_not_kept(shop, till, terms, database):
    """Until then no receipt lies in the table, only what the order was used for."""
    tx = shop.order(10)
    till.check(tx, shop.buyer, terms, asset=ASSET)

    with database.read() as connection:
        row = connection.execute(select(OrderRow.__table__).where(OrderRow.tx == tx)).mappings().one()

    assert (ASSET, 3, None) == (row["asset"], row["service"], row["evidence"])


def test_a_kept_order_is_judged_like_any_other(shop, open_till, terms):
    """Who did not order gets nothing from the table either."""
    till = open_till(chain_url=shop.node.url, chain_final_blocks=1)
    tx = shop.order(10)
    shop.node.mine()
    till.check(tx, shop.buyer, terms, asset=ASSET)

    with pytest.raises(PaymentMissing, match="another address's"):
        till.check(tx, shop.other, terms, asset=ASSET)


def test_who_holds_an_order_is_told(shop, till, terms):
    """An order that is still good is found, used here or not; to others nothing is said."""
    token = shop.new_token()
    terms = replace(terms, token=token.address)
    before = till.current(shop.buyer, terms, asset=ASSET)

    tx = shop.order(10, token=token, payer=shop.buyer)

    assert before is None
    assert till.current(shop.buyer, terms, asset=ASSET).tx == tx
    assert till.current(shop.other, terms, asset=ASSET) is None


def test_a_transfer_that_was_used_is_found_again(shop, till, terms):
    """A plain transfer is known once it was used."""
    terms = replace(terms, token=shop.new_token().address)
    tx = till.check(
        shop.transfer(shop.seller, token=type(shop.token)(shop.node.ask, "DataTokenTemplate", terms.token)),
        shop.buyer,
        terms,
        asset=ASSET,
    ).tx

    assert till.current(shop.buyer, terms, asset=ASSET).tx == tx
    assert till.current(shop.buyer, terms, asset=OTHER_ASSET) is None


def test_the_seller_is_quoted(shop, till):
    """A datatoken says to whom to pay; what is no datatoken does not."""
    assert shop.seller.lower() == till.minter(shop.token.address)
    assert till.minter(shop.other) is None
    assert till.minter(shop.factory) is None


def test_an_asset_without_a_datatoken_cannot_be_ordered(shop, till, terms):
    """What the DDO names has to be an address."""
    with pytest.raises(PaymentMissing, match="datatoken"):
        till.check(shop.order(10), shop.buyer, replace(terms, token="0x12"), asset=ASSET)


def test_without_a_chain_payments_are_not_checked(open_till, terms, shop):
    """No chain is a 503 that says which setting is missing."""
    with pytest.raises(ChainUnavailable, match="SEAMARK_CHAIN_URL"):
        open_till().check("0x" + "ab" * 32, shop.buyer, terms, asset=ASSET)
