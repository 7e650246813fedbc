"""Request bodies: JSON, forms, multipart, and everything else as a stream.

Each reader is compiled once per operation and media type.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from werkzeug.http import parse_options_header

from handlers.errors import BodyMalformed, Fault, InputInvalid, MediaTypeUnsupported
from handlers.gateway import jsontext
from handlers.gateway.body import Body, Reader
from handlers.gateway.forms import FormBody, MultipartBody
from handlers.gateway.streams import as_file, length_of, open_body, read_whole
from handlers.settings import Settings
from handlers.spec.schemas import Schema, Schemas

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

UTF8 = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})


class JsonBody:
    """Reads JSON."""

    def __init__(self, schema: Schema, schemas: Schemas, settings: Settings, *, required: bool) -> None:
        self._limit = settings.body_limit_bytes
        self._depth = settings.json_depth
        self._required = required
        root = schemas.deref(schema)
        self._nullable = root.get("nullable") is True
        self._default = root.get("default")
        self._checker = schemas.compile(schema)

    def read(self, environ: WSGIEnvironment, options: Mapping[str, str]) -> Body:
        """Read, check and return the body.

        Raises:
            TooLarge: It is too long.
            BodyMalformed: It is not JSON.
            InputInvalid: It breaks the schema, or is missing.
        """
        refuse_other_charsets(options)
        data = read_whole(environ, self._limit)
        if not data:
            return Body(self._absent())
        value = jsontext.read(data, depth=self._depth)
        if not self._checker.valid(value):
            value = self._again(value)
        return Body(value)

    def _absent(self) -> Any:
        if self._default is None and self._required:
            raise InputInvalid(faults=[Fault("body", "", "It is required.")])
        return deepcopy(self._default)

    def _again(self, value: Any) -> Any:
        """Return the object that the text *value* holds, if it is a text that holds a valid one."""
        inner = inner_object(value, self._depth)
        if inner is not None:
            value = inner
            if self._checker.valid(value):
                return value
        raise InputInvalid(faults=self._checker.faults(value, "body"))


class RawBody:
    """Hands over the bytes as they come."""

    def __init__(self, settings: Settings) -> None:
        self._limit = settings.upload_limit_bytes

    def read(self, environ: WSGIEnvironment, options: Mapping[str, str]) -> Body:
        """Return the body as a stream."""
        stream = as_file(open_body(environ, self._limit))
        return Body(stream, stream=stream)


class Bodies:
    """The bodies that one operation takes."""

    def __init__(self, readers: Mapping[str, Reader]) -> None:
        """Take *readers* by media type or range, in the order of the document."""
        self._exact = {kind: reader for kind, reader in readers.items() if "*" not in kind}
        self._ranges = sorted(((kind, reader) for kind, reader in readers.items() if "*" in kind), reverse=True)
        self._first = next(iter(readers.values()))
        self._types = ", ".join(readers)

    def read(self, environ: WSGIEnvironment) -> Body:
        """Read the body with the reader of its Content-Type; without one, with the first.

        Raises:
            MediaTypeUnsupported: The operation does not take this content type, or the body is compressed.
        """
        refuse_codings(environ)
        header = environ.get("CONTENT_TYPE")
        if not header:
            return self._first.read(environ, {})
        kind, options = parse_content_type(header)
        reader = self._exact.get(kind) or self._in_range(kind)
        return reader.read(environ, options)

    def _in_range(self, kind: str) -> Reader:
        for pattern, reader in self._ranges:
            if fnmatchcase(kind, pattern):
                return reader
        raise MediaTypeUnsupported(f"The content type may be {self._types}.")


def compile_bodies(content: Mapping[str, Any], schemas: Schemas, settings: Settings, *, required: bool) -> Bodies:
    """Return the readers of an OpenAPI Request Body Object's `content`."""
    return Bodies(
        {kind.lower(): reader_of(kind.lower(), media, schemas, settings, required) for kind, media in content.items()}
    )


def reader_of(kind: str, media: Mapping[str, Any], schemas: Schemas, settings: Settings, required: bool) -> Reader:
    """Return the reader of one media type."""
    schema = media.get("schema", {})
    if is_json(kind):
        return JsonBody(schema, schemas, settings, required=required)
    if kind == "application/x-www-form-urlencoded":
        return FormBody(media, schemas, settings, required=required)
    if kind == "multipart/form-data":
        return MultipartBody(media, schemas, settings, required=required)
    return RawBody(settings)


def is_json(kind: str) -> bool:
    """Tell whether a media type is written in JSON."""
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


@lru_cache(maxsize=512)
def parse_content_type(header: str) -> tuple[str, Mapping[str, str]]:
    """Return the media type, in lower case, and its parameters."""
    kind, options = parse_options_header(header)
    return kind.strip().lower(), options


def refuse_other_charsets(options: Mapping[str, str]) -> None:
    """Refuse a text that is not UTF-8.

    Raises:
        MediaTypeUnsupported: The Content-Type names another charset.
    """
    if options and options.get("charset", "utf-8").lower() not in UTF8:
        words = f"The charset may be UTF-8 only, and not {options['charset'][:50]}."
        raise MediaTypeUnsupported(words)


def refuse_codings(environ: WSGIEnvironment) -> None:
    """Refuse a body that is compressed on its way: what becomes of it has no bound that is known before.

    Raises:
        MediaTypeUnsupported: It is; the answer names what is taken (RFC 9110, section 15.5.16).
    """
    coding = environ.get("HTTP_CONTENT_ENCODING")
    if coding and coding.strip().lower() != "identity":
        words = f"The body may not be compressed; its Content-Encoding is {coding[:50]}."
        raise MediaTypeUnsupported(words, headers={"Accept-Encoding": "identity"})


def inner_object(value: Any, depth: int) -> dict[str, Any] | None:
    """Return the JSON object that the text *value* holds; None if it is no text, or holds something else."""
    if not isinstance(value, str):
        return None
    try:
        inner = jsontext.read(value.encode(), depth=depth)
    except BodyMalformed:
        return None
    return inner if isinstance(inner, dict) else None


def read_members(environ: WSGIEnvironment, settings: Settings) -> Mapping[str, Any]:
    """Return the members of the JSON object in the body; nothing where there is no body, or null.

    Raises:
        MediaTypeUnsupported: The body is not announced as JSON, or is compressed.
        InputInvalid: It is not an object.
    """
    if length_of(environ) == 0:
        return {}
    refuse_codings(environ)
    kind, options = parse_content_type(environ.get("CONTENT_TYPE") or "application/json")
    if not is_json(kind):
        raise MediaTypeUnsupported("The content type may be application/json.")
    refuse_other_charsets(options)
    data = read_whole(environ, settings.body_limit_bytes)
    value = jsontext.read(data, depth=settings.json_depth) if data else None
    members = inner_object(value, settings.json_depth) or value
    if members is None:
        return {}
    if not isinstance(members, dict):
        raise InputInvalid(faults=[Fault("body", "", "It is not an object.")])
    return members
