"""Records as columns of Arrow."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy
import pyarrow

from handlers.pipelines.faults import Refused
from handlers.pipelines.values import Array, Records
from handlers.pipelines.wire.arrowmessages import FAULTS


def columns_of(records: Records) -> dict[str, pyarrow.Array]:
    """Return a column for each name that a record has, in the order in which they appear.

    Raises:
        Refused: A column holds values that have no common type.
    """
    names = dict.fromkeys(chain.from_iterable(records))
    return {name: column([row.get(name) for row in records], name) for name in names}


def column(values: Sequence[Any], name: str) -> pyarrow.Array:
    """Return a column of values; an array becomes lists of its own type, one level for each axis."""
    arrays = [value for value in values if isinstance(value, numpy.ndarray)]
    try:
        if arrays and len(arrays) == sum(value is not None for value in values) and alike(arrays):
            return lists(values, arrays)
        return inferred([plain(value) for value in values])
    except FAULTS as error:
        raise Refused(f"The values of {name[:100]!r} have no common type: {str(error)[:200]}") from error


def inferred(values: list[Any]) -> pyarrow.Array:
    """Return a column of the type that its values need."""
    try:
        return pyarrow.array(values)
    except OverflowError:
        return pyarrow.array(values, pyarrow.uint64())  # pyarrow takes whole numbers as int64, unless it is told


def alike(arrays: Sequence[Array]) -> bool:
    """Tell whether arrays can be lists of one type: they have axes, and differ at most in the length of the first."""
    inner = {array.shape[1:] for array in arrays if array.ndim}
    return (
        all(array.ndim and array.dtype.kind in "biuf" for array in arrays) and len(inner) == 1 and 0 not in min(inner)
    )


def lists(values: Sequence[Array | None], arrays: Sequence[Array]) -> pyarrow.Array:
    """Return lists of the elements of arrays that are alike."""
    flat = numpy.concatenate([array.reshape(-1) for array in arrays])
    elements = pyarrow.array(flat.astype(flat.dtype.newbyteorder("="), copy=False))
    for length in reversed(arrays[0].shape[1:]):
        elements = pyarrow.FixedSizeListArray.from_arrays(elements, length)
    lengths = [0 if value is None else len(value) for value in values]
    offsets = pyarrow.array(numpy.concatenate(([0], numpy.cumsum(lengths))), pyarrow.int32())
    missing = pyarrow.array([value is None for value in values], pyarrow.bool_())
    return pyarrow.ListArray.from_arrays(offsets, elements, mask=missing)


def plain(value: Any) -> Any:
    """Return a value as pyarrow takes it."""
    return value.tolist() if isinstance(value, numpy.ndarray) else value
