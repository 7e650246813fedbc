"""Text to the types of OpenAPI: what does not convert stays text, for the validator to refuse.

The rules are those of `connexion.utils.coerce_type`, with three of ours: NaN and infinities stay text, an object of any
depth is walked, and where a value may be of several types (`anyOf`) it is of the first that its text spells.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Any

Schema = Mapping[str, Any]
Coerce = Callable[[Any], Any]

BOOLEANS = {"true": True, "false": False}


def coercion(schema: Schema, deref: Callable[[Any], Schema]) -> Coerce:
    """Return what converts the text of a value that *schema*, itself dereferenced, describes."""
    kind = schema.get("type")
    if kind is None and "anyOf" in schema:
        return first_coercion([deref(one) for one in schema["anyOf"]])
    if kind == "object":
        return members_coercion(schema.get("properties", {}), deref)
    return SCALARS.get(kind, unchanged) if isinstance(kind, str) else unchanged


def is_null(text: Any) -> bool:
    """Tell whether *text* stands for null, where null is allowed."""
    return isinstance(text, str) and text.strip() in {"null", "None"}


def integer(text: Any) -> Any:
    """Return the integer that *text* spells."""
    try:
        return int(text)
    except (ValueError, TypeError):
        return text


def number(text: Any) -> Any:
    """Return the finite number that *text* spells."""
    try:
        value = float(text)
    except (ValueError, TypeError):
        return text
    return value if isfinite(value) else text


def boolean(text: Any) -> Any:
    """Return the truth value that *text* spells, in any case."""
    return BOOLEANS.get(text.lower(), text) if isinstance(text, str) else text


def unchanged(text: Any) -> Any:
    """Return *text*."""
    return text


def first_coercion(alternatives: Sequence[Schema]) -> Coerce:
    """Return what converts the text of a value that one of *alternatives* describes; any text spells a string."""
    kinds = itertools.takewhile(SCALARS.__contains__, (str(one.get("type")) for one in alternatives))
    makes = [SCALARS[kind] for kind in kinds]

    def convert(text: Any) -> Any:
        return next((value for make in makes if (value := make(text)) is not text), text)

    return convert


def members_coercion(properties: Mapping[str, Any], deref: Callable[[Any], Schema]) -> Coerce:
    """Return what converts the members of an object in place; those that are not described stay text."""

    def convert(value: Any) -> Any:
        if isinstance(value, dict):
            for name in properties.keys() & value.keys():
                # Compiled at each call: a schema may refer to itself, and objects in queries are rare.
                value[name] = coercion(deref(properties[name]), deref)(value[name])
        return value

    return convert


SCALARS: Mapping[str, Coerce] = {"integer": integer, "number": number, "boolean": boolean}
