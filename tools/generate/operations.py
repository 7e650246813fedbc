"""The operations of one document, as the functions that serve them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from handlers.spec.bundle import CONTROLLER
from handlers.spec.names import class_name, function_name, parameter_name
from handlers.spec.shape import operations, parameters
from tools.generate.schemas import Schemas

QUERY_OR_BODY = "query-or-body"
FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")


@dataclass(frozen=True)
class Argument:
    """One keyword argument of a controller's function."""

    name: str
    type: str
    optional: bool  #: may be left out, and is None then


@dataclass(frozen=True)
class Operation:
    """One operation as a function."""

    name: str
    controller: str  #: module that serves it
    summary: str
    arguments: tuple[Argument, ...]
    answers: tuple[str, ...]  #: types of the bodies that a success may have


def read_operations(document: Mapping[str, Any], schemas: Schemas) -> list[Operation]:
    """Return the operations in the order of the document."""
    return [
        Operation(
            name=function_name(operation["operationId"]),
            controller=operation.get(CONTROLLER, ""),
            summary=operation.get("summary") or operation["operationId"],
            arguments=(
                *arguments(parameters(document, path, operation), operation, schemas),
                *body(operation, schemas),
            ),
            answers=tuple(answers(operation, schemas)),
        )
        for path, _, operation in operations(document)
    ]


def arguments(given: list[Mapping[str, Any]], operation: Mapping[str, Any], schemas: Schemas) -> Iterator[Argument]:
    """Yield an argument for each parameter of path and query; connexion hands over no others."""
    for parameter in given:
        if parameter["in"] in ("path", "query"):
            name = parameter["name"]
            type_ = argument_type(parameter, operation, schemas)
            if name in operation.get("x-required", ()):
                yield Argument(parameter_name(name), type_.removesuffix(" | None"), optional=False)
            elif parameter.get("required") or "default" in schemas.follow(parameter.get("schema", {})):
                yield Argument(parameter_name(name), type_, optional=False)
            else:
                yield Argument(parameter_name(name), or_none(type_), optional=True)


def argument_type(parameter: Mapping[str, Any], operation: Mapping[str, Any], schemas: Schemas) -> str:
    """Return the type of a parameter, be it from the query or, where the operation takes it there, from the body."""
    found = [parameter.get("schema", {})]
    if operation.get("x-parameters") == QUERY_OR_BODY:
        content = schemas.follow(operation.get("requestBody", {})).get("content", {})
        members = [schemas.follow(media.get("schema", {})).get("properties", {}) for media in content.values()]
        found += [each[parameter["name"]] for each in members if parameter["name"] in each]
    wanted = class_name(f"{operation['operationId']}-{parameter['name']}")
    types = [schemas.expression(schema, wanted) for schema in found]
    null = " | None" if any(each.endswith(" | None") for each in types) else ""
    return " | ".join(dict.fromkeys(each.removesuffix(" | None") for each in types)) + null


def body(operation: Mapping[str, Any], schemas: Schemas) -> Iterator[Argument]:
    """Yield the argument `body`, unless there is none or its members are the parameters."""
    if "requestBody" not in operation or operation.get("x-parameters") == QUERY_OR_BODY:
        return
    given = operation["requestBody"]
    found = schemas.follow(given)
    wanted = component_name(given) or f"{class_name(operation['operationId'])}Body"
    types = [body_type(kind, media, schemas, wanted) for kind, media in found["content"].items()]
    type_ = " | ".join(dict.fromkeys(types))
    yield Argument("body", type_ if found.get("required") else or_none(type_), optional=not found.get("required"))


def body_type(kind: str, media: Mapping[str, Any], schemas: Schemas, wanted: str) -> str:
    """Return the type of a body of one media type: what is neither JSON nor a form comes as a stream."""
    if is_json(kind) or kind in FORMS:
        return schemas.expression(media.get("schema", {}), wanted)
    return "_support.Stream"


def answers(operation: Mapping[str, Any], schemas: Schemas) -> list[str]:
    """Return the types of the bodies of the answers that are no failures."""
    types: dict[str, None] = {}
    successes = {code: given for code, given in operation["responses"].items() if code[0] in "23"}
    for code, given in successes.items():
        wanted = component_name(given) or class_name(f"{operation['operationId']}-answer")
        wanted = wanted if len(successes) == 1 else wanted + code
        content = schemas.follow(given).get("content", {})
        types |= dict.fromkeys(answer_type(kind, media, schemas, wanted) for kind, media in content.items())
        types |= {} if content else {"None": None}
    return list(types) or ["None"]


def answer_type(kind: str, media: Mapping[str, Any], schemas: Schemas, wanted: str) -> str:
    """Return the type of an answer of one media type; an object that is open may be any dictionary."""
    if not is_json(kind):
        return "str" if kind.startswith("text/") else "bytes"
    schema = media.get("schema", {})
    found = schemas.follow(schema)
    is_open = found.get("properties") and found.get("additionalProperties")
    return schemas.expression(schema, wanted) + (" | dict[str, Any]" if is_open else "")


def component_name(given: Mapping[str, Any]) -> str:
    """Return the class for a schema inside the component that *given* refers to, if it refers to one."""
    kind, _, name = given.get("$ref", "").removeprefix("#/components/").partition("/")
    return class_name(name) + ("Answer" if kind == "responses" else "Body") if name else ""


def or_none(type_: str) -> str:
    """Return *type_* or None."""
    return type_ if type_.endswith("| None") or type_ == "Any" else f"{type_} | None"


def is_json(kind: str) -> bool:
    """Tell whether a media type is written in JSON."""
    return kind == "application/json" or kind.endswith("+json")
