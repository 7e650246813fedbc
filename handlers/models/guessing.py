"""What the columns of a table of texts hold, where the model does not say it.

A column has one type, whatever part of the table is read at a time: that which all of its values have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from handlers.models.coercions import WORDS, as_float, as_int

WHOLE: Final = "int64"
NUMBER: Final = "float64"
TRUTH: Final = "bool"
TEXT: Final = "str"


def is_whole(text: str) -> bool:
    """Tell whether a text is a whole number of 64 bits."""
    with suppress(ValueError):
        as_int(text)
        return True
    return False


def is_number(text: str) -> bool:
    """Tell whether a text is a number."""
    with suppress(ValueError):
        as_float(text)
        return True
    return False


#: The first of them that all values are is the type of a column.
KINDS: Final[Mapping[str, Callable[[str], bool]]] = {WHOLE: is_whole, NUMBER: is_number, TRUTH: WORDS.__contains__}


class Column:
    """What is known of a column of which some values were seen."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._left = list(KINDS)
        self._gaps = False

    def add(self, value: str | None) -> None:
        """See one value; None: there is none."""
        if value is None:
            self._gaps = True
        elif self._left:
            self._left = [kind for kind in self._left if KINDS[kind](value)]

    @property
    def kind(self) -> str:
        """The type; a column of whole numbers with gaps has numbers, as pandas has it."""
        first = self._left[0] if self._left else TEXT
        return NUMBER if first == WHOLE and self._gaps else first


def kinds_in(rows: Iterable[Sequence[Any]], count: int) -> list[str]:
    """Return the type of each of the *count* columns of all rows of a table of texts."""
    columns = [Column() for _ in range(count)]
    for row in rows:
        for column, value in zip(columns, row, strict=True):
            column.add(value)
    return [column.kind for column in columns]
