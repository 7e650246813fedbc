"""What a document's parts become in Python."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from handlers.spec.bundle import Bundle
from handlers.spec.source import Source
from tools.generate.apis import Api
from tools.generate.modules import docstring, make_module
from tools.generate.schemas import Schemas


def api_of(name: str, document: dict[str, Any]) -> Api:
    """Return an API of a document that was never in a file."""
    return Api(name, Bundle(Source(Path(f"{name}.yaml")), document))


@pytest.mark.parametrize(
    ("schema", "expression"),
    [
        ({"type": "integer"}, "int"),
        ({"type": "number", "nullable": True}, "float | None"),
        ({"type": "string", "enum": ["a", 'b"']}, 'Literal["a", "b\\""]'),
        ({"enum": [1, None], "nullable": True}, "Literal[1, None]"),
        ({"type": "array", "items": {"$ref": "#/components/schemas/a-b"}}, "list[AB]"),
        ({"$ref": "#/components/schemas/maybe"}, "Maybe | None"),
        ({"type": "object"}, "dict[str, Any]"),
        ({}, "Any"),
        ({"type": "object", "properties": {"a": {}}}, "Wanted"),
    ],
)
def test_a_schema_is_a_type(schema: dict[str, Any], expression: str) -> None:
    """Small schemas are written where they stand, others get a name."""
    parts = {"a-b": {"type": "object"}, "maybe": {"type": "string", "nullable": True}}
    schemas = Schemas({"components": {"schemas": parts}})

    assert expression == schemas.expression(schema, "Wanted")


def test_names_that_meet_stay_apart() -> None:
    """Schemas whose names become the same class get numbers, and so does one of an operation."""
    schemas = Schemas({"components": {"schemas": {"a-b": {}, "aB": {}, "1": {}}}})

    assert ["AB", "AB2", "Schema1"] == list(schemas.names.values())
    assert "AB3" == schemas.expression({"type": "object", "properties": {"x": {}}}, "AB")


@pytest.mark.parametrize("text", ['It says """x"""', "a\\", 'ends in "', "line\nline", "x" * 300, "word " * 60])
def test_a_summary_cannot_break_the_module(text: str) -> None:
    """Whatever a summary holds is a docstring, and one only."""
    module = ast.parse(f"def f():\n{docstring(text, '    ')}    ...\n")

    (function,) = module.body
    assert isinstance(function, ast.FunctionDef)
    assert 2 == len(function.body)
    assert "".join(text.split())[:10] in "".join((ast.get_docstring(function) or "").replace("'''", '"""').split())


def test_a_document_without_schemas_is_a_module() -> None:
    """A document that names no schema at all still has its protocol."""
    operation = {"operationId": "ping", "summary": "Answer.", "responses": {"204": {"description": "Well."}}}
    document = {"info": {"title": "Ping"}, "paths": {"/ping": {"get": operation}}}

    text = make_module(api_of("ping", document))

    compile(text, "ping.py", "exec")
    assert "def ping(self) -> _support.Answer[None]:" in text


def test_members_of_a_body_may_be_more_than_the_query_can_hold() -> None:
    """Where parameters come from query or body, an argument is of either type; what is required is never None."""
    parameter = {"name": "userdata", "in": "query", "schema": {"type": "string", "nullable": True}}
    body = {"type": "object", "properties": {"userdata": {"type": "object", "nullable": True}}}
    operation = {
        "operationId": "ask",
        "x-parameters": "query-or-body",
        "parameters": [parameter],
        "requestBody": {"content": {"application/json": {"schema": body}}},
        "responses": {"204": {"description": "Well."}},
    }
    paths = {
        "/ask": {"post": operation},
        "/must": {"post": operation | {"operationId": "must", "x-required": ["userdata"]}},
    }

    text = make_module(api_of("ask", {"info": {"title": "Ask"}, "paths": paths}))

    assert "def ask(self, *, userdata: str | dict[str, Any] | None = None)" in text
    assert "def must(self, *, userdata: str | dict[str, Any])" in text
