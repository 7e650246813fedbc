"""Swagger 2.0 as OpenAPI 3.0."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from handlers.spec.shape import DATA, METHODS
from handlers.spec.source import Source

JSON = "application/json"
FORM, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
PLACES = {"definitions": "schemas", "parameters": "parameters", "responses": "responses"}
STYLES = {"ssv": "spaceDelimited", "pipes": "pipeDelimited", "tsv": "form", "csv": "form", "multi": "form"}
OF_PARAMETER = frozenset({"name", "in", "description", "required", "allowEmptyValue"})
OF_RESPONSE = frozenset({"description", "schema", "headers", "examples"})

Document = Mapping[str, Any]


def convert(swagger: Document, notes: list[str]) -> dict[str, Any]:
    """Return a Swagger 2.0 document as OpenAPI 3.0.3; *notes* gets a sentence for what has no equal there."""
    return _Converter(swagger, notes).document()


class _Converter:
    """Converts one document."""

    def __init__(self, swagger: Document, notes: list[str]) -> None:
        self.swagger = swagger
        self.notes = notes

    def document(self) -> dict[str, Any]:
        """Return the whole."""
        kept = {key: self.swagger[key] for key in ("info", "tags", "externalDocs", "security") if key in self.swagger}
        kept |= {key: value for key, value in self.swagger.items() if key.startswith("x-")}
        components = {
            "schemas": {name: schema(each) for name, each in self.swagger.get("definitions", {}).items()},
            "parameters": dict(self.shared_parameters()),
            "responses": {name: self.response(each, {}) for name, each in self.swagger.get("responses", {}).items()},
        }
        return {
            "openapi": "3.0.3",
            **kept,
            "servers": [{"url": self.swagger.get("basePath") or "/"}],
            "paths": {path: self.path(path, item) for path, item in self.swagger.get("paths", {}).items()},
            "components": {kind: parts for kind, parts in components.items() if parts},
        }

    def shared_parameters(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the parameters that operations refer to; bodies are written where they are used."""
        for name, each in self.swagger.get("parameters", {}).items():
            if each.get("in") not in ("body", "formData"):
                yield name, self.parameter(each)

    def path(self, path: str, item: Document) -> dict[str, Any]:
        """Return a path item; a body that all its operations share is written into each."""
        shared = [self.resolved(each) for each in item.get("parameters", ())]
        bodies = [each for each in shared if each["in"] in ("body", "formData")]
        result: dict[str, Any] = {key: value for key, value in item.items() if key not in (*METHODS, "parameters")}
        if plain := [self.parameter(each) for each in shared if each not in bodies]:
            result["parameters"] = plain
        for method in METHODS:
            if method in item:
                result[method] = self.operation(f"{method.upper()} {path}", item[method], bodies)
        return result

    def operation(self, where: str, operation: Document, bodies: Sequence[Document]) -> dict[str, Any]:
        """Return an operation."""
        gone = ("parameters", "responses", "consumes", "produces", "schemes")
        result = {key: value for key, value in operation.items() if key not in gone}
        given = [(each, self.resolved(each)) for each in operation.get("parameters", ())]
        plain = [
            reference(each) if "$ref" in each else self.parameter(each)
            for each, found in given
            if found["in"] not in ("body", "formData")
        ]
        bodies = [*bodies, *(found for _, found in given if found["in"] in ("body", "formData"))]
        if plain:
            result["parameters"] = plain
        if bodies:
            result["requestBody"] = body(bodies, operation.get("consumes", self.swagger.get("consumes", [JSON])))
        result["responses"] = {
            code: reference(each) if "$ref" in each else self.response(each, operation, f"{where}, {code}")
            for code, each in operation.get("responses", {}).items()
        }
        return result

    def resolved(self, parameter: Document) -> Document:
        """Return a parameter, or the shared one that it refers to."""
        name = str(parameter.get("$ref", "")).removeprefix("#/parameters/")
        found: Document = self.swagger.get("parameters", {}).get(name, parameter) if name else parameter
        return found

    def parameter(self, parameter: Document) -> dict[str, Any]:
        """Return a parameter of a path, query or header."""
        own = {key: value for key, value in parameter.items() if key in OF_PARAMETER or key.startswith("x-")}
        types = {key: value for key, value in parameter.items() if key not in own and key != "collectionFormat"}
        if parameter["in"] == "path":
            own["required"] = True
        if parameter.get("type") == "array":
            own |= self.style(parameter)
        return own | {"schema": schema(types)}

    def style(self, parameter: Document) -> dict[str, Any]:
        """Return how a list is written."""
        kind = parameter.get("collectionFormat", "csv")
        if kind == "tsv":
            self.notes.append(f"The parameter {parameter['name']} is separated by commas now: OpenAPI 3 knows no tabs.")
        if parameter["in"] in ("path", "header"):
            return {}
        return {"style": STYLES[kind], "explode": kind == "multi"}

    def response(self, response: Document, operation: Document, where: str = "") -> dict[str, Any]:
        """Return an answer."""
        for key in response.keys() - OF_RESPONSE:
            if not key.startswith("x-"):
                self.notes.append(f"`{key}` of the answer of {where or 'a shared part'} is left out: it means nothing.")
        result: dict[str, Any] = {"description": response.get("description") or "The answer."}
        kinds = operation.get("produces", self.swagger.get("produces", [JSON]))
        examples = response.get("examples", {})
        if "schema" in response:
            media = {"schema": schema(response["schema"])}
            result["content"] = {
                kind: media | ({"example": examples[kind]} if kind in examples else {}) for kind in kinds
            }
        if "headers" in response:
            result["headers"] = {name: header(each) for name, each in response["headers"].items()}
        return result


