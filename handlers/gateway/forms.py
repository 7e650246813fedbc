"""Forms: fields by connexion's rules, files as uploads among them."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handlers.errors import BodyMalformed, Fault, InputInvalid
from handlers.gateway import jsontext
from handlers.gateway.body import Body
from handlers.gateway.coercion import coercion, is_null
from handlers.gateway.multipart import Parts, as_upload, read_parts
from handlers.gateway.parameters import DELIMITERS, parse_query
from handlers.gateway.streams import length_of, open_body, read_whole
from handlers.settings import Settings
from handlers.spec.schemas import Schema, Schemas
from handlers.storage import room
from handlers.wire import Upload

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

FIELD_DEPTH = 64  # levels of JSON in one field
FILE_FORMATS = frozenset({"binary", "base64"})

Decode = Callable[[Sequence[str]], Any]


class Fields:
    """The members of a form, compiled from its schema."""

    def __init__(self, media: Mapping[str, Any], schemas: Schemas) -> None:
        schema: Schema = schemas.deref(media.get("schema", {}))
        encoding = media.get("encoding", {})
        members = {name: schemas.deref(member) for name, member in schema.get("properties", {}).items()}
        extra = schemas.deref(schema.get("additionalProperties", {}))
        self._extra = extra if isinstance(extra, Mapping) else {}
        self._schemas = schemas
        self._members = members
        self._decoders = {name: field_decoder(m, encoding.get(name, {}), schemas) for name, m in members.items()}
        self.default: Mapping[str, Any] = schema.get("default", {})
        self._checker = schemas.compile(media.get("schema", {}))

    def decode(self, name: str, texts: Sequence[str]) -> Any:
        """Return the value of a field."""
        decode = self._decoders.get(name)
        return ",".join(texts) if decode is None else decode(texts)

    def takes_files(self, name: str) -> bool:
        """Tell whether the field *name* is a file or a list of files."""
        member = self._members.get(name, self._extra)
        return is_file(member) or self.takes_many(name)

    def takes_many(self, name: str) -> bool:
        """Tell whether the field *name* is a list of files."""
        member = self._members.get(name, self._extra)
        return member.get("type") == "array" and is_file(self._schemas.deref(member.get("items", {})))

    def describes(self, name: str) -> bool:
        """Tell whether the schema has something to say of the field *name*."""
        return name in self._members or bool(self._extra)

    def check(self, values: Mapping[str, Any]) -> None:
        """Refuse *values* that break the schema.

        Raises:
            InputInvalid: They do.
        """
        if not self._checker.valid(values):
            raise InputInvalid(faults=self._checker.faults(values, "form"))


class FormBody:
    """Reads application/x-www-form-urlencoded."""

    def __init__(self, media: Mapping[str, Any], schemas: Schemas, settings: Settings, *, required: bool) -> None:
        self._limit = settings.body_limit_bytes
        self._required = required
        self._fields = Fields(media, schemas)

    def read(self, environ: WSGIEnvironment, options: Mapping[str, str]) -> Body:
        """Read, check and return the fields.

        Raises:
            TooLarge: It is too long.
            InputInvalid: It breaks the schema, or is missing.
        """
        data = read_whole(environ, self._limit)
        if not data and self._required and not self._fields.default:
            raise InputInvalid(faults=[Fault("form", "", "It is required.")])
        given = parse_query(data.decode("latin-1"), part="form")
        values = {name: self._fields.decode(name, texts) for name, texts in given.items()}
        self._fields.check(values)
        return Body(deepcopy(dict(self._fields.default)) | values)


class MultipartBody:
    """Reads multipart/form-data: files become uploads, among the fields."""

    def __init__(self, media: Mapping[str, Any], schemas: Schemas, settings: Settings, *, required: bool) -> None:
        self._limit = settings.upload_limit_bytes
        self._field_bytes = settings.body_limit_bytes
        self._reserve = settings.disk_reserve_bytes
        self._required = required
        self._fields = Fields(media, schemas)

    def read(self, environ: WSGIEnvironment, options: Mapping[str, str]) -> Body:
        """Read, check and return the fields and the files.

        Raises:
            TooLarge: It is too long.
            BodyMalformed: It is not a multipart body.
            InputInvalid: It breaks the schema, or is missing.
            InsufficientStorage: There is no room for its files.
        """
        parts = self._parts(environ, options)
        try:
            return self._body(parts)
        except BaseException:
            parts.close()
            raise

    def _parts(self, environ: WSGIEnvironment, options: Mapping[str, str]) -> Parts:
        if length_of(environ) == 0:
            if self._required and not self._fields.default:
                raise InputInvalid(faults=[Fault("form", "", "It is required.")])
            return Parts()
        boundary = options.get("boundary")
        if not boundary or not boundary.isascii():
            raise BodyMalformed(faults=[Fault("header", "Content-Type", "It names no boundary.")])
        stream = open_body(environ, self._limit)
        room.demand(Path(tempfile.gettempdir()), stream.length or 0, self._reserve)
        return read_parts(stream, boundary, field_bytes=self._field_bytes)

    def _body(self, parts: Parts) -> Body:
        fields = self._fields
        for name in [name for name in parts.fields if fields.takes_files(name)]:
            # A file may come without a file name: then it looks like a field.
            parts.files.setdefault(name, []).extend(without_name(name, data) for data in parts.fields.pop(name))
        values = {name: fields.decode(name, as_texts(name, data)) for name, data in parts.fields.items()}
        files = {name: self._files(name, uploads) for name, uploads in parts.files.items()}
        fields.check(values | {name: placeholder(found) for name, found in files.items()})
        return Body(
            deepcopy(dict(fields.default)) | values | files,
            uploads=parts.files,
            close=parts.close,
        )

    def _files(self, name: str, uploads: list[Upload]) -> Upload | list[Upload]:
        if self._fields.describes(name) and not self._fields.takes_files(name):
            raise InputInvalid(faults=[Fault("form", "/" + name, "A file came where a value is expected.")])
        return uploads if self._fields.takes_many(name) or len(uploads) > 1 else uploads[0]


def field_decoder(member: Schema, encoding: Mapping[str, Any], schemas: Schemas) -> Decode:
    """Return what turns the texts of a field into its value."""
    items = schemas.deref(member.get("items", {}))
    if is_json_field(member, items, encoding):
        return json_field
    style = encoding.get("style", "form")
    delimiter = DELIMITERS.get(style, ",")
    explode = bool(encoding.get("explode", style == "form"))
    kind = member.get("type")
    coerce = coercion(items if kind == "array" else member, schemas.deref)
    nullable = member.get("nullable") is True

    def decode(texts: Sequence[str]) -> Any:
        text = delimiter.join(texts) if explode else texts[-1]
        if nullable and is_null(text):
            return None
        return [coerce(item) for item in text.split(delimiter)] if kind == "array" else coerce(text)

    return decode


def is_json_field(member: Schema, items: Schema, encoding: Mapping[str, Any]) -> bool:
    """Tell whether a field is JSON text: as `encoding` says, else where it is an object or a list of objects."""
    content_type = str(encoding.get("contentType", ""))
    if content_type:
        return "json" in content_type
    return member.get("type") == "object" or items.get("type") == "object"


def json_field(texts: Sequence[str]) -> Any:
    """Return the value of JSON text; what is not JSON stays text, for the validator to refuse."""
    try:
        return jsontext.read(texts[-1].encode(), depth=FIELD_DEPTH)
    except BodyMalformed:
        return texts[-1]


def is_file(schema: Schema) -> bool:
    """Tell whether *schema* describes the bytes of a file."""
    return schema.get("type") == "string" and schema.get("format") in FILE_FORMATS


def placeholder(found: Upload | list[Upload]) -> Any:
    """Return what stands for files while the form is checked: connexion's empty texts."""
    return [""] * len(found) if isinstance(found, list) else ""


def without_name(name: str, data: bytes) -> Upload:
    """Return a field's bytes as an upload."""
    file = io.BytesIO()
    file.write(data)
    return as_upload(name, file, filename="", content_type="application/octet-stream")


def as_texts(name: str, data: Sequence[bytes]) -> list[str]:
    """Return the texts of a field.

    Raises:
        InputInvalid: One is not UTF-8.
    """
    try:
        return [text.decode() for text in data]
    except UnicodeDecodeError:
        words = "It is not UTF-8; a part that is a file has a filename."
        raise InputInvalid(faults=[Fault("form", "/" + name, words)]) from None
