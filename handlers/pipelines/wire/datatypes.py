"""The types of ND4J's arrays: what they are called, and what they are in NumPy.

Source:
    `DataType` and `ArrayOptionsHelper` of ND4J 1.0.0-beta6.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy

from handlers.pipelines.faults import Refused
from handlers.pipelines.values import Array

DType = numpy.dtype[Any]

UNSIGNED: Final = 1 << 23  #: set in the options of UINT16, UINT32 and UINT64


@dataclass(frozen=True)
class DataType:
    """A type of ND4J."""

    name: str
    ordinal: int  #: its number in BinarySerde
    dtype: DType  #: in NumPy, in the byte order of this machine
    options: int  #: its bits in the options of an array


#: BFLOAT16 is the upper half of a FLOAT; NumPy has no such type, so that it is read as FLOAT, and never written.
BFLOAT16: Final = DataType("BFLOAT16", 11, numpy.dtype("u2"), 1 << 11)
TYPES: Final = (
    DataType("DOUBLE", 0, numpy.dtype("f8"), 1 << 14),
    DataType("FLOAT", 1, numpy.dtype("f4"), 1 << 13),
    DataType("HALF", 2, numpy.dtype("f2"), 1 << 12),
    DataType("LONG", 3, numpy.dtype("i8"), 1 << 18),
    DataType("INT", 4, numpy.dtype("i4"), 1 << 17),
    DataType("SHORT", 5, numpy.dtype("i2"), 1 << 16),
    DataType("UBYTE", 6, numpy.dtype("u1"), UNSIGNED | 1 << 15),
    DataType("BYTE", 7, numpy.dtype("i1"), 1 << 15),
    DataType("BOOL", 8, numpy.dtype("?"), 1 << 19),
    BFLOAT16,
    DataType("UINT16", 12, numpy.dtype("u2"), UNSIGNED | 1 << 16),
    DataType("UINT32", 13, numpy.dtype("u4"), UNSIGNED | 1 << 17),
    DataType("UINT64", 14, numpy.dtype("u8"), UNSIGNED | 1 << 18),
)
BY_NAME: Final = {one.name: one for one in TYPES}
BY_ORDINAL: Final = {one.ordinal: one for one in TYPES}
BY_OPTIONS: Final = {one.options: one for one in TYPES}
BY_DTYPE: Final = {one.dtype.str: one for one in TYPES if one is not BFLOAT16}
TYPE_BITS: Final = UNSIGNED | sum(1 << bit for bit in range(11, 20))  #: those of the options that tell the type
UNREAD: Final = {9: "UTF8", 10: "COMPRESSED", 15: "UNKNOWN"}


def named(name: str) -> DataType:
    """Return the type of this name.

    Raises:
        Refused: There is none, or its arrays are not of numbers.
    """
    if name not in BY_NAME:
        raise Refused(f"Arrays of the type {name[:40]!r} are not read; there are {', '.join(BY_NAME)}.")
    return BY_NAME[name]


def numbered(ordinal: int) -> DataType:
    """Return the type of this ordinal.

    Raises:
        Refused: There is none, or its arrays are not of numbers.
    """
    if ordinal in UNREAD:
        raise Refused(f"Arrays of the type {UNREAD[ordinal]} are not read.")
    if ordinal not in BY_ORDINAL:
        raise Refused(f"The number of its type is {ordinal}; there is no such type.")
    return BY_ORDINAL[ordinal]


def type_of(array: Array) -> DataType:
    """Return the type of an array, whatever its byte order.

    Raises:
        Refused: ND4J has none for it.
    """
    found = BY_DTYPE.get(array.dtype.newbyteorder("=").str)
    if found is None:
        raise Refused(f"ND4J has no type for arrays of {array.dtype.name}.")
    return found


def widened(halves: Array) -> Array:
    """Return BFLOAT16, given as its 16 bits, as float32."""
    return (halves.astype("u4") << 16).view("f4")
