"""The numbers by which ND4J tells an array's shape: `rank, shape…, strides…, options, element-wise stride, order`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from handlers.pipelines.faults import Refused
from handlers.pipelines.wire.datatypes import BY_OPTIONS, TYPE_BITS, DataType
from handlers.pipelines.wire.shapes import MOST_AXES

SPARSE: Final = 2
COMPRESSED: Final = 4
EMPTY: Final = 8
ORDERS: Final[dict[int, Literal["C", "F"]]] = {ord("c"): "C", ord("f"): "F"}


@dataclass(frozen=True)
class ShapeInfo:
    """What they say."""

    shape: tuple[int, ...]
    order: Literal["C", "F"]
    type: DataType | None  #: that the options tell; None: they tell none
    empty: bool  #: whether there are no elements


def words_for(rank: int) -> int:
    """Return how many numbers tell the shape of an array of *rank* axes.

    Raises:
        Refused: No array has so many, or so few.
    """
    if not 0 <= rank <= MOST_AXES:
        raise Refused(f"It says that it has {rank} axes; 0 to {MOST_AXES} can be.")
    return 2 * rank + 4


def read_shape_info(words: Sequence[int], *, options: bool = True) -> ShapeInfo:
    """Return what the numbers say.

    Strides are not looked at: what is sent is contiguous, and writers disagree on the strides of axes of length 1.

    Args:
        words: The numbers.
        options: Whether they tell options; before these there was an offset in their place, which is of no use here.

    Raises:
        Refused: They contradict each other, or the array is compressed or sparse.
    """
    rank = words[0] if words else -1
    if len(words) != words_for(rank):
        raise Refused(f"Its shape is told in {len(words)} numbers, and {rank} axes need {words_for(rank)}.")
    shape, (bits, _, order) = tuple(words[1 : rank + 1]), words[-3:]
    if order not in ORDERS:
        raise Refused(f"Its order is {order}; 99 (c) and 102 (f) can be.")
    if not options:
        return ShapeInfo(shape, ORDERS[order], None, 0 in shape)
    if bits & COMPRESSED:
        raise Refused("It is compressed; compressed arrays are not read.")
    if bits & SPARSE:
        raise Refused("It is sparse; sparse arrays are not read.")
    if bits & EMPTY and 0 not in shape:
        if rank:
            raise Refused(f"It says that it is empty, and that its shape is {list(shape)}.")
        shape = (0,)  # ND4J's empty array without axes; NumPy has none
    return ShapeInfo(shape, ORDERS[order], BY_OPTIONS.get(bits & TYPE_BITS), 0 in shape)


def write_shape_info(shape: Sequence[int], kind: DataType) -> list[int]:
    """Return the numbers for a contiguous array in C order."""
    words_for(len(shape))
    empty = EMPTY if 0 in shape else 0
    return [len(shape), *shape, *strides(shape), kind.options | empty, 1, ord("c")]


def strides(shape: Sequence[int]) -> list[int]:
    """Return the strides of a contiguous array in elements; ND4J has 1 for both axes of a row or a column."""
    if len(shape) == 2 and 1 in shape:
        return [1, 1]
    return [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
