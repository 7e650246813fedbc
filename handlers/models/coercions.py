"""The types of a model's inputs: what makes a value of each."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

INT64: Final = 1 << 63
TEXT_CHARACTERS: Final = 64  #: of a number or a truth value that is sent as text
PLAIN: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|[+-]?(?:nan|inf|infinity)", re.ASCII | re.IGNORECASE)
#: Truth values in a table of texts.
WORDS: Final[Mapping[str, bool]] = {
    **dict.fromkeys(("True", "true", "TRUE"), True),
    **dict.fromkeys(("False", "false", "FALSE"), False),
}
TRUTHS: Final[Mapping[str, bool]] = {"true": True, "false": False, "1": True, "0": False}

Coerce = Callable[[Any], Any]


def coercion(kind: str) -> Coerce:
    """Return what makes a value of the type *kind*, a name that Python or NumPy knows; of others all stay as they are.

    It raises ValueError with the type in words.
    """
    word = kind.lower().rstrip("_").rstrip("0123456789")
    return COERCIONS.get(word, as_it_is)


def as_it_is(value: Any) -> Any:
    """Return a value, refusing only numbers that no library takes."""
    if isinstance(value, int) and not -INT64 <= value < INT64:
        raise ValueError("a number of 64 bits")
    return value


def as_int(value: Any) -> int:
    """Return a whole number: also of its text, or of a float that is whole."""
    try:
        found = int(as_digits(value)) if isinstance(value, str) else int(value)
    except (ValueError, OverflowError, TypeError):
        raise ValueError("a whole number") from None
    if not -INT64 <= found < INT64 or (isinstance(value, float) and found != value):
        raise ValueError("a whole number of 64 bits")
    return found


def as_float(value: Any) -> float:
    """Return a number: also of its text."""
    try:
        return float(as_digits(value) if isinstance(value, str) else value)
    except (ValueError, OverflowError, TypeError):
        raise ValueError("a number") from None


def as_digits(text: str) -> str:
    """Return a number that is sent as text, if it is one in plain decimal or scientific form."""
    if PLAIN.fullmatch(text := text.strip()[:TEXT_CHARACTERS]) is None:
        raise ValueError("a number")
    return text


def as_bool(value: Any) -> bool:
    """Return a truth value: also of 0, 1 and the words for it."""
    found = TRUTHS.get(str(value)[:TEXT_CHARACTERS].lower())
    if found is None:
        raise ValueError("true or false")
    return found


def as_str(value: Any) -> str:
    """Return a text; a number or truth value as JSON writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str | int | float):
        raise ValueError("a text")
    return value if isinstance(value, str) else repr(value)


COERCIONS: Final[Mapping[str, Coerce]] = {
    **dict.fromkeys(("int", "uint", "integer", "long", "short", "byte", "longlong", "intc", "intp"), as_int),
    **dict.fromkeys(("float", "double", "number", "single", "half", "longdouble", "decimal"), as_float),
    **dict.fromkeys(("bool", "boolean"), as_bool),
    **dict.fromkeys(("str", "string", "text"), as_str),
}
