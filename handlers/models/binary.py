"""Tensors as bytes behind the JSON object of a message.

Source:
    Binary tensor data extension of Triton Inference Server: little endian, row by row; an element of BYTES has its
    length before it, in four bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from handlers.errors import BodyMalformed, Fault
from handlers.models.tensors import Tensor, refused

LENGTH: Final = struct.Struct("<I")
#: How `numpy` calls the types.
DTYPES: Final[Mapping[str, str]] = {
    "BOOL": "?",
    **{
        f"{sign}INT{bits}": f"<{letter}{bits // 8}"
        for sign, letter in (("", "i"), ("U", "u"))
        for bits in (8, 16, 32, 64)
    },
    **{f"FP{bits}": f"<f{bits // 8}" for bits in (16, 32, 64)},
}


def split(body: bytes, length: int) -> tuple[Any, memoryview]:
    """Return the object at the beginning of a body, and the bytes behind it.

    Raises:
        BodyMalformed: There is none of *length* bytes.
    """
    try:
        return orjson.loads(body[:length]), memoryview(body)[length:]
    except orjson.JSONDecodeError as error:
        words = f"Its first {length} bytes are no JSON: {error}."
        raise BodyMalformed(faults=[Fault("body", "", words)]) from error


def elements(data: memoryview, datatype: str, place: int) -> list[Any]:
    """Return the elements of a tensor; those of BYTES are texts.

    Raises:
        InputInvalid: They are no whole number of elements, or no text.
    """
    if datatype == "BYTES":
        return texts(bytes(data), place)
    import numpy

    kind = numpy.dtype(DTYPES[datatype])
    if len(data) % kind.itemsize:
        raise refused(place, "parameters", f"{len(data)} bytes are no whole number of elements of {datatype}.")
    found: list[Any] = numpy.frombuffer(data, kind).tolist()
    return found


def texts(data: bytes, place: int) -> list[str]:
    """Return texts, each of which has its length before it.

    Raises:
        InputInvalid: A length is wrong, or one is no UTF-8.
    """
    found, at = [], 0
    while at < len(data):
        end = at + LENGTH.size + (LENGTH.unpack_from(data, at)[0] if at + LENGTH.size <= len(data) else len(data))
        if end > len(data):
            raise refused(place, "parameters", "An element says that it is longer than what is left.")
        try:
            found.append(data[at + LENGTH.size : end].decode())
        except UnicodeDecodeError as error:
            raise refused(place, "parameters", f"An element is no UTF-8: {error}.") from error
        at = end
    return found


def packed(tensor: Tensor) -> bytes:
    """Return the elements of a tensor as bytes; null is NaN."""
    if tensor.datatype == "BYTES":
        return b"".join(LENGTH.pack(len(one)) + one for one in (value.encode() for value in tensor.data))
    import numpy

    values: Sequence[Any] = tensor.data
    if tensor.datatype == "FP64":
        values = [numpy.nan if value is None else value for value in values]
    return numpy.array(values, DTYPES[tensor.datatype]).tobytes()
