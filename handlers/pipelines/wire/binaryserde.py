"""BinarySerde of ND4J: the arrays that Konduit Serving sends and takes as ND4J.

Little-endian, as every machine writes it that a JVM of today runs on: rank and type (int32), the numbers that tell the
shape (int64), the elements. There is no magic number.

Source:
    `org.nd4j.serde.binary.BinarySerde`. No file that Java wrote was to be had: the tests hold vectors of its layout.
"""

from __future__ import annotations

import struct
from typing import Final

from handlers.pipelines.faults import Refused
from handlers.pipelines.values import Array
from handlers.pipelines.wire.datatypes import BFLOAT16, DataType, numbered, type_of, widened
from handlers.pipelines.wire.shapeinfo import ShapeInfo, read_shape_info, words_for, write_shape_info
from handlers.pipelines.wire.shapes import array_from, little_endian

HEAD: Final = struct.Struct("<ii")


def read_binaryserde(data: bytes | memoryview) -> Array:
    """Return the array; one of BFLOAT16 as float32.

    Raises:
        Refused: It is none, is of texts, or is compressed; or bytes follow it.
    """
    view = memoryview(data)
    kind, info, start = read_head(view)
    found = array_from(view[start:], kind.dtype.newbyteorder("<"), info.shape, info.order)
    return widened(found) if kind is BFLOAT16 else found


def read_head(view: memoryview) -> tuple[DataType, ShapeInfo, int]:
    """Return type and shape of an array, and where its elements begin.

    Raises:
        Refused: It is none, is of texts, or is compressed.
    """
    if len(view) < HEAD.size:
        raise Refused(f"It has {len(view)} bytes; an array of ND4J has more.")
    rank, ordinal = HEAD.unpack_from(view)
    kind, count = numbered(ordinal), words_for(rank)
    start = HEAD.size + 8 * count
    if len(view) < start:
        raise Refused(
            f"It is cut short: {rank} axes need {start} bytes before the elements, and {len(view)} are there."
        )
    words = struct.unpack_from(f"<{count}q", view, HEAD.size)
    if words[0] != rank:
        raise Refused(f"It says that it has {rank} axes, and again that it has {words[0]}.")
    return kind, read_shape_info(words), start


def write_binaryserde(array: Array) -> bytes:
    """Return an array in C order.

    Raises:
        Refused: ND4J has no type for it.
    """
    kind, plain = type_of(array), little_endian(array)
    words = write_shape_info(plain.shape, kind)
    head = HEAD.pack(plain.ndim, kind.ordinal) + struct.pack(f"<{len(words)}q", *words)
    return b"".join((head, plain.data))
