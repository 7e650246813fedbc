"""Orders of datatokens: what of a transaction's logs entitles whom to which service.

Everything here is a function over values: the time and the head of the chain come in as arguments, so that a test needs
no clock and no node.

Source:
    ocean-contracts 0.6.9, DataTokenTemplate: `startOrder`, `OrderStarted`, `calculateFee`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal, InvalidOperation, localcontext
from typing import Final

from handlers.chain.values import Log, Receipt
from handlers.errors import PaymentMissing

ORDER_STARTED: Final = "0xe1c4fa794edfa8f619b8257a077398950357b9c6398528f94480307352f9afcc"
TRANSFER: Final = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"

TOKEN_WEI: Final = 10**18  #: one datatoken
FEE_WEI: Final = 10**15  #: of one datatoken: 0.1 %, once for the community and once for a market
SLACK_WEI: Final = 5  #: what rounding may take
DIGITS: Final = 120  #: more than any amount of 256 bits has
NOBODY: Final = "0x" + 40 * "0"


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What an order of a service has to meet."""

    token: str  #: address of the asset's datatoken, in any case
    service: int  #: index of the service in the DDO
    price_wei: int  #: of the datatoken
    valid_for_s: int  #: how long an order lasts; 0 for ever
    provider: str | None = None  #: address to which a plain transfer may go, besides the datatoken's minter


@dataclass(frozen=True, kw_only=True)
class Order:
    """An order that a transaction made; addresses in lower case."""

    tx: str
    service: int | None  #: None: a plain transfer, which says nothing of a service
    consumer: str
    payer: str
    amount_wei: int
    received_wei: int  #: what of it came to who sells
    fees: int  #: how many fees of 0.1 % were taken
    block: int
    time_s: int  #: Unix seconds


def orders_in(receipt: Receipt, token: str, recipients: Collection[str]) -> list[Order]:
    """Return the orders of one datatoken that a transaction made.

    Only what this very contract noted counts: any other can note the same words. A transaction that started orders has
    no plain transfers beside, because the payment of an order is a transfer as well, and would count twice.

    Args:
        receipt: Of the transaction.
        token: Address of the datatoken.
        recipients: Addresses to which a payment may go, in lower case.
    """
    if not receipt.succeeded:
        return []
    logs = [log for log in receipt.logs if log.address == token.lower()]
    paid: dict[str, int] = {}
    for log in logs:
        if is_event(log, TRANSFER, topics=3, words=1) and address_in(log.topics[2]) in recipients:
            sender = address_in(log.topics[1])
            paid[sender] = paid.get(sender, 0) + word(log, 0)
    started = [log for log in logs if is_event(log, ORDER_STARTED, topics=4, words=4)]
    if started:
        return [as_order(log, receipt, paid) for log in started]
    return list(transfers(receipt, paid))


def as_order(log: Log, receipt: Receipt, paid: dict[str, int]) -> Order:
    """Return the order that an `OrderStarted` notes."""
    payer = address_in(log.topics[2])
    return Order(
        tx=receipt.tx,
        service=word(log, 1),
        consumer=address_in(log.topics[1]),
        payer=payer,
        amount_wei=word(log, 0),
        received_wei=paid.get(payer, 0),
        fees=1 if address_in(log.topics[3]) == NOBODY else 2,
        block=receipt.block,
        time_s=receipt.time_s,
    )


def transfers(receipt: Receipt, paid: dict[str, int]) -> Iterator[Order]:
    """Yield the plain transfers (ERC-20) of a transaction as orders, one for each sender."""
    for sender, amount in paid.items():
        yield Order(
            tx=receipt.tx,
            service=None,
            consumer=sender,
            payer=sender,
            amount_wei=amount,
            received_wei=amount,
            fees=0,
            block=receipt.block,
            time_s=receipt.time_s,
        )


