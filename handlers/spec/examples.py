"""The rule that every example and every default is what its own schema says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import FormatChecker  # type: ignore[import-untyped] # it has no types
from openapi_schema_validator import OAS30ReadValidator, OAS30Validator, OAS30WriteValidator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

from handlers.spec.findings import Fault, Rule
from handlers.spec.shape import Part, follow, walk
from handlers.spec.source import escape

BASE = "urn:seamark:spec"
FORMATS = FormatChecker(formats=("date", "date-time", "email", "ipv4", "ipv6", "uuid"))
MEND = "Mend the example, or the schema."


def examples(document: Mapping[str, Any]) -> Iterator[Fault]:
    """Every example, and every default, is valid."""
    registry: Any = Registry().with_resource(BASE, Resource.from_contents(document, default_specification=DRAFT4))
    for part in walk(document):
        for value, place, schema in given(document, part):
            validator = validator_for(place)({"$ref": f"{BASE}#{schema}"}, registry=registry, format_checker=FORMATS)
            for error in validator.iter_errors(value):
                inside = "".join(f"/{escape(str(step))}" for step in error.absolute_path)
                words = error.message if len(error.message) <= 200 else f"{error.message[:200]}…"
                yield Fault(place + inside, f"This is not what the schema says: {words}.", MEND)


def given(document: Mapping[str, Any], part: Part) -> Iterator[tuple[Any, str, str]]:
    """Yield each example of *part*: its value, its place, and the place of its schema."""
    if part.kind == "schemas":
        for key in {"example", "default"} & part.value.keys():
            yield part.value[key], part.at(key), part.pointer
    elif "schema" in part.value:
        schema = part.at("schema")
        if "example" in part.value:
            yield part.value["example"], part.at("example"), schema
        for name, example in part.value.get("examples", {}).items():
            place = example["$ref"].removeprefix("#") if "$ref" in example else part.at("examples", name)
            found = follow(document, example)
            if "value" in found:
                yield found["value"], f"{place}/value", schema


def validator_for(place: str) -> Any:
    """Return the validator that counts readOnly or writeOnly as absent where they are."""
    if "/responses/" in place:
        return OAS30ReadValidator
    return OAS30WriteValidator if "/requestBod" in place else OAS30Validator


RULES = (Rule("examples", examples),)
