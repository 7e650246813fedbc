"""Schemas of OpenAPI mean to jsonschema-rs what they mean to OpenAPI."""

from __future__ import annotations

from typing import Any

import pytest

from handlers.spec.schemas import Schemas

DOCUMENT: dict[str, Any] = {
    "components": {
        "schemas": {
            "Node": {
                "type": "object",
                "required": ["label", "id"],
                "properties": {
                    "id": {"type": "string", "readOnly": True},
                    "label": {"type": "string"},
                    "secret": {"type": "string", "writeOnly": True},
                    "next": {"nullable": True, "allOf": [{"$ref": "#/components/schemas/Node"}]},
                    "a/b~c": {"type": "integer"},
                },
            }
        }
    }
}
NODE = {"$ref": "#/components/schemas/Node"}


def places(schema: Any, value: Any, direction: Any = "request") -> list[str]:
    """Return the places that are wrong."""
    return [fault.place for fault in Schemas(DOCUMENT).compile(schema, direction).faults(value, "body")]


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string", "nullable": True}, None),
        ({"type": "string", "nullable": True, "enum": ["a"]}, None),
        ({"nullable": True, "anyOf": [{"type": "string"}]}, None),
        ({"type": "object", "properties": {"required": {"type": "string", "nullable": True}}}, {"required": None}),
        (NODE, {"label": "a", "next": {"label": "b", "next": None}}),
        ({"type": "string", "pattern": "^(?!x)"}, "a"),
        ({"type": "integer"}, 10**40),
    ],
)
def test_valid(schema, value):
    """Null passes where it is allowed, recursion and look-around work, and integers have no end."""
    assert [] == places(schema, value)


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        (NODE, {"label": "a", "id": "7"}, ["/id"]),
        (NODE, {"label": "a", "next": {"label": 5}}, ["/next/label"]),
        (NODE, {}, ["/label"]),
        (NODE, {"label": "a", "a/b~c": "x"}, ["/a~1b~0c"]),
        ({"type": "string"}, None, [""]),
        ({"type": "array", "items": {"type": "integer"}}, [1, 1.0, True], ["/1", "/2"]),
    ],
)
def test_faults_name_their_places(schema, value, expected):
    """Each fault has a JSON Pointer, that of a missing member too."""
    assert expected == places(schema, value)


def test_an_answer_may_hold_what_is_read_only_but_not_what_is_write_only():
    """`readOnly` and `writeOnly` change places in answers, and so does `required`."""
    assert [] == places(NODE, {"label": "a", "id": "7"}, "response")
    assert ["/id"] == places(NODE, {"label": "a"}, "response")
    assert ["/secret"] == places(NODE, {"label": "a", "id": "7", "secret": "s"}, "response")


def test_a_value_that_may_be_secret_is_not_repeated():
    """Where something is written and never read, no fault has any value, of nothing that it may stand beside."""
    whole = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"$ref": "#/components/schemas/B"}}}
    hidden = {"type": "object", "writeOnly": True, "properties": {"c": {"type": "string", "maxLength": 3}}}
    checker = Schemas({"components": {"schemas": {"B": hidden}}}).compile(whole)

    for value in ("hush", {"a": "hush"}, {"b": "hush"}, {"b": {"c": "hush"}}, {"b": ["hush"]}):
        faults = checker.faults(value, "body")
        assert faults
        assert "hush" not in str(faults)


def test_a_long_value_is_not_repeated_in_full():
    """The detail of a fault stays readable, however long the value is."""
    [fault] = Schemas({}).compile({"type": "integer"}).faults("x" * 100_000, "body")

    assert 300 == len(fault.detail)


ROWS = {"anyOf": [{"type": "object", "required": ["a"]}, {"type": "array", "minItems": 1, "items": {"type": "object"}}]}


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        (ROWS, [], ("", "[] has less than 1 item")),
        (ROWS, [{}, 5], ("/1", '5 is not of type "object"')),
        (ROWS, {}, ("/a", '"a" is a required property')),
        (ROWS, 5, ("", '5 is not of type "object" or "array"')),
        ({"pattern": "^([Rr][Aa][Ww]|[Nn][Dd]4[Jj])$"}, "row", ("", '"row" is none of RAW, ND4J, in any case')),
        ({"pattern": "^[Aa]b$"}, "row", ("", '"row" does not match "^[Aa]b$"')),
    ],
)
def test_faults_are_told_by_what_was_meant(schema, value, expected):
    """Of several schemas that which takes values of this type says what is wrong, and a pattern of words lists them."""
    [fault] = Schemas({}).compile(schema).faults(value, "body")

    assert expected == (fault.place, fault.detail)


def test_a_value_that_may_be_secret_is_not_repeated_by_one_of_several_schemas():
    """Nor by what a schema among several says of it, or a pattern of words."""
    secret = {"type": "string", "writeOnly": True, "pattern": "^([Aa]|[Bb])$"}
    checker = Schemas({}).compile({"anyOf": [{"type": "integer"}, {"type": "object", "properties": {"c": secret}}]})

    for value in ("hush", {"c": "hush"}, {"c": ["hush"]}):
        assert "hush" not in str(checker.faults(value, "body"))
