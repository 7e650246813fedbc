"""Pieces of a table that is read, which are bounded in rows, values and bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from handlers.errors import Fault, Unprocessable

PIECE_ROWS: Final = 4096
PIECE_CELLS: Final = 1 << 18
PIECE_BYTES: Final = 16 << 20  #: of the values of a piece, and the most that one row may have

Piece = list[tuple[Any, ...]]


class Typed:
    """A table whose values have types of their own."""

    def kinds(self, wanted: Sequence[int]) -> list[str | None]:
        """Return nothing for each column, since there is nothing to be found out."""
        return [None] * len(wanted)


def rows_at_a_time(columns: Sequence[Any]) -> int:
    """Return how many rows with these columns make a piece."""
    return max(1, min(PIECE_ROWS, PIECE_CELLS // max(1, len(columns))))


def broken(words: str) -> Unprocessable:
    """Return the error for a table that cannot be read."""
    return Unprocessable(f"The table cannot be read. {words}"[:2000], faults=[Fault("body", "", words[:2000])])
