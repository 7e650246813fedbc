"""The values of fields while one row is evaluated, and the types that they have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from handlers.models.formats.base import CannotPredict

Value = Any  #: int, float, str, bool, or None where it is missing
Expression = Callable[["Scope"], Value]

#: Types of PMML, and of the features of the API.
TYPES: Final[Mapping[str, str]] = {
    "integer": "int",
    "float": "float",
    "double": "double",
    "boolean": "bool",
    "string": "str",
}
DEPTH: Final = 100  #: of fields that are derived from fields


class Scope:
    """Values by name; those that are derived are worked out when they are first asked for."""

    def __init__(self, derived: Mapping[str, Expression], parent: Scope | None = None) -> None:
        """Begin without values but those of *parent*."""
        self.values: dict[str, Value] = {}
        self._derived = derived
        self._parent = parent
        self._depth = 0

    def get(self, name: str) -> Value:
        """Return the value of a field; None where it is missing, or unknown.

        Raises:
            CannotPredict: Fields are derived from one another without end.
        """
        if name in self.values:
            return self.values[name]
        if name in self._derived:
            self._depth += 1
            if self._depth > DEPTH:
                raise CannotPredict(f"The field {name[:100]!r} is derived from itself.")
            found = self.values[name] = self._derived[name](self)
            self._depth -= 1
            return found
        return self._parent.get(name) if self._parent is not None else None


def typed(text: str | None, kind: str | None) -> Value:
    """Return a text of the document as a value of a type of PMML; a text that is none stays a text."""
    if text is None:
        return None
    try:
        if kind == "integer":
            found = float(text)
            return int(found) if found.is_integer() else found
        if kind in ("float", "double"):
            return float(text)
    except (ValueError, OverflowError):
        return text
    if kind == "boolean":
        return {"true": True, "1": True, "false": False, "0": False}.get(text.lower(), text)
    return text


def cast(value: Value, kind: str | None) -> Value:
    """Return a value in a type of PMML."""
    if value is None or kind is None:
        return value
    if kind == "string":
        return text_of(value)
    if isinstance(value, str):
        return typed(value, kind)
    if kind == "integer":
        return round(value) if value == value and abs(value) < 1 << 62 else None  # noqa: PLR0124 - NaN is no number
    if kind in ("float", "double"):
        return float(value)
    return bool(value) if kind == "boolean" else value


def text_of(value: Value) -> str:
    """Return a value as documents write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def same(value: Value, text: str) -> bool:
    """Tell whether a value is what a document calls *text*."""
    if isinstance(value, bool):
        return text.lower() == text_of(value) or text == str(int(value))
    if isinstance(value, int | float):
        try:
            return float(text) == value
        except ValueError:
            return False
    return str(value) == text
