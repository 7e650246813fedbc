"""Schemas of OpenAPI 3.0, compiled once into validators of JSON Schema draft 4.

jsonschema-rs knows neither `nullable` nor the meaning of `readOnly` and `writeOnly`, so schemas are rewritten first.
Its patterns are of the Rust dialect; look-around, which that dialect lacks, falls back to a backtracking engine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Literal, cast

import jsonschema_rs
from jsonschema_rs import Draft4Validator, RegexOptions, ValidationError

from handlers.errors import Fault

Schema = Mapping[str, Any]
Direction = Literal["request", "response"]

FAULTS_SHOWN = 20
DETAIL_CHARACTERS = 300
MASK = "It"  # stands for the value in messages, where values may be secret
ANY_CASE = re.compile(r"\[([A-Z])(?i:\1)\]")  # a letter in either case, as `[Aa]`
WORDS = re.compile(r"\^\(([A-Z0-9|]+)\)\$")  # a pattern that is a list of words
COMPOSED = frozenset({"$ref", "allOf", "anyOf", "oneOf", "not"})
SCHEMA_MAPS = frozenset({"properties", "patternProperties", "definitions"})
VERBATIM = frozenset({"enum", "default", "example", "examples", "required"})


class ReadOnly:
    """The keyword `readOnly`: only the server may send such a property."""

    def __init__(self, parent_schema: Mapping[str, Any], value: Any, schema_path: list[str | int]) -> None:
        self.on = value is True

    def validate(self, instance: Any) -> None:
        """Refuse the property, whatever its value."""
        if self.on:
            raise ValueError("It is read-only: the server sets it.")


class WriteOnly(ReadOnly):
    """The keyword `writeOnly`: only the client may send such a property."""

    def validate(self, instance: Any) -> None:
        """Refuse the property, whatever its value."""
        if self.on:
            raise ValueError("It is write-only: an answer may not hold it.")


KEYWORDS: Mapping[Direction, Mapping[str, type[ReadOnly]]] = {
    "request": {"readOnly": ReadOnly},
    "response": {"writeOnly": WriteOnly},
}


class Checker:
    """A compiled schema."""

    def __init__(self, validator: jsonschema_rs.Validator) -> None:
        self.valid = validator.is_valid
        self._errors = validator.iter_errors

    def faults(self, value: Any, part: str, name: str | None = None) -> list[Fault]:
        """Return what is wrong with *value*; nothing if it is valid.

        Args:
            value: A JSON value.
            part: Part of the request that it comes from.
            name: The parameter; without one the places are JSON Pointers into the body.
        """
        return [
            Fault(part, pointer(error) if name is None else name + pointer(error), detail(error))
            for error in self._shown(value)
        ]

    def outline(self, value: Any) -> str:
        """Name the places of *value* that are wrong and the keywords that they break, but none of its content."""
        return ", ".join(f"{pointer(error) or '/'} ({error.kind.name})" for error in self._shown(value))

    def _shown(self, value: Any) -> Iterator[ValidationError]:
        return islice((one for error in self._errors(value) for one in meant(error)), FAULTS_SHOWN)


class Schemas:
    """The schemas of one document."""

    def __init__(self, document: Schema) -> None:
        self.document = document
        self._components: dict[Direction, dict[str, Any]] = {}

    def deref(self, node: Any) -> Any:
        """Return what *node* stands for: itself, or the target of its local `$ref`."""
        while isinstance(node, Mapping) and isinstance(node.get("$ref"), str):
            target: Any = self.document
            for word in node["$ref"].removeprefix("#/").split("/"):
                target = target[word.replace("~1", "/").replace("~0", "~")]
            node = target
        return node

    def compile(self, schema: Schema, direction: Direction = "request") -> Checker:
        """Return the checker of *schema*, whose references are local to the document."""
        whole = {"allOf": [self.rewrite(schema, direction)], "components": self.components(direction)}
        more: dict[str, Any] = {"validate_formats": True, "keywords": KEYWORDS[direction], "offline": True}
        if direction == "request" and self._has_secrets(schema):
            more["mask"] = MASK
        try:
            validator = Draft4Validator(whole, pattern_options=RegexOptions(), **more)
        except ValidationError:
            validator = Draft4Validator(whole, **more)
        return Checker(validator)

    def _has_secrets(self, schema: Any) -> bool:
        """Tell whether something in *schema* is written and never read, so that no message may repeat a value."""
        waiting: list[Any] = [schema]
        seen: set[int] = set()
        while waiting:
            node = waiting.pop()
            if isinstance(node, list):
                waiting += node
            elif isinstance(node, Mapping) and id(found := self.deref(node)) not in seen:
                seen.add(id(found))
                if found.get("writeOnly") is True:
                    return True
                waiting += found.values()
        return False

    def components(self, direction: Direction) -> dict[str, Any]:
        """Return the document's schemas, rewritten for *direction*."""
        if direction not in self._components:
            schemas = self.document.get("components", {}).get("schemas", {})
            rewritten = {name: self.rewrite(schema, direction) for name, schema in schemas.items()}
            self._components[direction] = {"schemas": rewritten}
        return self._components[direction]

    def rewrite(self, schema: Any, direction: Direction) -> Any:
        """Return *schema* in the terms of draft 4."""
        if not isinstance(schema, Mapping):
            return schema
        result = {key: self._rewrite_member(key, value, direction) for key, value in schema.items()}
        if "required" in result:
            hidden = set(self._hidden(schema, direction))
            result["required"] = [name for name in result["required"] if name not in hidden]
            if not result["required"]:
                del result["required"]  # Draft 4 wants at least one name.
        return allow_null(result) if result.pop("nullable", False) is True else result

    def _rewrite_member(self, key: str, value: Any, direction: Direction) -> Any:
        if key in VERBATIM:
            return value
        if key in SCHEMA_MAPS and isinstance(value, Mapping):
            return {name: self.rewrite(schema, direction) for name, schema in value.items()}
        if isinstance(value, list):
            return [self.rewrite(schema, direction) for schema in value]
        return self.rewrite(value, direction)

    def _hidden(self, schema: Schema, direction: Direction) -> Iterator[str]:
        """Yield the properties that do not travel in *direction*: there `required` does not hold for them."""
        keyword = "readOnly" if direction == "request" else "writeOnly"
        for name, member in schema.get("properties", {}).items():
            if self.deref(member).get(keyword) is True:
                yield name


