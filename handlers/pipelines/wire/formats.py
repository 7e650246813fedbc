"""The words of the API for formats, and what reads and writes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import orjson

from handlers.pipelines.faults import Refused
from handlers.pipelines.values import Array, Value
from handlers.pipelines.wire.arrow import read_arrow, write_records, write_tensor
from handlers.pipelines.wire.binaryserde import write_binaryserde
from handlers.pipelines.wire.images import read_image
from handlers.pipelines.wire.nd4j import read_nd4j
from handlers.pipelines.wire.ndjson import as_document
from handlers.pipelines.wire.npy import read_npy, write_npy

BYTES: Final = "application/octet-stream"
JSON: Final = "application/json"

#: By the format of what is sent; JSON is no file.
READERS: Final[Mapping[str, Callable[[memoryview], Value]]] = {
    "NUMPY": read_npy,
    "ND4J": read_nd4j,
    "ARROW": read_arrow,
    "IMAGE": read_image,
}


def write_json(array: Array) -> bytes:
    """Return an array as an `NDArray` of JSON."""
    return orjson.dumps(as_document(array), option=orjson.OPT_SERIALIZE_NUMPY)


#: By the format of what is answered: content type and writer of one array.
WRITERS: Final[Mapping[str, tuple[str, Callable[[Array], bytes]]]] = {
    "NUMPY": (BYTES, write_npy),
    "ND4J": (BYTES, write_binaryserde),
    "ARROW": (BYTES, write_tensor),
    "JSON": (JSON, write_json),
}


def read(word: str, data: memoryview) -> Value:
    """Return what a file of a format holds.

    Raises:
        Refused: The file is none of this format, or files are not sent in it.
    """
    if word not in READERS:
        raise Refused(f"Files are not read as {word[:40]!r}; there are {', '.join(READERS)}.")
    return READERS[word](data)


def write(word: str, value: Value) -> tuple[str, bytes]:
    """Return content type and bytes of an output in a format; only ARROW has one for records.

    Raises:
        Refused: It cannot be written so.
    """
    if word not in WRITERS:
        raise Refused(f"Nothing is written as {word[:40]!r}; there are {', '.join(WRITERS)}.")
    if isinstance(value, list):
        if word != "ARROW":
            raise Refused(f"Records are no array, which {word} is for.")
        return BYTES, write_records(value)
    content_type, writer = WRITERS[word]
    return content_type, writer(value)
