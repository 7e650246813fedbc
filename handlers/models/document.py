"""An OpenAPI document of one endpoint: an operation whose body has a member for each input of the model.

Names, types and descriptions are the words of whoever uploaded the model. They become names and plain text here, and
never a reference or Markdown: pages show the document, and tools follow it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from handlers.models.coercions import as_bool, as_float, as_int, as_str, coercion
from handlers.models.deployment import known_of
from handlers.models.features import Shape
from handlers.models.predict import shape_of
from handlers.models.records import DEFAULT_VERSION, Endpoint, Model

DEEPEST: Final = 8  #: levels of an output's schema; what lies below may be anything
SCALARS: Final = (str, int, float, bool)
PLAIN: Final = frozenset({"string", "integer", "boolean"})
#: By what makes a value of an input: its schema. Of other types any value is taken.
SCHEMAS: Final[Mapping[Any, Mapping[str, Any]]] = {
    as_int: {"type": "integer", "format": "int64", "example": 1},
    as_float: {"type": "number", "example": 1.5},
    as_bool: {"type": "boolean", "example": True},
    as_str: {"type": "string", "example": "text"},
}
ANYTHING: Final = {"anyOf": [{"type": kind} for kind in ("number", "string", "boolean")], "example": 1}
PROBLEMS: Final = {
    "400": "An input is missing, unknown or of the wrong type, or the model does not take it.",
    "404": "The endpoint is gone.",
    "409": "The endpoint is not in service.",
    "503": "The endpoint's file is still being tried, or its process is being started again.",
}


@dataclass(frozen=True)
class Input:
    """An input as callers name it."""

    name: str
    kind: str  #: name of a type that Python or NumPy knows; empty: not known
    optional: bool


def document(endpoint: Endpoint, model: Model, url: str) -> dict[str, Any]:
    """Return the document of an endpoint; *url* is its address, below which there is `/predict`."""
    title = endpoint.name or model.name
    return {
        "openapi": "3.0.3",
        "info": {"title": title, "version": model.version or DEFAULT_VERSION, "description": described(model)},
        "servers": [{"url": url}],
        "paths": {"/predict": {"post": operation(endpoint, model)}},
        "components": {"schemas": {"Problem": problem()}},
    }


def described(model: Model) -> str:
    """Return what the owner says of a model, and what the document is for."""
    words = (model.about or {}).get("description")
    return (
        f"{escaped(words)}\n\nPredictions of one endpoint."
        if isinstance(words, str)
        else "Predictions of one endpoint."
    )


def operation(endpoint: Endpoint, model: Model) -> dict[str, Any]:
    """Return the one operation."""
    result = result_schema(model.output_schema or known_of(endpoint).get("output_schema"))
    answer = {"type": "object", "required": ["result"], "properties": {"result": result}}
    return {
        "operationId": "predict",
        "summary": "Ask the model for a prediction.",
        "requestBody": {"required": True, "content": as_json(body_schema(inputs_of(shape_of(endpoint, model))))},
        "responses": {
            "200": {"description": "What the model says.", "content": as_json(answer)},
            **{status: refusal(words) for status, words in PROBLEMS.items()},
            "default": refusal("Something else went wrong."),
        },
    }


def as_json(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of a body that is JSON."""
    return {"application/json": {"schema": schema}}


def refusal(words: str) -> dict[str, Any]:
    """Return an answer that is a problem."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": words, "content": {"application/problem+json": {"schema": schema}}}


def problem() -> dict[str, Any]:
    """Return the schema of a problem (RFC 9457)."""
    kinds = {"type": "string", "title": "string", "status": "integer", "detail": "string"}
    return {"type": "object", "properties": {name: {"type": kind} for name, kind in kinds.items()}}


def inputs_of(shape: Shape) -> list[Input] | None:
    """Return the inputs under the names that callers know best, the owner's; None: nobody knows any."""
    if not shape.spellings:
        # Names that are there twice cannot be members of an object: the place alone counts.
        count = shape.count if shape.by_position else None
        return None if count is None else [input_at(shape, f"x{place}", place) for place in range(count)]
    names = shape.spellings[-1]
    # Where both spellings have these names, requests are read by the first.
    places = next(spelling for spelling in shape.spellings if names.keys() <= spelling.keys())
    return [input_at(shape, name, places[name]) for name in names]


def input_at(shape: Shape, name: str, place: int) -> Input:
    """Return the input at a place."""
    kind = shape.kinds[place] if place < len(shape.kinds) else ""
    return Input(name, kind, place < len(shape.optional) and shape.optional[place])


def body_schema(inputs: Sequence[Input] | None) -> dict[str, Any]:
    """Return the schema of the object that the model takes."""
    if inputs is None:
        return {"type": "object", "additionalProperties": ANYTHING}
    schema: dict[str, Any] = {"type": "object", "properties": {one.name: input_schema(one) for one in inputs}}
    if required := [one.name for one in inputs if not one.optional]:
        schema["required"] = required
    return schema | {"additionalProperties": False}


def input_schema(one: Input) -> dict[str, Any]:
    """Return the schema of an input, with an example."""
    known = dict(SCHEMAS.get(coercion(one.kind), ANYTHING))
    return known | ({"description": f"Type {escaped(one.kind)}."} if one.kind else {})


def result_schema(given: Any) -> dict[str, Any]:
    """Return the schema of a result, of what its owner or its file says of it.

    Args:
        given: A schema by the name of each field, or a list of features, or nothing.
    """
    fields: Mapping[str, Any] = {}
    if isinstance(given, Mapping):
        fields = {name: schema_of(schema) for name, schema in given.items()}
    elif isinstance(given, list):
        fields = {one["name"]: input_schema(Input(one["name"], one["type"], optional=True)) for one in given}
    return {"type": "object", "properties": fields}


def schema_of(given: Any, depth: int = 1) -> dict[str, Any]:
    """Return what of a stranger's schema is understood; what is not may be anything."""
    if not isinstance(given, Mapping) or depth > DEEPEST:
        return {}
    schema: dict[str, Any] = {}
    match given.get("type"):
        case "array":
            return {"type": "array", "items": schema_of(given.get("items"), depth + 1)}
        case "object":
            members = given.get("properties")
            members = members if isinstance(members, Mapping) else {}
            return {"type": "object", "properties": {name: schema_of(one, depth + 1) for name, one in members.items()}}
        case "number":
            return {"type": "number", "nullable": True}  # what JSON cannot express, such as NaN, is null
        case str() as kind if kind in PLAIN:
            schema["type"] = kind
    choices = given.get("enum")
    if isinstance(choices, list) and choices and all(isinstance(choice, SCALARS) for choice in choices):
        schema["enum"] = choices
    return schema


def escaped(words: str) -> str:
    """Return words that Markdown shows as they are, in one paragraph."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", " ".join(words.split()))