def current_order(
    orders: Iterable[Order], consumer: str, terms: Terms, *, head: int, now_s: float, confirmations: int = 0
) -> Order:
    """Return the newest order that entitles *consumer* to the service now.

    Args:
        orders: Orders of the asset's datatoken, in any order.
        consumer: Address of who wants the service, in any case; who ordered or who paid.
        terms: What the order has to meet.
        head: Number of the newest block.
        now_s: Present time, Unix seconds.
        confirmations: Blocks that have to follow the order's.

    Raises:
        PaymentMissing: No order does; the detail says why the newest does not.
    """
    faults = []
    for order in sorted(orders, key=lambda order: order.block, reverse=True):
        fault = fault_of(order, consumer.lower(), terms, head=head, now_s=now_s, confirmations=confirmations)
        if fault is None:
            return order
        faults.append(fault)
    raise PaymentMissing(faults[0] if faults else "The transaction holds no order of this asset's datatoken.")


def fault_of(order: Order, consumer: str, terms: Terms, *, head: int, now_s: float, confirmations: int) -> str | None:
    """Say why an order does not entitle *consumer* to the service now; None: it does."""
    missing = order.block + confirmations - head
    late_s = int(now_s - order.time_s - terms.valid_for_s)
    amount, price, received = (tokens(wei) for wei in (order.amount_wei, terms.price_wei, order.received_wei))
    faults = (
        (consumer not in (order.consumer, order.payer), "The order is another address's."),
        (
            order.service not in (None, terms.service),
            f"The order is of the service {order.service}, not of {terms.service}.",
        ),
        (order.amount_wei < terms.price_wei, f"The order is of {amount} datatokens; the price is {price}."),
        (
            order.received_wei < least_received(terms.price_wei, order.fees),
            f"Of the order {received} datatokens arrived; the price is {price}.",
        ),
        (missing > 0, f"The order needs {missing} more blocks after its own."),
        (terms.valid_for_s > 0 and late_s > 0, f"The order ended {late_s} seconds ago."),
    )
    return next((words for wrong, words in faults if wrong), None)


def least_received(price_wei: int, fees: int) -> int:
    """Return what of a price has to arrive when so many fees were taken.

    Args:
        price_wei: The price.
        fees: How many fees of 0.1 % an order of this kind pays; a plain transfer pays none.
    """
    return price_wei - fees * (price_wei * FEE_WEI // TOKEN_WEI) - (SLACK_WEI if fees else 0)


def wei(cost: object) -> int:
    """Return the price that a DDO states in whole datatokens, as a number or as text, in wei.

    What is more than nothing stays so: it is rounded up.

    Raises:
        ValueError: It is no price.
    """
    with localcontext(prec=DIGITS):
        try:
            exact = Decimal(str(cost).strip()) * TOKEN_WEI
            if not (exact.is_finite() and 0 <= exact < 2**256):
                raise ValueError(f"{cost!r} is no price in datatokens.")
            return int(exact.to_integral_value(ROUND_CEILING))
        except InvalidOperation as error:
            raise ValueError(f"{cost!r} is no price in datatokens.") from error


def tokens(amount_wei: int) -> str:
    """Return an amount in whole datatokens, as people write it."""
    with localcontext(prec=DIGITS):
        return f"{(Decimal(amount_wei) / TOKEN_WEI).normalize():f}"


def is_address(text: str) -> bool:
    """Tell whether *text* is an address: 20 bytes in hexadecimal, with 0x."""
    return re.fullmatch(r"0x[0-9a-fA-F]{40}", text) is not None


def is_event(log: Log, topic: str, *, topics: int, words: int) -> bool:
    """Tell whether a log is of this event, with all of its parts."""
    return len(log.topics) == topics and log.topics[0] == topic and len(log.data) == 2 + 64 * words


def address_in(topic: str) -> str:
    """Return the address in a topic."""
    return "0x" + topic[-40:]


def topic_of(address: str) -> str:
    """Return an address as a topic."""
    return "0x" + address.lower().removeprefix("0x").rjust(64, "0")


def word(log: Log, number: int) -> int:
    """Return one of the numbers in a log, counted from 0."""
    begin = 2 + 64 * number
    return int(log.data[begin : begin + 64], 16)
