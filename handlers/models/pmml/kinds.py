"""The data types of PMML, as Python has them.

Source: PMML 4.4, DataDictionary, "dataType". A `float` has 32 bits there, and constants that are compared with one have
so, too; an input of 0.1 would otherwise be below a threshold of 0.1 that comes of a model which reckons in 32 bits.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import Any, Final

from handlers.models.pmml.elements import Element
from handlers.models.pmml.errors import Invalid, wrong

FLOAT32: Final = struct.Struct("f")
TRUTHS: Final[Mapping[str, bool]] = {"true": True, "false": False, "1": True, "0": False}
DIGITS: Final = re.compile(r"\s*[-+]?\d{1,100}\s*", re.ASCII)
LARGEST: Final = 1 << 63
WHOLE: Final = 1 << 53  #: from which on floats are no longer exact
TEXT_CHARACTERS: Final = 100  #: of a number or a date that is given as text

Cast = Callable[[Any], Any]


def as_double(value: Any) -> float | None:
    """Return a number; None for NaN, which is a missing value."""
    if type(value) is not float:
        value = number_of(value)
    return None if math.isnan(value) else value


def number_of(value: Any) -> float:
    """Return what is a number, or its text."""
    try:
        return float(value[:TEXT_CHARACTERS] if isinstance(value, str) else value)
    except (TypeError, ValueError, OverflowError):
        raise Invalid(f"{str(value)[:100]!r} is no number.") from None


def as_float32(value: Any) -> float | None:
    """Return the nearest number of 32 bits."""
    found = as_double(value)
    return None if found is None else rounded(found)


def rounded(value: float) -> float:
    """Return the nearest number of 32 bits."""
    try:
        return float(FLOAT32.unpack(FLOAT32.pack(value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


def as_integer(value: Any) -> int | None:
    """Return a whole number; what stands behind the point is cut off."""
    if type(value) is int and abs(value) <= LARGEST:
        return value
    if isinstance(value, str) and DIGITS.fullmatch(value):
        return int(value)
    found = as_double(value)
    if found is None:
        return None
    if math.isinf(found):
        raise Invalid(f"{found} is no whole number.")
    return int(found)


def as_boolean(value: Any) -> bool:
    """Return a truth value, or that of its word or number."""
    if isinstance(value, bool):
        return value
    found = TRUTHS.get(as_text(value).lower())
    if found is None:
        raise Invalid(f"{str(value)[:100]!r} is no truth value.")
    return found


def as_text(value: Any) -> str:
    """Return a text, or what a value is written as in PMML."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return value.isoformat() if isinstance(value, date | datetime | time) else str(value)


def as_date(value: Any) -> date:
    """Return a day."""
    return value.date() if isinstance(value, datetime) else parsed(date, value)


def as_time(value: Any) -> time:
    """Return a time of day."""
    found: time = parsed(time, value)
    return found


def as_datetime(value: Any) -> datetime:
    """Return a moment; its zone is left out, as PMML knows none."""
    found: datetime = parsed(datetime, value)
    return found.replace(tzinfo=None)


def parsed(kind: Any, value: Any) -> Any:
    """Return a date or time, or that of its text in ISO 8601."""
    if isinstance(value, kind):
        return value
    try:
        return kind.fromisoformat(str(value)[:TEXT_CHARACTERS])
    except ValueError:
        raise Invalid(f"{str(value)[:100]!r} is no {kind.__name__}.") from None


CASTS: Final[Mapping[str, Cast]] = {
    "string": as_text,
    "integer": as_integer,
    "float": as_float32,
    "double": as_double,
    "boolean": as_boolean,
    "date": as_date,
    "time": as_time,
    "dateTime": as_datetime,
    "timeSeconds": as_integer,
    **{f"dateDaysSince[{year}]": as_integer for year in (0, 1960, 1970, 1980)},
    **{f"dateTimeSecondsSince[{year}]": as_integer for year in (0, 1960, 1970, 1980)},
}
NUMERIC: Final = frozenset(kind for kind, cast in CASTS.items() if cast in (as_double, as_float32, as_integer))
#: What the values of a request are to be, by the names that NumPy has for it.
TYPES: Final[Mapping[str, str]] = {
    **dict.fromkeys(CASTS, "str"),
    **{kind: "int64" if cast is as_integer else "float64" for kind, cast in CASTS.items() if kind in NUMERIC},
    "boolean": "bool",
}


def literal(element: Element, text: str, kind: str) -> Any:
    """Return a value that stands in a file.

    A fraction stays one even where it is compared with whole numbers: less than 2.5 is not less than 2.

    Raises:
        Unreadable: It is none of this type.
    """
    try:
        found = CASTS[kind](text.strip() if kind != "string" else text)
        if CASTS[kind] is as_integer and abs(found) < WHOLE:
            found = found if found == as_double(text) else as_double(text)
    except Invalid as error:
        raise wrong(element, str(error)) from None
    if found is None:
        raise wrong(element, f"{text[:100]!r} is no value.")
    return found


def fits(text: str, kind: str) -> bool:
    """Tell whether a text is a value of a type."""
    try:
        return CASTS[kind](text) is not None
    except Invalid:
        return False


def guessed(text: str) -> str:
    """Return the type of a value for which the file names none."""
    for kind in ("integer", "double"):
        try:
            (int if kind == "integer" else float)(text[:TEXT_CHARACTERS])
        except ValueError:
            continue
        return kind
    return "string"
