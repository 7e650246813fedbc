"""Orders, as functions over values."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from eth_utils.abi import event_abi_to_log_topic
from hypothesis import given
from hypothesis import strategies as st

import handlers.chain
from handlers.chain import orders
from handlers.chain.orders import TOKEN_WEI, Order, Terms, current_order, least_received, orders_in, wei
from handlers.chain.values import Log, Receipt, receipt_of
from handlers.demo.contracts import artifact
from handlers.errors import PaymentMissing

TOKEN, SELLER, BUYER, OTHER = ("0x" + digit * 40 for digit in "abcd")
TERMS = Terms(token=TOKEN, service=3, price_wei=10 * TOKEN_WEI, valid_for_s=60)
PAID = Order(
    tx="0x" + "1" * 64,
    service=3,
    consumer=BUYER,
    payer=BUYER,
    amount_wei=10 * TOKEN_WEI,
    received_wei=10 * TOKEN_WEI,
    fees=0,
    block=100,
    time_s=1_000,
)


def words(*values):
    """Return numbers as the data of a log."""
    return "0x" + "".join(f"{value:064x}" for value in values)


def transfer(sender, to, value, address=TOKEN):
    """Return the log of a transfer."""
    topics = (orders.TRANSFER, orders.topic_of(sender), orders.topic_of(to))
    return Log(address=address, topics=topics, data=words(value))


def started(consumer=BUYER, payer=BUYER, amount=10 * TOKEN_WEI, service=3, market=orders.NOBODY, address=TOKEN):
    """Return the log of an order."""
    topics = (orders.ORDER_STARTED, *map(orders.topic_of, (consumer, payer, market)))
    return Log(address=address, topics=topics, data=words(amount, service, 1_000, 0))


def receipt(*logs, succeeded=True):
    """Return the receipt of a transaction that noted *logs*."""
    return Receipt(tx=PAID.tx, block=100, block_hash="0x" + "2" * 64, time_s=1_000, succeeded=succeeded, logs=logs)


@pytest.mark.parametrize("name", ["OrderStarted", "Transfer"])
def test_topics_are_those_of_the_real_contract(name):
    """What we look for is what the contract's compiler made of its events."""
    event = next(one for one in artifact("DataTokenTemplate")["abi"] if one.get("name") == name)
    ours = {"OrderStarted": orders.ORDER_STARTED, "Transfer": orders.TRANSFER}

    assert "0x" + event_abi_to_log_topic(event).hex() == ours[name]


@pytest.mark.parametrize(("file", "contract"), [("datatoken", "DataTokenTemplate"), ("factory", "DTFactory")])
def test_interfaces_are_parts_of_the_real_ones(file, contract):
    """Each entry that we ship stands in the contract's own interface, with the same members."""
    path = Path(handlers.chain.__file__).parent / "abi" / f"{file}.json"
    real = {(one["type"], one.get("name")): one for one in artifact(contract)["abi"]}

    for entry in json.loads(path.read_text()):
        found = real[entry["type"], entry["name"]]
        for part in ("inputs", "outputs"):
            for ours, theirs in zip(entry.get(part, []), found.get(part, []), strict=True):
                assert ours == {name: theirs[name] for name in ours}


@pytest.mark.parametrize(
    ("logs", "count"),
    [
        ([started(), transfer(BUYER, SELLER, 10 * TOKEN_WEI)], 1),
        ([started(address=OTHER), transfer(BUYER, SELLER, 10 * TOKEN_WEI, address=OTHER)], 0),
        ([transfer(BUYER, SELLER, 1), transfer(OTHER, SELLER, 2), transfer(BUYER, SELLER, 3)], 2),
        ([transfer(BUYER, OTHER, 10 * TOKEN_WEI)], 0),
        ([replace(started(), data="0x")], 0),
        ([replace(transfer(BUYER, SELLER, 1), topics=(orders.TRANSFER,))], 0),
        ([replace(transfer(BUYER, SELLER, 1), topics=())], 0),
        ([], 0),
    ],
)
def test_only_what_the_datatoken_itself_noted_counts(logs, count):
    """Other contracts' events, other receivers and torn logs are no orders."""
    assert count == len(orders_in(receipt(*logs), TOKEN, {SELLER}))


