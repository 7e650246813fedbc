"""The schemas of one document, as what datamodel-code-generator makes TypedDicts of.

Schemas that stand inside an operation get a name of their own, and what says nothing about a type (lengths, patterns,
examples) is left out.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from typing import Any

from handlers.spec.names import class_name
from handlers.spec.shape import follow
from handlers.spec.source import unescape

Schema = Mapping[str, Any]

KEPT = frozenset({"$ref", "type", "required", "enum", "nullable"})
LISTS = ("allOf", "anyOf", "oneOf")
PREFIX = "#/components/schemas/"

#: Stands for an uploaded file until the text is made.
FILE = "FileOfTheSupportModule"
SCALARS = {"integer": "int", "number": "float", "boolean": "bool", "string": "str"}


class Schemas:
    """The named schemas of one document, those of its operations among them."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self.parts: Mapping[str, Schema] = document.get("components", {}).get("schemas", {})
        self.names: dict[str, str] = {}  # class by name of schema
        for name in self.parts:
            self.names[name] = self.free_name(class_name(name))
        self.made: dict[str, Schema] = {}
        self.uses_files = False

    def free_name(self, wanted: str) -> str:
        """Return *wanted*, numbered if another schema has that name."""
        wanted = wanted if wanted[:1].isalpha() else f"Schema{wanted}"
        numbered = (f"{wanted}{number}" for number in itertools.count(2))
        return next(name for name in itertools.chain([wanted], numbered) if name not in self.names.values())

    def all(self) -> dict[str, Any]:
        """Return every schema by the name of its class."""
        parts = {self.names[name]: self.slim(schema, top=True) for name, schema in self.parts.items()}
        made = {name: self.slim(schema, top=True) for name, schema in self.made.items()}
        files = {FILE: {"type": "string", "format": "binary"}} if self.uses_files else {}
        return parts | made | files

    def follow(self, value: Any) -> Any:
        """Return what *value* is, or what it refers to."""
        return follow(self.document, value)

    def slim(self, schema: Any, *, top: bool = False) -> Any:
        """Return what of *schema* makes a type; *top*: it is a schema with a name, not one inside another."""
        if not isinstance(schema, Mapping):
            return schema
        if self.is_file(schema) and not top:
            self.uses_files = True
            return {"$ref": PREFIX + FILE}
        if "$ref" in schema:
            return {"$ref": PREFIX + self.class_of(schema["$ref"])}
        slim = {key: value for key, value in schema.items() if key in KEPT}
        slim |= {key: [self.slim(item) for item in schema[key]] for key in LISTS if key in schema}
        if "description" in schema and top:
            slim["description"] = schema["description"]
        if "properties" in schema:
            slim["properties"] = {name: self.slim(part) for name, part in schema["properties"].items()}
        if "items" in schema:
            slim["items"] = self.slim(schema["items"])
        if self.is_file(schema):
            slim["format"] = "binary"
        return slim | self.more(schema)

    def more(self, schema: Schema) -> dict[str, Any]:
        """Return `additionalProperties` as the types need it: an object without properties is a dictionary."""
        given = schema.get("additionalProperties", True)
        if schema.get("type") != "object" or schema.get("properties") or given is False:
            return {}
        return {"additionalProperties": self.slim(given) if isinstance(given, Mapping) else {}}

    def is_file(self, schema: Schema) -> bool:
        """Tell whether *schema* is that of bytes."""
        found = self.follow(schema)
        return bool(found.get("type") == "string" and found.get("format") == "binary")

    def class_of(self, reference: str) -> str:
        """Return the class of the schema that a local reference stands for."""
        name = unescape(reference.removeprefix(PREFIX))
        if reference.startswith(PREFIX) and name in self.names:
            return self.names[name]
        return self.name(self.follow({"$ref": reference}), "".join(map(class_name, reference.split("/")[2:])))

    def name(self, schema: Schema, wanted: str) -> str:
        """Return the class of *schema*, which is made under the name *wanted* if it has none."""
        if "$ref" in schema:
            return self.class_of(schema["$ref"])
        for name, made in self.made.items():
            if made is schema:
                return name
        name = self.free_name(wanted)
        self.names[f" {name}"] = name  # no schema of the document begins with a space
        self.made[name] = schema
        return name

    def expression(self, schema: Schema, wanted: str) -> str:
        """Return the Python type of *schema*; *wanted* names it if it is too much for one line."""
        found = self.follow(schema)
        null = " | None" if found.get("nullable") else ""
        if "$ref" in schema:
            return self.class_of(schema["$ref"]) + null
        if "enum" in schema:
            return f"Literal[{', '.join(map(literal, schema['enum']))}]{'' if None in schema['enum'] else null}"
        if schema.get("type") == "array":
            return f"list[{self.expression(schema.get('items', {}), f'{wanted}Item')}]{null}"
        if schema.get("type") in SCALARS:
            return SCALARS[schema["type"]] + null
        if not schema or (schema.get("type") == "object" and not schema.get("properties")):
            return ("dict[str, Any]" if schema else "Any") + null
        return self.name(schema, wanted) + null


def literal(value: Any) -> str:
    """Return *value* as Python has it."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
