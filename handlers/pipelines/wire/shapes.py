"""Arrays from bytes, once shape and type are known and before anything is allocated for them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy

from handlers.pipelines.faults import Refused
from handlers.pipelines.values import Array
from handlers.pipelines.wire.datatypes import DType

MOST_AXES = 32  #: as many as NumPy 1 and ND4J can have
MOST_ELEMENTS = 1 << 40  #: that the axes of an empty array may have without those of length 0


def checked_shape(shape: Sequence[int], itemsize: int, have: int) -> tuple[int, ...]:
    """Return a shape whose elements are exactly what there is.

    Args:
        shape: As it was told; not to be trusted.
        itemsize: Size of an element in bytes.
        have: Bytes that there are for the elements.

    Raises:
        Refused: It has too many axes, a negative length, or more or fewer elements.
    """
    if len(shape) > MOST_AXES:
        raise Refused(f"It has {len(shape)} axes; {MOST_AXES} are the most.")
    if any(length < 0 for length in shape):
        raise Refused(f"Its shape {list(shape)} has a negative length.")
    wanted = math.prod(shape) * itemsize
    if have < wanted:
        raise Refused(f"It is cut short: its shape {list(shape)} needs {wanted} bytes, and {have} are there.")
    if have > wanted:
        raise Refused(f"It has {have - wanted} bytes more than its shape {list(shape)} needs.")
    if not wanted and math.prod(length for length in shape if length) > MOST_ELEMENTS:
        raise Refused(f"Its shape {list(shape)} is too large, though there is nothing in it.")
    return tuple(shape)


def array_from(data: memoryview, dtype: DType, shape: Sequence[int], order: Literal["C", "F"] = "C") -> Array:
    """Return an array of its own memory, in this machine's byte order.

    Args:
        data: The elements, and nothing else.
        dtype: Their type, with their byte order.
        shape: As it was told; not to be trusted.
        order: C where the last axis runs fastest, F where the first does; the array stays so.

    Raises:
        Refused: The shape is none, or wants more or fewer bytes.
    """
    checked = checked_shape(shape, dtype.itemsize, len(data))
    native = dtype.newbyteorder("=")
    if not len(data):
        return numpy.empty(checked, native)
    found = numpy.frombuffer(data, dtype).reshape(checked, order=order)
    if native.kind == "b":
        return numpy.asarray(found.view("u1") != 0)  # any byte may have come, and NumPy's have to be 0 or 1
    return found.astype(native, order="K", copy=True)


def little_endian(array: Array) -> Array:
    """Return an array as it is written: in C order and little-endian; itself, if it is so already."""
    return numpy.asarray(array, array.dtype.newbyteorder("<"), order="C")
