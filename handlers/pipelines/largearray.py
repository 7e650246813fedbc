"""One large array that stays in its file, of which rows are read."""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy

from handlers.pipelines.faults import Refused, Unusable
from handlers.pipelines.values import Array
from handlers.pipelines.wire.binaryserde import read_head
from handlers.pipelines.wire.datatypes import BFLOAT16, type_of
from handlers.pipelines.wire.shapes import checked_shape

MOST_BYTES: Final = 64 << 20  #: of what is answered at once


class LargeArray:
    """Gives rows of an array, which lie along its first axis."""

    def __init__(self, path: Path, unknown: Path | None = None) -> None:
        """Map the file at *path*, and that of the row that stands for rows which are not there, if there is one.

        Raises:
            Unusable: A file is no array, or the row is none of this array.
        """
        self._array = mapped(path)
        self._unknown = None if unknown is None else mapped(unknown)
        if not self._array.ndim:
            raise Unusable(f"{path.name} holds a single number, which has no rows.", "/memMapConfig/arrayPath")
        if self._unknown is not None and self._unknown.size != self._row_size:
            words = f"It has {self._unknown.size} elements, and a row of the array {self._row_size}."
            raise Unusable(words, "/memMapConfig/unkVectorPath")

    @property
    def shape(self) -> list[int]:
        """Length of each axis."""
        return list(self._array.shape)

    @property
    def _row_size(self) -> int:
        """Elements of a row."""
        return int(numpy.prod(self._array.shape[1:], dtype=numpy.int64))

    def whole(self) -> Array:
        """Return all rows.

        Raises:
            Refused: They are too many to be answered at once.
        """
        self._check_room(len(self._array))
        return numpy.array(self._array)

    def between(self, start: int, stop: int) -> Array:
        """Return the rows from *start* up to, but not including, *stop*.

        Raises:
            Refused: There are no such rows, or too many.
        """
        if not 0 <= start < stop <= len(self._array):
            words = f"There are {len(self._array)} rows; no range of them is from {start} up to {stop}."
            raise Refused(words, "start" if start >= stop else "stop")
        self._check_room(stop - start)
        return numpy.array(self._array[start:stop])

    def at(self, indices: Sequence[int]) -> Array:
        """Return the rows with these numbers, in their order; a negative one is the row that stands for others.

        Raises:
            Refused: There is no such row, or there are too many.
        """
        self._check_room(len(indices))
        for place, index in enumerate(indices):
            if index >= len(self._array):
                raise Refused(f"There are {len(self._array)} rows, and none has the number {index}.", f"/{place}")
            if index < 0 and self._unknown is None:
                raise Refused(f"There is no row for {index}: unkVectorPath is not set.", f"/{place}")
        numbers = numpy.asarray(indices, numpy.int64)
        found = numpy.array(self._array[numpy.maximum(numbers, 0)])
        if self._unknown is not None:
            found[numbers < 0] = self._unknown.reshape(self._array.shape[1:])
        return found

    def _check_room(self, rows: int) -> None:
        """See that so many rows can be answered at once."""
        if (size := rows * self._row_size * self._array.itemsize) > MOST_BYTES:
            raise Refused(f"These rows have {size} bytes; {MOST_BYTES} are the most that is answered at once.")


def mapped(path: Path) -> Array:
    """Return the array in a file, which is read as it is needed: `.npy` by its name, else as BinarySerde writes it.

    Raises:
        Unusable: It is none.
    """
    try:
        if path.name.endswith("npy"):
            found: Array = numpy.lib.format.open_memmap(path, mode="r")
            type_of(found)
            return found
        with path.open("rb") as file:
            view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        kind, info, start = read_head(view)
        if kind is BFLOAT16:
            raise Refused("It is of BFLOAT16, which is not read where it lies.")
        shape = checked_shape(info.shape, kind.dtype.itemsize, len(view) - start)
        elements = numpy.frombuffer(view, kind.dtype.newbyteorder("<"), offset=start)
        return elements.reshape(shape, order=info.order)
    except (OSError, ValueError, Refused) as error:
        raise Unusable(f"{path.name} cannot be read as an array: {error}", "/memMapConfig") from error


def wide(rows: Array) -> Array:
    """Return rows as a binary format has them: an array of a single element has two axes there."""
    return rows.reshape(1, 1) if rows.size == 1 else rows
