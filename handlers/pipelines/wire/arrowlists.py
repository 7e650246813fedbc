"""Lists of Arrow, nested to any depth, as arrays or lists: by their offsets, and not element by element."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy
import pyarrow
from pyarrow import types

from handlers.pipelines.faults import Refused
from handlers.pipelines.values import Array
from handlers.pipelines.wire.shapes import MOST_AXES

MOST_LISTS: Final = 1 << 24  #: of one level of a column


@dataclass(frozen=True)
class Level:
    """The lists of one level of nesting."""

    offsets: Array  #: list i goes from offsets[i] to offsets[i + 1] of what the next level has; begins with 0
    missing: Array | None = None  #: whether list i is null; None: no list is

    def bounds(self) -> list[tuple[int, int] | None]:
        """Return where each list begins and ends; None for one that is null."""
        found: list[tuple[int, int] | None] = list(
            zip(self.offsets[:-1].tolist(), self.offsets[1:].tolist(), strict=True)
        )
        if self.missing is not None:
            for index in numpy.flatnonzero(self.missing).tolist():
                found[index] = None
        return found


def is_list(kind: pyarrow.DataType) -> bool:
    """Tell whether a type is one of lists whose elements lie one behind the other."""
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def peeled(column: pyarrow.Array, name: str) -> tuple[list[Level], pyarrow.Array]:
    """Return the levels of a column of lists, the outermost first, and the elements of the innermost.

    Raises:
        Refused: Lists are nested too deep, or are too many.
    """
    levels: list[Level] = []
    while is_list(column.type):
        if len(levels) == MOST_AXES or len(column) > MOST_LISTS:
            raise Refused(f"The column {name[:100]!r} has more than {MOST_AXES} levels or {MOST_LISTS} lists.")
        offsets = offsets_of(column)
        first, end = int(offsets[0]), int(offsets[-1])
        missing = column.is_null().to_numpy(zero_copy_only=False) if column.null_count else None
        levels.append(Level(offsets - first, missing))
        column = column.values.slice(first, end - first)
    return levels, column


def offsets_of(column: pyarrow.Array) -> Array:
    """Return the offsets of lists into their values."""
    if types.is_fixed_size_list(column.type):
        places: Array = column.offset + numpy.arange(len(column) + 1)
        return places * int(column.type.list_size)
    if not len(column):
        return numpy.zeros(1, "i8")
    offsets: Array = column.offsets.to_numpy().astype("i8")
    return offsets


def arrays_of(levels: Sequence[Level], flat: Array, name: str) -> list[Array | None]:
    """Return an array for each list of the outermost level, as views of *flat*.

    Raises:
        Refused: Lists of one cell have different lengths, or one within it is null.
    """
    top, inner = levels[0], levels[1:]
    if any(level.missing is not None for level in inner):
        raise Refused(f"A list in the column {name[:100]!r} is null within another.")
    shape = common_shape(inner)
    if shape is None:
        return [
            None if bounds is None else one(inner, flat, *bounds, f"row {row} of the column {name[:100]!r}")
            for row, bounds in enumerate(top.bounds())
        ]
    blocks = flat.reshape((int(top.offsets[-1]), *shape))
    return [None if bounds is None else blocks[slice(*bounds)] for bounds in top.bounds()]


def one(levels: Sequence[Level], flat: Array, begin: int, end: int, place: str) -> Array:
    """Return the array of one cell.

    Args:
        levels: Those within the outermost.
        flat: All elements.
        begin: The first list of the cell, in the first of the levels.
        end: The list behind its last.
        place: Of the cell, in words.

    Raises:
        Refused: Its lists have different lengths.
    """
    length, own = end - begin, []
    for level in levels:
        offsets = level.offsets[begin : end + 1]
        own.append(Level(offsets))
        begin, end = int(offsets[0]), int(offsets[-1])
    shape = common_shape(own)
    if shape is None:
        raise Refused(f"The lists in {place} have different lengths.")
    return flat[begin:end].reshape((length, *shape))


def common_shape(levels: Sequence[Level]) -> tuple[int, ...] | None:
    """Return the length of the lists of each level; None: on some level they have different ones."""
    lengths = [numpy.unique(numpy.diff(level.offsets)) for level in levels]
    if any(len(one) > 1 for one in lengths):
        return None
    return tuple(int(one[0]) if len(one) else 0 for one in lengths)


def lists_of(levels: Sequence[Level], elements: list[Any]) -> list[Any]:
    """Return Python lists of elements."""
    for level in reversed(levels):
        elements = [None if bounds is None else elements[slice(*bounds)] for bounds in level.bounds()]
    return elements
