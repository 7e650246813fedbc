"""The till: fetches orders from the chain, judges them, and binds each to what it was first used for.

A receipt is kept once so many blocks follow it that it cannot be undone. Until then the chain is asked each time, so
that an order whose block was replaced counts no longer.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from handlers.chain.orders import ORDER_STARTED, Order, Terms, current_order, is_address, orders_in, topic_of
from handlers.chain.tables import OrderRow
from handlers.chain.values import Receipt, receipt_of
from handlers.errors import ChainUnavailable, InputInvalid, PaymentMissing
from handlers.keys import recursion_limit_kept
from handlers.settings import Settings
from handlers.storage.sql import Database, now

if TYPE_CHECKING:
    from handlers.chain.client import Chain

TABLE: Final = OrderRow.metadata.tables[OrderRow.__tablename__]
HASH: Final = re.compile(r"0x[0-9a-fA-F]{64}")
RECENT_BLOCKS: Final = 5_000  # in which an order is looked for that was not used here; nodes refuse to search many more
CANDIDATES: Final = 3  # of them, the newest, are looked at


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What the chain says of a transaction."""

    receipt: Receipt
    minter: str | None
    head: int
    kept: bool = False  #: whether it comes from the table


class Till:
    """Checks the orders of one chain."""

    def __init__(self, database: Database, settings: Settings, *, clock: Callable[[], float] = time.time) -> None:
        """Keep in *database* what orders are bound to; nothing is asked yet.

        Args:
            database: Where.
            settings: Name the chain.
            clock: Returns the present time, Unix seconds.
        """
        self._database = database
        self._settings = settings
        self._clock = clock

    @cached_property
    def chain(self) -> Chain:
        """The chain.

        Raises:
            ChainUnavailable: None is configured.
        """
        if not self._settings.chain_urls:
            raise ChainUnavailable("This server has no chain (SEAMARK_CHAIN_URL), so it cannot check payments.")
        with recursion_limit_kept():
            from handlers.chain.client import Chain

        settings = self._settings
        return Chain(settings.chain_urls, timeout_s=settings.chain_timeout_s, chain_id=settings.chain_id)

    def check(self, tx: str, consumer: str, terms: Terms, *, asset: str) -> Order:
        """Return the order that a transaction made, if it entitles *consumer* to the service now; bind it to that.

        Args:
            tx: Hash of the transaction.
            consumer: Address of who wants the service, in any case.
            terms: What the order has to meet.
            asset: DID of the asset, in its canonical form.

        Raises:
            InputInvalid: *tx* is no hash.
            PaymentMissing: The order does not, or it is bound to something else; the detail says why.
            ChainUnavailable: The chain cannot be asked.
        """
        if HASH.fullmatch(tx) is None:
            raise InputInvalid("The transaction id is not a hash: 0x and 64 hexadecimal digits.")
        tx = tx.lower()
        row = self._row(tx)
        refuse_other(row, asset, terms.service)
        evidence = kept(row, self._settings.chain_confirmations) or self._ask(tx, terms.token)
        order = self._judge(evidence, consumer, terms)
        self._bind(evidence, order, consumer, asset, terms.service)
        return order

    def current(self, consumer: str, terms: Terms, *, asset: str) -> Order | None:
        """Return an order that entitles *consumer* to the service now; None: none is known, or found among the recent.

        Raises:
            ChainUnavailable: The chain cannot be asked.
        """
        with self.chain.bounded():
            for tx in self._candidates(consumer, terms, asset):
                try:
                    row = self._row(tx)
                    refuse_other(row, asset, terms.service)
                    evidence = kept(row, self._settings.chain_confirmations) or self._ask(tx, terms.token)
                    return self._judge(evidence, consumer, terms)
                except PaymentMissing:
                    continue  # this one does not; the next one may
        return None

    def minter(self, token: str) -> str | None:
        """Return to whom the orders of a datatoken are paid; None where its contract does not say.

        Raises:
            ChainUnavailable: The chain cannot be asked.
        """
        return self.chain.minter(checked(token))

    def close(self) -> None:
        """End the connections to the chain."""
        if "chain" in self.__dict__:
            self.chain.close()

    def _ask(self, tx: str, token: str) -> Evidence:
        """Ask the chain for a transaction.

        Raises:
            PaymentMissing: It is not on the chain.
        """
        with self.chain.bounded():
            receipt = self.chain.receipt(tx)
            if receipt is None:
                raise PaymentMissing("The transaction is not on the chain, or not yet.")
            minter = self.chain.minter(checked(token), receipt.block)
            # The receipt proves that its block is there, even if the node that is asked now does not have it yet.
            return Evidence(receipt=receipt, minter=minter, head=max(self.chain.head(), receipt.block))

    def _judge(self, evidence: Evidence, consumer: str, terms: Terms) -> Order:
        """Return the one order of a transaction that entitles *consumer* to the service now.

        Raises:
            PaymentMissing: There is none, or there are several, of which only one could be bound.
        """
        recipients = {address.lower() for address in (evidence.minter, terms.provider) if address}
        orders = orders_in(evidence.receipt, terms.token, recipients)
        if len([order for order in orders if order.service is not None]) > 1:
            raise PaymentMissing("The transaction holds several orders; each has to come in one of its own.")
        confirmations = self._settings.chain_confirmations
        return current_order(
            orders, consumer, terms, head=evidence.head, now_s=self._clock(), confirmations=confirmations
        )

    def _bind(self, evidence: Evidence, order: Order, consumer: str, asset: str, service: int) -> None:
        """Bind an order to an asset and a service, and keep what is final; whoever comes first decides.

        Raises:
            PaymentMissing: Somebody else was faster and used it for something else.
        """
        if evidence.kept:
            return
        final = evidence.head - order.block >= self._settings.chain_final_blocks
        document = {"receipt": evidence.receipt.as_document(), "minter": evidence.minter} if final else None
        values = {"asset": asset, "service": service, "consumer": consumer.lower(), "bound": now()}
        try:
            with self._database.write() as connection:
                connection.execute(insert(TABLE).values(tx=order.tx, evidence=document, **values))
        except IntegrityError:
            refuse_other(self._row(order.tx), asset, service)
            if document is not None:
                with self._database.write() as connection:
                    connection.execute(update(TABLE).where(TABLE.c.tx == order.tx).values(evidence=document))

    def _row(self, tx: str) -> Any:
        """Return what an order is bound to; None: nothing yet."""
        with self._database.read() as connection:
            return connection.execute(select(TABLE).where(TABLE.c.tx == tx)).mappings().first()

    def _candidates(self, consumer: str, terms: Terms, asset: str) -> Iterator[str]:
        """Yield transactions that may hold an order of *consumer*'s: those used here, then the recent ones."""
        used = (TABLE.c.asset == asset, TABLE.c.service == terms.service, TABLE.c.consumer == consumer.lower())
        query = select(TABLE.c.tx).where(*used).order_by(TABLE.c.bound.desc()).limit(CANDIDATES)
        with self._database.read() as connection:
            known = list(connection.execute(query).scalars())
        yield from known
        for topics in ([ORDER_STARTED, topic_of(consumer)], [ORDER_STARTED, None, topic_of(consumer)]):
            found = self.chain.transactions(checked(terms.token), topics, RECENT_BLOCKS)
            yield from [tx for tx in found if tx not in known][:CANDIDATES]


def kept(row: Any, confirmations: int) -> Evidence | None:
    """Return what a row keeps of a final transaction; None: nothing."""
    if row is None or row["evidence"] is None:
        return None
    receipt = receipt_of(row["evidence"]["receipt"])
    minter = row["evidence"]["minter"]
    return Evidence(receipt=receipt, minter=minter, head=receipt.block + confirmations, kept=True)


def refuse_other(row: Any, asset: str, service: int) -> None:
    """Refuse an order that is bound to another asset or service.

    Raises:
        PaymentMissing: It is.
    """
    if row is not None and (row["asset"], row["service"]) != (asset, service):
        raise PaymentMissing("The order was used for another asset or service.")


def checked(token: str) -> str:
    """Return the address of a datatoken.

    Raises:
        PaymentMissing: The asset states none, so that nobody can order it.
    """
    if not is_address(token):
        raise PaymentMissing("The asset names no datatoken, so that it cannot be ordered.")
    return token
