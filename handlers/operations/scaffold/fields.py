"""The inputs and outputs of a new operation, as they are given on the command line."""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from handlers.operations.signatures import GIVEN, argument

#: The Python of each type, and a value of it.
TYPES: Final[Mapping[str, tuple[str, Any]]] = {
    "string": ("str", "text"),
    "integer": ("int", 1),
    "number": ("float", 1.5),
    "boolean": ("bool", True),
    "array": ("list[Any]", []),
    "object": ("dict[str, Any]", {}),
    "asset": ("AssetFile", {"did": f"did:op:{'0' * 64}"}),
}
FIELD = re.compile(r"(?P<name>[A-Za-z][A-Za-z0-9_-]*):(?P<type>[a-z]+)(?P<optional>\?)?(=(?P<default>.*))?", re.DOTALL)


@dataclass(frozen=True)
class Field:
    """One input or output."""

    name: str
    type: str  #: one of `TYPES`
    required: bool = True
    default: Any = None

    @property
    def example(self) -> Any:
        """A value of the type."""
        return TYPES[self.type][1] if self.default is None else self.default


def read_fields(texts: Sequence[str]) -> list[Field]:
    """Return the fields that are written as `name:type`, `name:type?` or `name:type=default`.

    Raises:
        ValueError: One is not written so, or two have one name.
    """
    fields = [read_field(text) for text in texts]
    names = [argument(field.name) for field in fields]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"There are two of the name {name}.")
    return fields


def read_field(text: str) -> Field:
    """Return one field.

    Raises:
        ValueError: It is none.
    """
    match = FIELD.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not written as dataset:asset, rounds:integer=10 or note:string? are.")
    name, type_, default = match["name"], match["type"], match["default"]
    if type_ not in TYPES:
        raise ValueError(f"{name} has the type {type_!r}; there are {', '.join(TYPES)}.")
    if keyword.iskeyword(argument(name)) or argument(name) in GIVEN:
        raise ValueError(f"{name!r} is no name for an input or output: it means something else to the function.")
    if default is None:
        return Field(name, type_, required=match["optional"] is None)
    return Field(name, type_, required=False, default=read_default(name, type_, default))


def read_default(name: str, type_: str, text: str) -> Any:
    """Return a default value.

    Raises:
        ValueError: It is not of the type.
    """
    if type_ == "string":
        return text
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ValueError(f"The default of {name} is not JSON: {text!r}.") from error
    kinds = {"integer": int, "number": (int, float), "boolean": bool, "array": list, "object": dict}
    wanted: Any = kinds.get(type_, ())
    if not isinstance(value, wanted) or (isinstance(value, bool) and type_ != "boolean"):
        raise ValueError(f"The default of {name} is no {type_}: {text!r}.")
    return value
