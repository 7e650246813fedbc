"""Arrays of ND4J, in whichever of its two formats they come."""

from __future__ import annotations

from handlers.pipelines.values import Array
from handlers.pipelines.wire.binaryserde import read_binaryserde
from handlers.pipelines.wire.nd4jstream import is_stream, read_nd4j_stream


def read_nd4j(data: bytes | memoryview) -> Array:
    """Return the array that BinarySerde, or `Nd4j.write`, has written; one of BFLOAT16 as float32.

    Raises:
        Refused: It is none.
    """
    return read_nd4j_stream(data) if is_stream(data) else read_binaryserde(data)
