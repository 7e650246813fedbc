"""Parameters of the path, the query, the headers and the cookies, by connexion's rules.

Text becomes a value as `connexion.uri_parsing` has it: arrays are split at the delimiter of their style, scalars are
converted where that works and are left to the validator where it does not, "null" is null where null is allowed. Each
operation's rules are compiled once, at start.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from connexion.decorators.parameter import sanitized
from connexion.utils import deep_merge
from werkzeug.http import parse_cookie

from handlers.errors import Fault, InputInvalid
from handlers.gateway.coercion import Coerce, coercion, is_null
from handlers.spec.schemas import Checker, Schemas

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

Query = dict[str, list[str]]
Definition = Mapping[str, Any]

ABSENT: Any = object()
DELIMITERS = {"spaceDelimited": " ", "pipeDelimited": "|"}
DEFAULT_STYLES = {"path": "simple", "query": "form", "header": "simple", "cookie": "form"}
DEEPEST = 32  # levels of a deepObject
BRACKETS = re.compile(r"\[([^\[\]]*)\]")
PLACES = ("query", "path", "header", "cookie")  # in the order in which connexion validates


class UnsupportedParameter(ValueError):
    """The document describes a parameter in a way that is not served."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of one operation, compiled."""

    name: str
    place: str  #: query, path, header or cookie
    argument: str  #: name of the handler's keyword argument
    required: bool
    nullable: bool
    default: Any  #: ABSENT without one
    schema: Definition
    checker: Checker
    decode: Callable[[Sequence[str]], Any]
    deep: bool = False  #: style deepObject: spread over keys such as `name[member]`

    def accept(self, value: Any, faults: list[Fault]) -> Any:
        """Return *value*, or the default where it is absent; put what is wrong with it into *faults*."""
        if value is ABSENT:
            if self.required:
                faults.append(Fault(self.place, self.name, "It is required."))
            return ABSENT if self.default is ABSENT else deepcopy(self.default)
        if value is None and self.nullable:
            return None
        if not self.checker.valid(value):
            faults.extend(self.checker.faults(value, self.place, self.name))
        elif isinstance(value, dict) and isinstance(self.default, dict):
            return deep_merge(deepcopy(self.default), value)
        return value


