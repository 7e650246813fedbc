"""Values made of schemas: what a document shows where it gives no example itself."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from handlers.spec.shape import follow

Schema = Mapping[str, Any]

FORMATS = {
    "byte": "c2VhbWFyaw==",
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "email": "someone@example.org",
    "hostname": "example.org",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.org/",
    "uri-reference": "/",
    "url": "https://example.org/",
    "uuid": "3f6d0c5b-e1a2-4c7b-9d9f-1c0a52b7e8d4",
}
#: Texts that are tried where a pattern is asked for.
TEXTS = (
    "text",
    "0",
    "1",
    "1.0",
    "a",
    "A",
    "/",
    "0" * 8,
    "0" * 32,
    "0" * 40,
    "0" * 64,
    f"0x{'0' * 40}",
    f"0x{'0' * 64}",
)
SHORTEST = 20  # letters of a text that has to be long


class EndlessError(ValueError):
    """The schema is inside itself in such a way that no value ends."""


def sample(document: Mapping[str, Any], schema: Schema) -> Any:
    """Return a value of *schema*: its example, its default, or the plainest that can be thought of.

    Raises:
        EndlessError: There is no value that ends.
    """
    return _Sampler(document).value(schema, ())


class _Sampler:
    """Makes values of the schemas of one document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document

    def value(self, schema: Schema, around: Sequence[str]) -> Any:
        """Return a value; *around* has the references that led here."""
        if "$ref" in schema:
            if schema["$ref"] in around:
                raise EndlessError(schema["$ref"])
            return self.value(follow(self.document, {"$ref": schema["$ref"]}), (*around, schema["$ref"]))
        for key in ("example", "default"):
            if key in schema:
                return schema[key]
        if "enum" in schema:
            return schema["enum"][0]
        try:
            return self.made(schema, around)
        except EndlessError:
            if schema.get("nullable"):
                return None
            raise

    def made(self, schema: Schema, around: Sequence[str]) -> Any:
        """Return a value that the schema does not name itself."""
        for key in ("oneOf", "anyOf"):
            if key in schema:
                return self.variant(schema, schema[key], around)
        if "allOf" in schema:
            return self.value(self.merged(schema), around)
        kind = schema.get("type") or ("object" if "properties" in schema else "string")
        if kind in ("object", "array"):
            return self.object(schema, around) if kind == "object" else self.array(schema, around)
        return scalar(schema, kind)

    def variant(self, schema: Schema, variants: Sequence[Schema], around: Sequence[str]) -> Any:
        """Return a value of the first variant that has one; the discriminator says which it is."""
        endless: EndlessError | None = None
        for variant in variants:
            try:
                value = self.value(variant, around)
            except EndlessError as error:
                endless = error
                continue
            key = schema.get("discriminator", {}).get("propertyName")
            return value | {key: name_of(schema, variant)} if key and isinstance(value, dict) else value
        raise endless or EndlessError("no variant")

    def merged(self, schema: Schema) -> dict[str, Any]:
        """Return the parts of an allOf as one schema."""
        result = {key: value for key, value in schema.items() if key != "allOf"}
        for part in schema["allOf"]:
            found = follow(self.document, part)
            found = self.merged(found) if "allOf" in found else found
            properties = {**found.get("properties", {}), **result.get("properties", {})}
            required = list(dict.fromkeys([*result.get("required", ()), *found.get("required", ())]))
            result = {**found, **result, "properties": properties, "required": required}
        return {key: value for key, value in result.items() if value or key not in ("properties", "required")}

    def object(self, schema: Schema, around: Sequence[str]) -> dict[str, Any]:
        """Return an object with every member that ends."""
        result = {}
        for name, part in schema.get("properties", {}).items():
            try:
                result[name] = self.value(part, around)
            except EndlessError:
                if name in schema.get("required", ()):
                    raise
        more = schema.get("additionalProperties")
        for number_ in range(len(result), schema.get("minProperties", 0)):
            result[f"name{number_ + 1}"] = self.value(more if isinstance(more, Mapping) else {}, around)
        return result

    def array(self, schema: Schema, around: Sequence[str]) -> list[Any]:
        """Return a list of one item, or as many as it has to have."""
        least = schema.get("minItems", 0)
        try:
            item = self.value(schema.get("items", {}), around)
        except EndlessError:
            if least:
                raise
            return []
        return [item] * min(max(least, 1), schema.get("maxItems", max(least, 1)))


def name_of(schema: Schema, variant: Schema) -> str:
    """Return what a discriminator calls a variant."""
    reference: str = variant.get("$ref", "")
    mapping = schema["discriminator"].get("mapping", {})
    return next((str(name) for name, target in mapping.items() if target == reference), reference.rpartition("/")[2])


def scalar(schema: Schema, kind: str) -> Any:
    """Return a value that holds no others."""
    match kind:
        case "boolean":
            return True
        case "integer" | "number":
            return number(schema, whole=kind == "integer")
        case _:
            return text(schema)


def number(schema: Schema, *, whole: bool) -> float:
    """Return a number within the schema's bounds."""
    step = schema.get("multipleOf") or 1
    value = schema.get("minimum", min(1, schema.get("maximum", 1)))
    if schema.get("exclusiveMinimum") and "minimum" in schema:
        value += step if whole else min(step, (schema.get("maximum", value + 2) - value) / 2)
    if schema.get("exclusiveMaximum") and value == schema.get("maximum"):
        value -= step
    value = -(-value // step) * step if "multipleOf" in schema else value
    return int(value) if whole else value


def text(schema: Schema) -> str:
    """Return a text of the schema's format, pattern and length, as far as it is easily found."""
    if known := FORMATS.get(schema.get("format", "")):
        return known
    least, most = schema.get("minLength", 0), schema.get("maxLength", SHORTEST)
    plain = "text"[:most].ljust(least, "t")
    fitting = [plain, *(each for each in TEXTS if least <= len(each) <= schema.get("maxLength", len(each)))]
    return next((each for each in fitting if re.search(schema.get("pattern", ""), each)), plain)
