"""JSON text to values and back, under bounds and without silent loss.

orjson does the work. It reads integers beyond 64 bit as floats and refuses to write them, so the standard library
takes over where such a number may occur.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

import orjson

from handlers.errors import BodyMalformed, Fault

BOM = b"\xef\xbb\xbf"
MAYBE_BEYOND_64_BIT = re.compile(rb"[0-9]{19}")
OPTIONS = orjson.OPT_SERIALIZE_NUMPY


def read(data: bytes, *, depth: int) -> Any:
    """Return the value of a JSON text.

    Args:
        data: UTF-8, without a byte order mark.
        depth: Deepest nesting of arrays and objects that is taken.

    Raises:
        BodyMalformed: It is not JSON, not UTF-8, holds NaN, a lone surrogate or a number too long, or is nested too
            deeply.
    """
    try:
        value = orjson.loads(data)
        if MAYBE_BEYOND_64_BIT.search(data):
            value = json.loads(data)
    except ValueError as error:
        raise malformed(data, error) from None
    if data.count(b"{") + data.count(b"[") > depth and nested_beyond(value, depth):
        raise BodyMalformed(faults=[Fault("body", "", f"It is nested more than {depth} levels deep.")])
    return value


def write(value: Any) -> bytes:
    """Return *value* as JSON text; NaN and infinities become null."""
    try:
        return orjson.dumps(value, option=OPTIONS)
    except TypeError:
        # Either an integer is beyond 64 bit, which the standard library writes, or the value is no JSON at all,
        # which it refuses in its own words.
        return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


def malformed(data: bytes, error: ValueError) -> BodyMalformed:
    """Say why *data* is not JSON, without repeating any of it."""
    if data.startswith(BOM):
        words = "It begins with a byte order mark."
    elif isinstance(error, json.JSONDecodeError):
        words = f"It is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
    else:
        words = "A number has too many digits."
    return BodyMalformed(faults=[Fault("body", "", words)])


def nested_beyond(value: Any, depth: int) -> bool:
    """Tell whether *value* nests arrays and objects more than *depth* levels deep."""
    containers = [value]
    for _ in range(depth):
        containers = [child for node in containers for child in children(node) if isinstance(child, dict | list)]
        if not containers:
            return False
    return True


def children(node: Any) -> Iterable[Any]:
    """Return what *node* holds directly."""
    return node.values() if isinstance(node, dict) else node
