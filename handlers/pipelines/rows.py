"""Rows of the large array, which are read where they are asked for; no host is needed for them."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy
import orjson

from handlers.errors import Fault, InputInvalid, NotFound, Unavailable
from handlers.pipelines.config import Configuration
from handlers.pipelines.faults import Refused, Unusable
from handlers.pipelines.largearray import LargeArray, wide
from handlers.pipelines.service import Answer
from handlers.pipelines.values import Array
from handlers.pipelines.wire import formats
from handlers.pipelines.words import JSON

MOST_NUMBERS: Final = 1 << 22  #: in one answer of JSON


def large_array(configuration: Configuration) -> LargeArray:
    """Return the array of which rows are read.

    Raises:
        NotFound: There is none.
        Unavailable: Its file is none.
    """
    found = configuration.mem_map
    if found is None:
        raise NotFound("The configuration names no large array (memMapConfig).")
    folder = configuration.folder
    try:
        return opened(folder / found.array_path, folder / found.unknown_path if found.unknown_path else None)
    except Unusable as unusable:
        raise Unavailable(str(unusable)) from unusable


@lru_cache(maxsize=1)
def opened(array: Path, unknown: Path | None) -> LargeArray:
    """Return the array of a file, and of the file with the row that stands for those that are not there."""
    return LargeArray(array, unknown)


def rows(configuration: Configuration, pick: Callable[[LargeArray], Array], kind: str) -> Answer:
    """Return rows of the large array, which *pick* picks, in a format: `json`, `numpy` or `nd4j`, in any case.

    Raises:
        NotFound: There is no large array.
        InputInvalid: It has no such rows, or they are too many.
    """
    large = large_array(configuration)
    try:
        found = pick(large)
        if kind.upper() == JSON:
            return Answer(as_json(found), "application/json")
    except Refused as refused:
        part = "body" if refused.place.startswith("/") else "path"
        raise InputInvalid(faults=[Fault(part, refused.place, str(refused))]) from None
    content_type, data = formats.write(kind.upper(), wide(found))
    return Answer(data, content_type)


def as_json(found: Array) -> bytes:
    """Return rows as nested lists of JSON, which takes many times the room that numbers have.

    Raises:
        Refused: They are too many.
    """
    if found.size > MOST_NUMBERS:
        raise Refused(
            f"These rows have {found.size} numbers; {MOST_NUMBERS} are the most that is told as JSON.", "arrayType"
        )
    native = numpy.ascontiguousarray(found, found.dtype.newbyteorder("="))
    return orjson.dumps(native if native.size else native.tolist(), option=orjson.OPT_SERIALIZE_NUMPY)
