"""What `Nd4j.write` and `Nd4j.saveBinary` write: two buffers, big-endian, the shape's and the elements'.

A buffer is the name of an allocation mode, a length, the name of a type, and so many elements. A name has its length
before it (uint16). Java's own reader of the time takes only DOUBLE, FLOAT, HALF, LONG and INT.

Source:
    `org.nd4j.linalg.api.buffer.BaseDataBuffer`. The layout of `coefficients.bin` in the files of DL4J is the same; the
    tests hold the head of one that Java wrote, and not the file.
"""

from __future__ import annotations

import struct
from typing import Final

import numpy

from handlers.pipelines.faults import Refused
from handlers.pipelines.values import Array
from handlers.pipelines.wire.datatypes import BFLOAT16, BY_NAME, DataType, named, type_of, widened
from handlers.pipelines.wire.shapeinfo import ShapeInfo, read_shape_info, words_for, write_shape_info
from handlers.pipelines.wire.shapes import MOST_AXES, array_from

LENGTHS: Final = {
    **dict.fromkeys(("MIXED_DATA_TYPES", "LONG_SHAPE"), struct.Struct(">q")),
    **dict.fromkeys(("DIRECT", "HEAP", "JAVACPP"), struct.Struct(">i")),  # old files
}  #: of a buffer, by its allocation mode
WRITTEN: Final = "MIXED_DATA_TYPES"
NAME_LENGTH: Final = struct.Struct(">H")
MOST_NAME_BYTES: Final = 64
SHAPE_TYPES: Final = {"LONG": "q", "INT": "i"}

Buffer = tuple[str, DataType, int, int]  #: allocation mode, type, number of elements, and where these begin


def is_stream(data: bytes | memoryview) -> bool:
    """Tell whether the bytes begin as a stream does, which BinarySerde never does."""
    view = memoryview(data)
    return any(bytes(view[: 2 + len(mode)]) == packed(mode) for mode in LENGTHS)


def read_nd4j_stream(data: bytes | memoryview) -> Array:
    """Return the array; one of BFLOAT16 as float32.

    Raises:
        Refused: It is none, is of texts, or is compressed; or bytes follow it.
    """
    view = memoryview(data)
    info, at = shape_at(view)
    if info.empty and at == len(view) and info.type is not None:
        return numpy.empty(info.shape, info.type.dtype if info.type is not BFLOAT16 else "f4")
    _, kind, count, start = buffer_at(view, at)
    elements = view[start:]
    if count * kind.dtype.itemsize != len(elements):
        raise Refused(f"It says that it has {count} elements of {kind.name}, and {len(elements)} bytes follow.")
    found = array_from(elements, kind.dtype.newbyteorder(">"), info.shape, info.order)
    return widened(found) if kind is BFLOAT16 else found


def shape_at(view: memoryview) -> tuple[ShapeInfo, int]:
    """Return what the first buffer says, and where the second begins."""
    mode, kind, count, start = buffer_at(view, 0)
    if kind.name not in SHAPE_TYPES:
        raise Refused(f"Its shape is told in numbers of {kind.name}; LONG and INT can be.")
    if not 0 <= count <= words_for(MOST_AXES):
        raise Refused(f"Its shape is told in {count} numbers; {words_for(MOST_AXES)} are the most.")
    end = start + count * kind.dtype.itemsize
    if end > len(view):
        raise Refused("It is cut short in its shape.")
    words = struct.unpack_from(f">{count}{SHAPE_TYPES[kind.name]}", view, start)
    return read_shape_info(words, options=LENGTHS[mode].size == 8), end


def buffer_at(view: memoryview, at: int) -> Buffer:
    """Return what the head of a buffer says."""
    mode, at = name_at(view, at)
    if mode not in LENGTHS:
        raise Refused(f"A buffer begins with {mode!r}, which is no allocation mode; there are {', '.join(LENGTHS)}.")
    length = LENGTHS[mode]
    if at + length.size > len(view):
        raise Refused("It is cut short in the head of a buffer.")
    (count,) = length.unpack_from(view, at)
    name, start = name_at(view, at + length.size)
    return mode, named(name), count, start


def name_at(view: memoryview, at: int) -> tuple[str, int]:
    """Return a name, and what follows it."""
    start = at + NAME_LENGTH.size
    if start > len(view):
        raise Refused("It is cut short in the head of a buffer.")
    (length,) = NAME_LENGTH.unpack_from(view, at)
    if length > MOST_NAME_BYTES:
        raise Refused(f"A name of {length} bytes stands in the head of a buffer; none is so long.")
    if start + length > len(view):
        raise Refused("It is cut short in the head of a buffer.")
    return str(view[start : start + length], "latin-1"), start + length


def write_nd4j_stream(array: Array) -> bytes:
    """Return an array in C order.

    Raises:
        Refused: ND4J has no type for it.
    """
    kind = type_of(array)
    plain = numpy.asarray(array, array.dtype.newbyteorder(">"), order="C")
    words = write_shape_info(plain.shape, kind)
    shape = head(BY_NAME["LONG"], len(words)) + struct.pack(f">{len(words)}q", *words)
    return b"".join((shape, head(kind, plain.size), plain.data))


def head(kind: DataType, count: int) -> bytes:
    """Return the head of a buffer."""
    return packed(WRITTEN) + LENGTHS[WRITTEN].pack(count) + packed(kind.name)


def packed(name: str) -> bytes:
    """Return a name with its length before it."""
    return NAME_LENGTH.pack(len(name)) + name.encode()
