"""The one operation that every peer serves: a small object in, the same object out."""

from __future__ import annotations

from typing import Any

BODY = b'{"name": "lamp", "size": 3, "weight": 1.5, "tags": ["a", "b"]}'

SCHEMA = {
    "type": "object",
    "required": ["name", "size", "weight", "tags"],
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 40},
        "size": {"type": "integer", "minimum": 0, "maximum": 1000},
        "weight": {"type": "number", "minimum": 0},
        "tags": {"type": "array", "maxItems": 8, "items": {"type": "string", "maxLength": 20}},
    },
    "additionalProperties": False,
}

DOCUMENT: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "Things", "version": "1.0.0"},
    "servers": [{"url": "/"}],
    "paths": {
        "/things": {
            "post": {
                "operationId": "add_thing",
                "x-openapi-router-controller": "tools.bench.peers.thing",
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}},
                },
                "responses": {
                    "200": {
                        "description": "The thing.",
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}},
                    }
                },
            }
        }
    },
    "components": {"schemas": {"Thing": SCHEMA}},
}


def add_thing(body: Any) -> Any:
    """Answer with the thing."""
    return body