class Parameters:
    """All parameters of one operation."""

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        self.all = tuple(sorted(parameters, key=lambda parameter: PLACES.index(parameter.place)))
        self.query = tuple(parameter for parameter in self.all if parameter.place == "query")
        self._cookies = any(parameter.place == "cookie" for parameter in self.all)

    def __bool__(self) -> bool:
        return bool(self.all)

    def read(self, environ: WSGIEnvironment, captured: Mapping[str, str]) -> dict[str, Any]:
        """Return the arguments that the path and the query give to the handler.

        Args:
            environ: The request.
            captured: Parts of the path by the names of their templates.

        Raises:
            InputInvalid: A parameter is missing or breaks its schema.
        """
        faults: list[Fault] = []
        arguments: dict[str, Any] = {}
        query = parse_query(environ.get("QUERY_STRING", "")) if self.query else {}
        cookies = parse_cookie(environ) if self._cookies else {}
        for parameter in self.all:
            place = parameter.place
            if place == "query":
                found = find_in_query(parameter, query)
            elif place == "path":
                found = parameter.decode([captured[parameter.name]])
            elif place == "header":
                found = find_text(parameter, environ.get(header_key(parameter.name)))
            else:
                found = find_text(parameter, cookies.get(parameter.name))
            value = parameter.accept(found, faults)
            if value is not ABSENT and place in {"query", "path"}:
                arguments[parameter.argument] = value
        if faults:
            raise InputInvalid(faults=faults)
        return arguments

    def read_members(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments that *members* of a JSON object give for the query parameters; null means absent."""
        faults: list[Fault] = []
        arguments: dict[str, Any] = {}
        for parameter in self.query:
            given = members.get(parameter.name)
            found = ABSENT if given is None else given
            value = parameter.accept(found, faults)
            if value is not ABSENT or parameter.name in members:
                arguments[parameter.argument] = None if value is ABSENT else value
        if faults:
            raise InputInvalid(faults=[Fault("body", "/" + fault.place, fault.detail) for fault in faults])
        return arguments


def compile_parameter(definition: Definition, schemas: Schemas) -> Parameter:
    """Return one parameter, compiled.

    Args:
        definition: OpenAPI Parameter Object, dereferenced itself; its schema may hold references.
        schemas: The document's schemas.

    Raises:
        UnsupportedParameter: It is described by `content` instead of a schema.
    """
    if "schema" not in definition:
        raise UnsupportedParameter(f"The parameter {definition['name']!r} has no schema.")
    schema = schemas.deref(definition["schema"])
    place = definition["in"]
    style = definition.get("style", DEFAULT_STYLES[place])
    return Parameter(
        name=definition["name"],
        place=place,
        argument=argument_name(definition["name"], place),
        required=bool(definition.get("required", False)),
        nullable=schema.get("nullable") is True,
        default=default_of(schema, schemas) if place == "query" else ABSENT,
        schema=schema,
        checker=schemas.compile(definition["schema"]),
        decode=decoder(schema, style, bool(definition.get("explode", style == "form")), schemas),
        deep=style == "deepObject",
    )


def argument_name(name: str, place: str) -> str:
    """Return the keyword under which a handler gets the parameter: connexion's, and "_" after a Python keyword."""
    word: str = sanitized(name.replace("-", "_") if place == "path" else name)
    return word + "_" if keyword.iskeyword(word) else word


def default_of(schema: Definition, schemas: Schemas) -> Any:
    """Return the default of a query parameter; an object without one has the defaults of its members."""
    if "default" in schema:
        return schema["default"]
    return member_defaults(schema, schemas) if schema.get("type") == "object" else ABSENT


def member_defaults(schema: Definition, schemas: Schemas) -> dict[str, Any]:
    """Return the defaults that stand on the members of an object's schema."""
    defaults: dict[str, Any] = {}
    for name, node in schema.get("properties", {}).items():
        member = schemas.deref(node)
        if "default" in member:
            defaults[name] = member["default"]
        elif member.get("type") == "object" and "properties" in member:
            defaults[name] = member_defaults(member, schemas)
    return defaults


def decoder(schema: Definition, style: str, explode: bool, schemas: Schemas) -> Callable[[Sequence[str]], Any]:
    """Return what turns the texts of a parameter into its value."""
    nullable = schema.get("nullable") is True
    if schema.get("type") == "array":
        return array_decoder(
            DELIMITERS.get(style, ","), explode, coercion(schemas.deref(schema.get("items", {})), schemas.deref)
        )
    coerce = coercion(schema, schemas.deref)

    def decode(texts: Sequence[str]) -> Any:
        return None if nullable and is_null(texts[-1]) else coerce(texts[-1])

    return decode


def array_decoder(delimiter: str, explode: bool, coerce: Coerce) -> Callable[[Sequence[str]], Any]:
    """Return what splits and converts the items of an array; connexion splits exploded ones too."""

    def decode(texts: Sequence[str]) -> Any:
        text = delimiter.join(texts) if explode else texts[-1]
        return [coerce(item) for item in text.split(delimiter)]

    return decode


def find_in_query(parameter: Parameter, query: Query) -> Any:
    """Return the value that *query* has for *parameter*, or ABSENT."""
    texts = query.get(parameter.name)
    if texts is not None:
        return parameter.decode(texts)
    return find_deep(parameter, query) if parameter.deep else ABSENT


def find_deep(parameter: Parameter, query: Query) -> Any:
    """Return the object that keys such as `name[member]` spell, or ABSENT; the first of two wins."""
    found: dict[str, Any] = {}
    start = parameter.name + "["
    for key, texts in query.items():
        words = BRACKETS.findall(key, len(parameter.name)) if key.startswith(start) else []
        if not words:
            continue
        if len(words) > DEEPEST:
            raise InputInvalid(faults=[Fault("query", parameter.name, f"It is more than {DEEPEST} levels deep.")])
        node: Any = found
        for word in words[:-1]:
            node = node.setdefault(word, {}) if isinstance(node, dict) else None
        if isinstance(node, dict):
            node.setdefault(words[-1], texts[0])
    return parameter.decode([found]) if found else ABSENT  # type: ignore[list-item] # leaves are converted in place


def find_text(parameter: Parameter, text: str | None) -> Any:
    """Return the value of a header or a cookie, or ABSENT."""
    return ABSENT if text is None else parameter.decode([text])


def header_key(name: str) -> str:
    """Return the name under which WSGI has a header."""
    key = name.upper().replace("-", "_")
    return key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else "HTTP_" + key


def parse_query(text: str, *, part: str = "query") -> Query:
    """Return the texts of each key of a query string or of a form.

    Raises:
        InputInvalid: It is not UTF-8.
    """
    query: Query = {}
    for pair in text.split("&"):
        if pair:
            key, _, value = pair.partition("=")
            query.setdefault(unquote(key, part), []).append(unquote(value, part))
    return query


def unquote(text: str, part: str) -> str:
    """Undo the percent-encoding of *text*."""
    text = text.replace("+", " ")
    if "%" not in text and text.isascii():
        return text
    try:
        return unquote_to_bytes(text.encode("latin-1")).decode()
    except UnicodeDecodeError:
        raise InputInvalid(faults=[Fault(part, "", "It is not UTF-8.")]) from None
