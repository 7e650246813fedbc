"""Nonces: the number that an address has to sign next, which makes each signature good for one request.

A nonce is spent by who has shown to be the address, once, however many requests arrive at the same time; addresses are
one whatever their case.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from handlers.identities.tables import NonceRow
from handlers.storage.sql import Database

TABLE: Final = NonceRow.metadata.tables[NonceRow.__tablename__]


class Nonces:
    """The nonces of all addresses."""

    def __init__(self, database: Database) -> None:
        """Keep nonces in *database*."""
        self.database = database

    def read(self, address: str) -> int:
        """Return the number that an address has to sign next; 0 where it never did."""
        query = select(TABLE.c.nonce).where(TABLE.c.address == address.lower())
        with self.database.read() as connection:
            return connection.execute(query).scalar_one_or_none() or 0

    def spend(self, address: str, nonce: int) -> bool:
        """Replace a nonce by the next one.

        Args:
            address: Of who signed, in any case; whether they did is checked before.
            nonce: What they signed.

        Returns:
            Whether it was the current one; False: somebody has spent it.
        """
        address = address.lower()
        unspent = (TABLE.c.address == address, TABLE.c.nonce == nonce)
        with self.database.write() as connection:
            if connection.execute(update(TABLE).where(*unspent).values(nonce=nonce + 1)).rowcount == 1:
                return True
        return nonce == 0 and self._begin(address)

    def _begin(self, address: str) -> bool:
        """Spend the first nonce of an address; False: somebody was faster."""
        try:
            with self.database.write() as connection:
                connection.execute(insert(TABLE).values(address=address, nonce=1))
        except IntegrityError:
            return False
        return True
