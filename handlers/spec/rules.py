"""The rules that a spec keeps beyond OpenAPI itself, so that it can be routed, typed and understood.

A rule is a function from a bundled document to its faults, and a line in `RULES`.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterator, Mapping
from typing import Any

from handlers.spec.bundle import CONTROLLER
from handlers.spec.findings import Fault, Rule
from handlers.spec.names import function_name, parameter_name
from handlers.spec.overlaps import overlapping
from handlers.spec.shape import METHODS, Part, operations, parameters, walk
from handlers.spec.source import escape

Document = Mapping[str, Any]


def each_operation(document: Document) -> Iterator[tuple[str, str, Part]]:
    """Yield path, method with path, and operation."""
    for path, method, operation in operations(document):
        yield path, f"{method.upper()} {path}", Part(f"/paths/{escape(path)}/{method}", method, operation)


def operation_ids(document: Document) -> Iterator[Fault]:
    """Every operation has an id, whose function is its own."""
    seen: dict[str, str] = {}
    for _, where, operation in each_operation(document):
        name = operation.value.get("operationId")
        if not name:
            yield Fault(operation.pointer, f"{where} has no operationId.", "Give it one.")
            continue
        first = seen.setdefault(function_name(name), where)
        if first != where:
            message = f"The operationId {name} means the same function as that of {first}."
            yield Fault(operation.at("operationId"), message, "Give it another.")
        if not function_name(name).isidentifier():
            yield Fault(operation.at("operationId"), f"{name} is no name of a function.", "Use letters and digits.")


def summaries(document: Document) -> Iterator[Fault]:
    """Every operation has a summary: it becomes the docstring of the function."""
    for _, where, operation in each_operation(document):
        if not operation.value.get("summary"):
            yield Fault(operation.pointer, f"{where} has no summary.", "Say what it does.")


def controllers(document: Document) -> Iterator[Fault]:
    """Every operation knows the module that serves it."""
    for _, where, operation in each_operation(document):
        if not operation.value.get(CONTROLLER):
            yield Fault(operation.pointer, f"{where} has no {CONTROLLER}.", "Write one at the top of the document.")


def path_parameters(document: Document) -> Iterator[Fault]:
    """What a path has in braces is declared, and what is declared stands in the path."""
    for path, _, operation in each_operation(document):
        found = {each["name"] for each in parameters(document, path, operation.value) if each["in"] == "path"}
        wanted = set(re.findall(r"{([^}]+)}", path))
        for name in sorted(wanted - found):
            yield Fault(operation.pointer, f"{{{name}}} of {path} is not declared.", "Add a parameter `in: path`.")
        for name in sorted(found - wanted):
            yield Fault(operation.pointer, f"The path parameter {name} is not in {path}.", "Remove it, or add it.")


def shadowed_paths(document: Document) -> Iterator[Fault]:
    """No path stands behind one with parameters that would take its requests, or means the same as another."""
    seen: list[tuple[str, Mapping[str, Any]]] = []
    for path, item in document.get("paths", {}).items():
        for earlier, other in seen:
            if not item.keys() & other.keys() & set(METHODS) or not takes(earlier, path):
                continue
            same = takes(path, earlier)
            words = "means the same as" if same else "would be taken for"
            mend = (
                "Remove one of them." if same else "Write it above that one: many servers ask in the order of the file."
            )
            yield Fault(f"/paths/{escape(path)}", f"{path} {words} {earlier}.", mend)
        seen.append((path, item))


def takes(template: str, path: str) -> bool:
    """Tell whether the path *template* fits all that *path* fits."""
    pattern = "".join("[^/]+" if part.startswith("{") else re.escape(part) for part in re.split(r"({[^}]*})", template))
    return "{" in template and re.fullmatch(pattern, path) is not None


def argument_names(document: Document) -> Iterator[Fault]:
    """No two parameters of an operation reach its function under one name."""
    for path, _, operation in each_operation(document):
        given = parameters(document, path, operation.value)
        arguments = [parameter_name(each["name"]) for each in given if each["in"] in ("path", "query")]
        if "requestBody" in operation.value and operation.value.get("x-parameters") != "query-or-body":
            arguments.append("body")
        for name in sorted({name for name in arguments if arguments.count(name) > 1 or not name}):
            message = f"Two parameters, or one and the body, reach the function as {name!r}."
            yield Fault(operation.pointer, message, "Rename one of them.")


def error_answers(document: Document) -> Iterator[Fault]:
    """Every operation says how it fails."""
    for _, where, operation in each_operation(document):
        if not any(code == "default" or code.startswith("4") for code in operation.value["responses"]):
            yield Fault(
                operation.at("responses"), f"{where} does not say how it fails.", "Add `default` or a 4xx answer."
            )


def security_names(document: Document) -> Iterator[Fault]:
    """Every security scheme that is asked for is there."""
    schemes = document.get("components", {}).get("securitySchemes", {})
    places = [("", document), *((operation.pointer, operation.value) for *_, operation in each_operation(document))]
    for pointer, value in places:
        for name in sorted({name for needed in value.get("security", ()) for name in needed} - schemes.keys()):
            message = f"There is no security scheme {name}."
            yield Fault(f"{pointer}/security", message, "Define it under components/securitySchemes.")


def link_targets(document: Document) -> Iterator[Fault]:
    """Every link leads to an operation that is there."""
    known = {operation.get("operationId") for *_, operation in operations(document)}
    for part in walk(document):
        target = part.value.get("operationId")
        if part.kind == "links" and target and target not in known:
            yield Fault(
                part.at("operationId"),
                f"The link leads to {target}, which is not there.",
                "Name an operation of this document.",
            )


def media_types(document: Document) -> Iterator[Fault]:
    """A request, and an answer, has one media type: clients that are made of the spec know but one."""
    kinds = {"requestBodies": "request", "responses": "answer"}
    for part in walk(document):
        content = part.value.get("content", {})
        if part.kind in kinds and len(content) > 1:
            message = f"The {kinds[part.kind]} may have several media types: {', '.join(content)}."
            yield Fault(part.at("content"), message, "Make an operation of each.")


def builtin_names(document: Document) -> Iterator[Fault]:
    """No function is named like one of Python's, which the rest of its module could not call any more."""
    for _, where, operation in each_operation(document):
        name = function_name(operation.value.get("operationId", ""))
        if name in vars(builtins):
            message = f"The function of {where} would be {name}, which Python itself has."
            yield Fault(operation.at("operationId"), message, "Give it another operationId.")


def one_of(document: Document) -> Iterator[Fault]:
    """One value is one variant of a oneOf, so that no valid value is refused for being two."""
    for part in walk(document):
        if part.kind == "schemas" and "oneOf" in part.value and "discriminator" not in part.value:
            for first, second in overlapping(document, part.value["oneOf"]):
                message = f"A value may be variant {first} and variant {second} of the oneOf at once."
                yield Fault(part.at("oneOf"), message, "Use anyOf, or a discriminator.")


RULES = (
    Rule("operation-id", operation_ids),
    Rule("summary", summaries),
    Rule("controller", controllers),
    Rule("path-parameters", path_parameters),
    Rule("shadowed-path", shadowed_paths),
    Rule("argument-names", argument_names),
    Rule("error-answer", error_answers),
    Rule("security-names", security_names),
    Rule("link-targets", link_targets),
    Rule("builtin-name", builtin_names, "warning"),
    Rule("media-types", media_types, "warning"),
    Rule("one-of", one_of, "warning"),
)