def allow_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return *schema* with null added to what it takes."""
    if "type" not in schema or COMPOSED & schema.keys():
        return {"anyOf": [{"type": "null"}, schema]}
    nullable = schema | {"type": [schema["type"], "null"]}
    if "enum" in schema and None not in schema["enum"]:
        nullable["enum"] = [*schema["enum"], None]
    return nullable


def pointer(error: ValidationError) -> str:
    """Return the place of *error* as a JSON Pointer (RFC 6901)."""
    words = list(error.instance_path)
    if error.kind.name == "required":
        words.append(cast("Any", error.kind).property)
    return "".join("/" + str(word).replace("~", "~0").replace("/", "~1") for word in words)


def meant(error: ValidationError) -> Iterator[ValidationError]:
    """Give the faults by the only schema of an `anyOf` that takes values of this type; else the error itself."""
    likely = [branch for branch in branches(error) if not any(is_of_other_type(one, error) for one in branch)]
    if len(likely) != 1:
        yield error
        return
    for one in likely[0]:
        yield from meant(one)


def branches(error: ValidationError) -> list[list[ValidationError]]:
    """Return what is wrong by each schema of an `anyOf`; nothing where the error is of another keyword."""
    return cast("Any", error.kind).context if error.kind.name == "anyOf" else []


def is_of_other_type(one: ValidationError, error: ValidationError) -> bool:
    """Tell whether a schema of an `anyOf` takes values of another type only."""
    return one.kind.name == "type" and list(one.instance_path) == list(error.instance_path)


def detail(error: ValidationError) -> str:
    """Say what is wrong, cut to a readable length: the message repeats the value."""
    words = in_words(error)
    return words if len(words) <= DETAIL_CHARACTERS else words[: DETAIL_CHARACTERS - 1] + "…"


def in_words(error: ValidationError) -> str:
    """Return the message of an error; in place of a pattern of words, or of an `anyOf` of types, these."""
    if error.kind.name == "pattern":
        pattern = cast("Any", error.kind).pattern
        if (listed := WORDS.fullmatch(ANY_CASE.sub(r"\1", pattern))) and ANY_CASE.search(pattern):
            said = error.message.removesuffix(f' does not match "{pattern}"')
            return f"{said} is none of {listed[1].replace('|', ', ')}, in any case"
    firsts = [branch[0] for branch in branches(error)]
    if firsts and all(is_of_other_type(one, error) for one in firsts):
        types = [kind for one in firsts[1:] for kind in cast("Any", one.kind).types]
        return " or ".join([firsts[0].message, *(f'"{kind}"' for kind in types)])
    return error.message
