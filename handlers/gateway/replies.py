"""What a handler returns, as what WSGI sends."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

from handlers.errors import Problem
from handlers.gateway import jsontext
from handlers.gateway.streams import CHUNK_BYTES
from handlers.wire import Reply

HeaderList = list[tuple[str, str]]

PROBLEM_JSON = "application/problem+json"
STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
BODILESS = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


@dataclass(slots=True)
class Answer:
    """An answer, ready to be sent."""

    status: int
    content_type: str = ""  #: empty: no body
    body: bytes | Iterable[bytes] = b""
    length: int | None = None  #: bytes of an iterable body, if known
    headers: HeaderList = field(default_factory=list)
    on_close: Callable[[], None] | None = None  #: called when a stream has ended, or was broken off

    def start(self) -> tuple[str, HeaderList]:
        """Return the status line and the headers."""
        headers = list(self.headers)
        if self.content_type:
            headers.append(("Content-Type", self.content_type))
        length = len(self.body) if isinstance(self.body, bytes) else self.length
        if length is not None and self.status not in BODILESS:
            headers.append(("Content-Length", str(length)))
        return STATUS_LINES.get(self.status) or f"{self.status} Unknown", headers

    def chunks(self) -> Iterable[bytes]:
        """Return the body as WSGI wants it."""
        return [self.body] if isinstance(self.body, bytes) else Stream(self.body, self.on_close)

    def close(self) -> None:
        """Give up a body that will not be sent."""
        if not isinstance(self.body, bytes):
            Stream(self.body, self.on_close).close()


class Stream:
    """The chunks of an answer, and what is to be closed after them."""

    def __init__(self, chunks: Iterable[bytes], on_close: Callable[[], None] | None) -> None:
        self._chunks = chunks
        self._on_close = on_close

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._chunks)

    def close(self) -> None:
        """Close what the chunks come from."""
        try:
            close = getattr(self._chunks, "close", None)
            if close is not None:
                close()
        finally:
            if self._on_close is not None:
                self._on_close()


class Replies:
    """How one operation answers."""

    def __init__(self, responses: Mapping[str, Any]) -> None:
        """Take the OpenAPI Responses Object, dereferenced."""
        self._content_types = {code: first_type(response) for code, response in responses.items()}
        successes = [kind for code, kind in sorted(self._content_types.items()) if code.startswith("2") and kind]
        self._content_type = successes[0] if successes else "application/json"

    def encode(self, result: Any) -> Answer:
        """Return what the handler's *result* stands for: a value, or (value, status), or with headers, or a Reply.

        Raises:
            TypeError: It is none of these, or not JSON.
        """
        if isinstance(result, Reply):
            return encode_reply(result)
        status: int | None = None
        headers: Mapping[str, Any] = {}
        if isinstance(result, tuple):
            result, status, headers = unpack(result)
        if result is None:
            return Answer(int(status or HTTPStatus.NO_CONTENT), headers=header_list(headers))
        status = int(status or HTTPStatus.OK)
        content_type = self._content_types.get(str(status)) or self._content_type
        body = encode_body(result, content_type)
        return Answer(status, content_type, body, headers=header_list(headers) if headers else [])


def first_type(response: Mapping[str, Any]) -> str:
    """Return the first media type of a response; nothing if it has no body."""
    return next(iter(response.get("content", {})), "")


def unpack(result: tuple[Any, ...]) -> tuple[Any, int | None, Mapping[str, Any]]:
    """Return the value, the status and the headers of a handler's tuple."""
    if len(result) == 3:
        return result
    if len(result) == 2:
        value, second = result
        return (value, None, second) if isinstance(second, Mapping) else (value, second, {})
    raise TypeError("A handler returns a value, (value, status) or (value, status, headers).")


def header_list(headers: Mapping[str, Any]) -> HeaderList:
    """Return *headers* as WSGI wants them.

    Raises:
        ValueError: One holds a line break, or cannot be sent as Latin-1.
    """
    pairs = [(name, str(value)) for name, value in headers.items()]
    for _, value in pairs:
        if "\r" in value or "\n" in value:
            raise ValueError("A header holds a line break.")
        value.encode("latin-1")
    return pairs


def is_json(content_type: str) -> bool:
    """Tell whether a content type is JSON."""
    kind = content_type.partition(";")[0].strip()
    return kind == "application/json" or kind.endswith("+json")


def encode_body(value: Any, content_type: str) -> bytes:
    """Return *value* in *content_type*: bytes as they are, text outside of JSON as UTF-8, all else as JSON."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str) and not is_json(content_type):
        return value.encode()
    return jsontext.write(value)


def encode_reply(reply: Reply) -> Answer:
    """Return what *reply* stands for."""
    status, headers, kind = int(reply.status), header_list(reply.headers), reply.content_type
    match reply.body:
        case None:
            return Answer(status, headers=headers)
        case Path() as path:
            file = path.open("rb")
            return Answer(status, kind, FileChunks(file), os.fstat(file.fileno()).st_size, headers)
        case Iterator() as chunks:
            return Answer(status, kind, chunks, reply.length, headers)
        case body if is_json(kind) or isinstance(body, bytes | str):
            return Answer(status, kind, encode_body(body, kind), headers=headers)
        case body:
            return Answer(status, kind, iter_closing(body), reply.length, headers)


class FileChunks:
    """The bytes of an open file, read as they are sent."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def __iter__(self) -> Iterator[bytes]:
        while chunk := self._file.read(CHUNK_BYTES):
            yield chunk

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def iter_closing(chunks: Iterable[bytes]) -> Iterable[bytes]:
    """Return *chunks*, refused early if they are no iterable."""
    if not isinstance(chunks, Iterable):
        raise TypeError(f"{type(chunks).__name__} is neither JSON, bytes, a path nor an iterable of chunks.")
    return chunks


def problem_answer(problem: Problem, request_id: str) -> Answer:
    """Return *problem* as application/problem+json."""
    document = problem.as_document() | {"instance": request_id}
    body = jsontext.write(document)
    return Answer(problem.status.value, PROBLEM_JSON, body, headers=header_list(problem.headers))
