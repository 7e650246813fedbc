"""How much the schema of an Arrow stream, and what is noted beside it, becomes once it is taken out of its bytes.

A FlatBuffer may lead to one text, or one table, from any number of places; pyarrow makes a copy for each of them.

Source:
    Apache Arrow, `Schema.fbs`; FlatBuffers, "Internals".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from handlers.models.arrowflat import number_in, table_at, table_in, vector_in
from handlers.models.pieces import broken

MOST_TABLES: Final = 100_000  #: fields, their children, and notes
MOST_TEXT_BYTES: Final = 16 << 20  #: of all names and notes together

# Fields of tables, by their number in the schema of the FlatBuffer.
SCHEMA_FIELDS, SCHEMA_NOTES = 1, 2
NAME, KIND, TYPE, CHILDREN, NOTES = 0, 2, 3, 5, 6
KEY, VALUE = 0, 1
TIMEZONE: Final = 1
TIMESTAMP: Final = 10  #: the type of a field that has a text


class Tally:
    """Counts what is taken out of a message."""

    def __init__(self, flat: memoryview) -> None:
        """Count in *flat*."""
        self._flat = flat
        self._tables = self._texts = 0

    def schema(self, schema: int) -> None:
        """Count a schema.

        Raises:
            Unprocessable: It is too much.
            struct.error: It leads out of its bytes.
        """
        self.notes(schema, SCHEMA_NOTES)
        todo = list(self._tables_in(schema, SCHEMA_FIELDS))
        while todo:
            one = todo.pop()
            self._text(one, NAME)
            self.notes(one, NOTES)
            if number_in(self._flat, one, KIND, "B") == TIMESTAMP and (kind := table_in(self._flat, one, TYPE)):
                self._text(kind, TIMEZONE)
            todo.extend(self._tables_in(one, CHILDREN))

    def notes(self, table: int, number: int) -> None:
        """Count the pairs of key and value in a field; raises as `schema` does."""
        for pair in self._tables_in(table, number):
            self._text(pair, KEY)
            self._text(pair, VALUE)

    def _tables_in(self, table: int, number: int) -> Iterator[int]:
        """Return the places of the tables in a vector, which are counted."""
        start, count = vector_in(self._flat, table, number, 4)
        self._tables += count
        if self._tables > MOST_TABLES:
            raise broken(f"The Arrow stream has more than {MOST_TABLES} fields and notes.")
        return (table_at(self._flat, start + 4 * place) for place in range(count))

    def _text(self, table: int, number: int) -> None:
        """Count a text."""
        if start := table_in(self._flat, table, number):
            self._texts += struct.unpack_from("<I", self._flat, start)[0]
        if self._texts > MOST_TEXT_BYTES:
            raise broken(f"The names and notes of the Arrow stream have more than {MOST_TEXT_BYTES} bytes.")
