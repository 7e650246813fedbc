"""A value that is made of a schema is one of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openapi_schema_validator import OAS30Validator

from handlers.spec.sample import EndlessError, sample

DOCUMENT: dict[str, Any] = {
    "components": {
        "schemas": {
            "Node": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"type": "string"},
                    "next": {"$ref": "#/components/schemas/Node"},
                    "all": {"type": "array", "items": {"$ref": "#/components/schemas/Node"}},
                },
            },
            "Maybe": {
                "type": "object",
                "nullable": True,
                "required": ["next"],
                "properties": {"next": {"$ref": "#/components/schemas/Maybe"}},
            },
            "Endless": {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/Endless"}},
            "Cat": {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string"}}},
        }
    }
}
NUMBERS = st.integers(-100, 100)


def schemas() -> st.SearchStrategy[dict[str, Any]]:
    """Return schemas that have a value."""
    simple = st.one_of(
        st.just({}),
        st.just({"type": "boolean"}),
        st.builds(
            lambda low, more: {"type": "integer", "minimum": low, "maximum": low + more}, NUMBERS, st.integers(0, 9)
        ),
        st.builds(lambda low: {"type": "number", "minimum": low, "exclusiveMinimum": True}, NUMBERS),
        st.builds(lambda high: {"type": "number", "maximum": high}, NUMBERS),
        st.builds(
            lambda low, more: {"type": "string", "minLength": low, "maxLength": low + more},
            st.integers(0, 50),
            st.integers(0, 9),
        ),
        st.sampled_from(["date", "date-time", "uuid", "ipv4", "email"]).map(
            lambda format_: {"type": "string", "format": format_}
        ),
        st.sampled_from(["^[0-9a-f]{64}$", "^0x[0-9a-fA-F]{40}$", "[.]"]).map(
            lambda pattern: {"type": "string", "pattern": pattern}
        ),
        st.lists(st.integers(), min_size=1).map(lambda values: {"enum": values}),
        st.just({"$ref": "#/components/schemas/Node"}),
    )
    return st.recursive(
        simple,
        lambda inner: st.one_of(
            st.builds(
                lambda items, least: {"type": "array", "items": items, "minItems": least}, inner, st.integers(0, 3)
            ),
            st.dictionaries(st.sampled_from("abc"), inner).map(
                lambda properties: (
                    {"type": "object", "properties": properties, "required": sorted(properties)[:1]}
                    if properties
                    else {"type": "object", "minProperties": 2}
                )
            ),
            inner.map(lambda schema: {"allOf": [schema]}),
            st.lists(inner, min_size=1, max_size=3).map(lambda variants: {"anyOf": variants}),
        ),
        max_leaves=6,
    )


@settings(max_examples=200, deadline=None)
@given(schema=schemas())
def test_it_is_valid(schema: dict[str, Any]) -> None:
    """Whatever the schema, the value passes it; so it does where the schema refers to itself."""
    value = sample(DOCUMENT, schema)

    OAS30Validator({**schema, **DOCUMENT}).validate(value)


def test_examples_and_defaults_come_first() -> None:
    """What the document shows itself is taken."""
    assert 7 == sample({}, {"type": "integer", "example": 7, "default": 8})
    assert 8 == sample({}, {"type": "integer", "default": 8, "enum": [1]})


def test_what_refers_to_itself_ends() -> None:
    """An optional member, a list or null is where recursion ends; without them there is no value."""
    assert {"name": "text", "all": []} == sample(DOCUMENT, {"$ref": "#/components/schemas/Node"})
    assert sample(DOCUMENT, {"$ref": "#/components/schemas/Maybe"}) is None
    with pytest.raises(EndlessError):
        sample(DOCUMENT, {"$ref": "#/components/schemas/Endless"})


def test_the_discriminator_says_which_variant_it_is() -> None:
    """The member that tells variants apart has the name of the one that is shown."""
    schema = {"oneOf": [{"$ref": "#/components/schemas/Cat"}], "discriminator": {"propertyName": "kind"}}

    assert {"kind": "Cat"} == sample(DOCUMENT, schema)
    schema["discriminator"]["mapping"] = {"tom": "#/components/schemas/Cat"}
    assert {"kind": "tom"} == sample(DOCUMENT, schema)
