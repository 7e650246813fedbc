"""Parameters as clients send them: numbers as text, null and empty text for what is absent, objects as their text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from handlers.errors import Fault, InputInvalid

T = TypeVar("T")


def needed(name: str, value: T | None) -> T:
    """Return a parameter that has to be there.

    Raises:
        InputInvalid: It is not.
    """
    if value is None or value == "":
        raise wrong(name, "It is needed.")
    return value


def number(name: str, value: int | str | None) -> int | None:
    """Return an index; None where there is none.

    Raises:
        InputInvalid: It is no index.
    """
    if value is None or value == "":
        return None
    text = str(value)
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise wrong(name, "It is not an index.")
    return int(text)


def switch(value: Any) -> bool:
    """Tell whether something is switched on."""
    return str(value).strip().lower() in ("true", "1", "yes", "on")


def members(name: str, value: Mapping[str, Any] | str | None) -> Mapping[str, Any]:
    """Return an object, or the one that a text holds; nothing where there is none.

    Raises:
        InputInvalid: It is no object.
    """
    try:
        found = json.loads(value) if isinstance(value, str) and value.strip() else value or {}
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, Mapping):
        raise wrong(name, "It is not an object, nor the JSON text of one.")
    return found


def wrong(name: str, detail: str) -> InputInvalid:
    """Return what is wrong with a parameter."""
    return InputInvalid(faults=[Fault("query", name, detail)])
