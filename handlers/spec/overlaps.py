"""Tell whether one JSON value can be two schemas at once, as far as can be told without trying values."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from handlers.spec.shape import follow

Schema = Mapping[str, Any]


def overlapping(document: Any, variants: Sequence[Schema]) -> Iterator[tuple[int, int]]:
    """Yield the places, from 0, of the pairs of *variants* that one value may be both of."""
    found = [follow(document, variant) for variant in variants]
    for (first, one), (second, other) in itertools.combinations(enumerate(found), 2):
        if overlap(document, one, other):
            yield first, second


def overlap(document: Any, one: Schema, other: Schema) -> bool:
    """Tell whether a value may be both; in doubt it may."""
    if not types(one) & types(other):
        return False
    if "enum" in one and "enum" in other:
        return any(value in other["enum"] for value in one["enum"])
    if one.get("type") == other.get("type") == "object":
        return not (apart(document, one, other) or excludes(one, other) or excludes(other, one))
    if one.get("type") == other.get("type") == "array" and one.get("minItems") and other.get("minItems"):
        return overlap(document, *(follow(document, schema.get("items", {})) for schema in (one, other)))
    return True


def types(schema: Schema) -> set[str]:
    """Return the JSON types of a schema's values; a number may be an integer."""
    all_types = {"null", "boolean", "object", "array", "string", "integer", "fraction"}
    named = {"number": {"integer", "fraction"}}.get(schema.get("type", ""), {schema.get("type", "")})
    return (named if "type" in schema else all_types) | ({"null"} if schema.get("nullable") else set())


def apart(document: Any, one: Schema, other: Schema) -> bool:
    """Tell whether a member that both require cannot have the same value in both."""
    shared = set(one.get("required", ())) & set(other.get("required", ()))
    members = [[follow(document, each.get("properties", {}).get(name, {})) for each in (one, other)] for name in shared]
    return any(not overlap(document, first, second) for first, second in members)


def excludes(one: Schema, other: Schema) -> bool:
    """Tell whether *one* forbids a member that *other* requires."""
    return one.get("additionalProperties") is False and bool(
        set(other.get("required", ())) - one.get("properties", {}).keys()
    )
