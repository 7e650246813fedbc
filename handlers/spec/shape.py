"""The shape of an OpenAPI document: which keys are words and which are names, and what stands where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from handlers.spec.source import escape, unescape

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

#: Keys whose mapping has names for keys, not words of OpenAPI.
NAME_MAPS = frozenset(
    {"callbacks", "content", "encoding", "examples", "headers", "links", "mapping", "parameters", "paths"}
    | {"patternProperties", "properties", "requestBodies", "responses", "schemas", "securitySchemes", "variables"}
)
#: Keys whose value is data: a `$ref` in it is no reference.
DATA = frozenset({"default", "enum", "example", "value"})
#: The kind of component that a reference below a key stands for, where the reference itself does not say.
KINDS = {
    "additionalProperties": "schemas",
    "allOf": "schemas",
    "anyOf": "schemas",
    "content": "content",
    "examples": "examples",
    "headers": "headers",
    "items": "schemas",
    "links": "links",
    "not": "schemas",
    "oneOf": "schemas",
    "parameters": "parameters",
    "properties": "schemas",
    "requestBody": "requestBodies",
    "requestBodies": "requestBodies",
    "responses": "responses",
    "schema": "schemas",
    "schemas": "schemas",
    "securitySchemes": "securitySchemes",
}


@dataclass(frozen=True)
class Part:
    """A mapping in a document, and what it is there."""

    pointer: str  #: JSON Pointer into the document
    kind: str  #: "schemas", "parameters", "content" for a media type, …; "" where it is none of them
    value: Mapping[str, Any]

    def at(self, *keys: str) -> str:
        """Return the pointer of a member."""
        return "/".join([self.pointer, *map(escape, keys)])


def walk(value: Any, pointer: str = "", kind: str = "", *, names: bool = False) -> Iterator[Part]:
    """Yield every mapping of a document that is neither data nor a list of names, outer ones first."""
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from walk(item, f"{pointer}/{number}", kind)
    if not isinstance(value, Mapping):
        return
    if not names:
        yield Part(pointer, kind, value)
    for key, item in value.items():
        place = f"{pointer}/{escape(key)}"
        if names:
            yield from walk(item, place, kind)
        elif key not in DATA and not key.startswith("x-"):
            yield from walk(item, place, KINDS.get(key, ""), names=key in NAME_MAPS and isinstance(item, Mapping))


def look_up(document: Any, pointer: str) -> Any:
    """Return the value at *pointer*.

    Raises:
        LookupError: There is none.
    """
    for step in pointer.split("/")[1:]:
        document = document[int(step)] if isinstance(document, list) else document[unescape(step)]
    return document


def follow(document: Any, value: Any) -> Any:
    """Return what *value* is, or what it refers to.

    Raises:
        LookupError: It refers to nothing, or to itself.
    """
    seen: set[str] = set()
    while isinstance(value, Mapping) and isinstance(value.get("$ref"), str):
        if value["$ref"] in seen:
            raise LookupError(f"{value['$ref']} refers to itself")
        seen.add(value["$ref"])
        value = look_up(document, value["$ref"].removeprefix("#"))
    return value


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield path, method and operation, in the order of the document."""
    for path, item in document.get("paths", {}).items():
        for method, operation in item.items() if isinstance(item, Mapping) else ():
            if method in METHODS and isinstance(operation, Mapping):
                yield path, method, operation


def parameters(document: Mapping[str, Any], path: str, operation: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the parameters of an operation, those of its path among them unless it has its own."""
    given = [*document["paths"][path].get("parameters", ()), *operation.get("parameters", ())]
    found = (follow(document, one) for one in given)
    return list({(each["name"], each["in"]): each for each in found}.values())