def test_a_failed_transaction_has_no_orders():
    """Whatever a node says it noted."""
    assert [] == orders_in(receipt(started(), succeeded=False), TOKEN, {SELLER})


def test_what_an_order_says_without_a_payment_is_not_believed():
    """A contract may note any amount; what arrived decides."""
    order = orders_in(receipt(started(), transfer(BUYER, SELLER, 9 * TOKEN_WEI)), TOKEN, {SELLER})

    with pytest.raises(PaymentMissing, match="9 datatokens arrived; the price is 10"):
        current_order(order, BUYER, TERMS, head=100, now_s=1_000)


@pytest.mark.parametrize("seconds", [0, 60])
def test_an_order_lasts_to_its_last_second(seconds):
    """It ends after its time, not at it."""
    assert PAID == current_order([PAID], BUYER, TERMS, head=100, now_s=1_000 + seconds)


@given(valid_for_s=st.integers(1, 10**9), late_s=st.integers(1, 10**9))
def test_no_order_outlives_its_time(valid_for_s, late_s):
    """However long an order lasts, any second more is too late."""
    terms = replace(TERMS, valid_for_s=valid_for_s)

    with pytest.raises(PaymentMissing):
        current_order([PAID], BUYER, terms, head=100, now_s=PAID.time_s + valid_for_s + late_s)


@given(late_s=st.integers(0, 10**12))
def test_an_order_without_an_end_has_none(late_s):
    """0 is for ever."""
    assert PAID == current_order([PAID], BUYER, replace(TERMS, valid_for_s=0), head=100, now_s=PAID.time_s + late_s)


@given(depth=st.integers(0, 100), confirmations=st.integers(0, 100))
def test_an_order_counts_from_its_depth_on(depth, confirmations):
    """With as many blocks after it as are asked for, and not before."""
    try:
        current_order([PAID], BUYER, TERMS, head=100 + depth, now_s=1_000, confirmations=confirmations)
        counted = True
    except PaymentMissing:
        counted = False

    assert (depth >= confirmations) == counted


def test_the_first_order_that_entitles_is_found_among_others():
    """Orders that do not entitle, newer or older, do not stand in the way."""
    others = [replace(PAID, block=101, service=4), replace(PAID, block=99, consumer=OTHER, payer=OTHER)]

    assert PAID == current_order([others[0], PAID, others[1]], BUYER.upper(), TERMS, head=200, now_s=1_000)


def test_the_newest_order_is_the_one():
    """Of two that entitle, the newer lasts longer."""
    newer = replace(PAID, block=101, time_s=1_050)

    assert newer == current_order([newer, PAID], BUYER, TERMS, head=200, now_s=1_055)


@given(price=st.integers(0, 10**30), fees=st.integers(0, 2), extra=st.integers(0, 10**30))
def test_who_pays_the_price_pays_enough(price, fees, extra):
    """Whatever is ordered above the price, what the contract lets arrive suffices."""
    amount = price + extra
    arrives = amount - fees * (amount // 1000)

    assert arrives >= least_received(price, fees)


@pytest.mark.parametrize(
    ("cost", "expected"),
    [
        ("10", 10**19),
        (10, 10**19),
        (1.5, 15 * 10**17),
        ("0.000000000000000001", 1),
        ("1e-30", 1),
        ("0", 0),
        (0.0, 0),
        (" 2 ", 2 * 10**18),
        (0.1, 10**17),
        ("123456789012345678901234567890.123456789012345678", 123456789012345678901234567890123456789012345678),
    ],
)
def test_prices_are_exact(cost, expected):
    """Text and numbers, to the last wei; nothing that costs something is free."""
    assert expected == wei(cost)


@pytest.mark.parametrize("cost", ["", "x", "-1", -1, "NaN", "Infinity", float("inf"), None, [], True, "1e60"])
def test_what_is_no_price_is_refused(cost):
    """It is neither nothing nor a number of tokens that could exist."""
    with pytest.raises(ValueError, match="no price"):
        wei(cost)


def test_a_receipt_survives_json():
    """What is kept in the table comes back as it was."""
    found = receipt(started(), transfer(BUYER, SELLER, 1))

    assert found == receipt_of(json.loads(json.dumps(found.as_document())))
