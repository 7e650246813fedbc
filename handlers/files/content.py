"""What a file is, and its bytes or some of them, wherever it lies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import BinaryIO, Protocol

from handlers.files.fetch import CHUNK_BYTES
from handlers.files.names import attachment, safe
from handlers.files.ranges import Span, Wanted, still_valid
from handlers.wire import Reply

DEFAULT_TYPE = "application/octet-stream"


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of a file before it is read."""

    length: int | None = None  #: bytes; None: nobody knows before the end
    content_type: str = ""  #: empty: unknown
    etag: str = ""
    modified: str = ""  #: as HTTP writes it
    name: str = ""
    encoding: str = ""  #: Content-Encoding of the bytes

    def or_else(self, *, content_type: str = "", name: str = "") -> Facts:
        """Return the facts with what they lack filled in."""
        kind = self.content_type or content_type or DEFAULT_TYPE
        return replace(self, content_type=kind, name=safe(self.name or name, kind))


class Chunks(Protocol):
    """Bytes as they come, from something that has to be closed."""

    def __iter__(self) -> Iterator[bytes]:
        """Return itself."""

    def __next__(self) -> bytes:
        """Return what comes next."""

    def close(self) -> None:
        """Give up what they come from."""


@dataclass(frozen=True, kw_only=True)
class Content:
    """A file that is being read, or a part of it."""

    facts: Facts
    total: int  #: bytes of the whole file
    span: Span | None  #: None: the whole
    chunks: Chunks

    def as_reply(self, facts: Facts) -> Reply:
        """Return the content as an answer under the name and the type of *facts*."""
        headers = headers_of(facts)
        if self.span is None:
            return Reply(body=self.chunks, headers=headers, content_type=facts.content_type, length=self.total)
        return Reply(
            body=self.chunks,
            status=HTTPStatus.PARTIAL_CONTENT,
            headers=headers | {"Content-Range": self.span.as_header(self.total)},
            content_type=facts.content_type,
            length=self.span.length,
        )


class Source(Protocol):
    """Where a file is had from."""

    def probe(self) -> Facts:
        """Return what is known of it, without reading more than a few bytes."""

    def open(self, wanted: Wanted | None, if_range: str) -> Content:
        """Return its bytes, or the *wanted* ones where *if_range* allows that.

        Raises:
            RangeNotSatisfiable: It has no such part.
        """


class Stored:
    """A file that can be opened and sought in: a blob, an object of a store, a copy on disk."""

    def __init__(self, facts: Facts, open: Callable[[], BinaryIO]) -> None:
        """Take what is known, the length included, and what opens it."""
        self._facts = facts
        self._open = open

    def probe(self) -> Facts:
        """Return what is known of it."""
        return self._facts

    def open(self, wanted: Wanted | None, if_range: str) -> Content:
        """Return its bytes, or the *wanted* ones."""
        facts, total = self._facts, self._facts.length or 0
        asked = wanted if still_valid(if_range, etag=facts.etag, modified=facts.modified) else None
        span = asked.within(total) if asked is not None else None
        return Content(facts=facts, total=total, span=span, chunks=Part(self._open(), span or Span(0, total)))


class Part(Iterator[bytes]):
    """Some bytes of an open file, read as they are sent."""

    def __init__(self, file: BinaryIO, span: Span) -> None:
        self._file = file
        self._left = span.length
        file.seek(span.start)

    def __next__(self) -> bytes:
        if not self._left:
            self.close()
            raise StopIteration
        chunk = self._file.read(min(self._left, CHUNK_BYTES))
        if not chunk:
            raise EOFError("The file is shorter than it was.")
        self._left -= len(chunk)
        return chunk

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def headers_of(facts: Facts) -> dict[str, str]:
    """Return the headers that go with any part of a file."""
    headers = {
        "Content-Disposition": attachment(facts.name),
        "Accept-Ranges": "bytes",
        "X-Content-Type-Options": "nosniff",
        "Access-Control-Expose-Headers": "Content-Disposition, Content-Range, ETag",
        "ETag": facts.etag,
        "Last-Modified": facts.modified,
        "Content-Encoding": facts.encoding,
    }
    return {name: value for name, value in headers.items() if value}


def described(facts: Facts) -> Reply:
    """Return the answer to HEAD."""
    return Reply(body=iter(()), headers=headers_of(facts), content_type=facts.content_type, length=facts.length)