def reference(value: Document) -> dict[str, Any]:
    """Return a reference to a part of Swagger as one to the same part of OpenAPI."""
    kind, _, name = str(value["$ref"]).removeprefix("#/").partition("/")
    return {"$ref": f"#/components/{PLACES[kind]}/{name}" if kind in PLACES else value["$ref"]}


def schema(value: Any) -> Any:
    """Return a schema."""
    if isinstance(value, list):
        return [schema(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    if isinstance(value.get("$ref"), str):
        return reference(value)
    result = {key: item if key in DATA else schema(item) for key, item in value.items() if key != "x-nullable"}
    if isinstance(value.get("properties"), Mapping):
        result["properties"] = {name: schema(item) for name, item in value["properties"].items()}
    if value.get("type") == "file":
        result |= {"type": "string", "format": "binary"}
    if value.get("x-nullable"):
        result["nullable"] = True
    if isinstance(value.get("discriminator"), str):
        result["discriminator"] = {"propertyName": value["discriminator"]}
    return result


def header(value: Document) -> dict[str, Any]:
    """Return a header of an answer."""
    types = {key: item for key, item in value.items() if key not in ("description", "collectionFormat")}
    words = {"description": value["description"]} if "description" in value else {}
    return words | {"schema": schema(types)}


def body(parameters: Sequence[Document], kinds: Sequence[str]) -> dict[str, Any]:
    """Return the parameters in a body as a request body."""
    whole = next((each for each in parameters if each["in"] == "body"), None)
    if whole is not None:
        words = {"description": whole["description"]} if "description" in whole else {}
        media = {"schema": schema(whole.get("schema", {}))}
        return words | {"required": bool(whole.get("required")), "content": {kind: dict(media) for kind in kinds}}
    gone = ("name", "in", "required", "collectionFormat", "allowEmptyValue")
    members = {
        each["name"]: schema({key: value for key, value in each.items() if key not in gone}) for each in parameters
    }
    needed = [each["name"] for each in parameters if each.get("required")]
    form: dict[str, Any] = {"type": "object", "properties": members} | ({"required": needed} if needed else {})
    files = any(each.get("type") == "file" for each in parameters)
    return {"required": bool(needed), "content": {MULTIPART if files or MULTIPART in kinds else FORM: {"schema": form}}}


def origins_of(source: Source) -> dict[str, tuple[Source, str]]:
    """Return where the parts of a converted document stood in the Swagger document, by JSON Pointer."""
    return {forward(pointer): (source, pointer) for pointer in source.lines}


def forward(pointer: str) -> str:
    """Return where a part of a Swagger document stands in the OpenAPI document."""
    kind, _, rest = pointer.removeprefix("/").partition("/")
    return f"/components/{PLACES[kind]}/{rest}" if kind in PLACES else pointer
