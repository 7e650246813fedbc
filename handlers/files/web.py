"""Files on web servers, handed on as they arrive."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Iterator
from http import HTTPStatus
from typing import BinaryIO, Final, cast

from handlers.errors import BadGateway, NotFound, Problem, TooLarge
from handlers.files.content import Content, Facts, Stored
from handlers.files.fetch import Fetched, Fetcher
from handlers.files.names import of_disposition, of_url
from handlers.files.ranges import Wanted, not_satisfiable, sent, still_valid

GONE: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
SPOOL_S: Final = 600.0  # our caller gets nothing meanwhile, and few wait longer
GOOD: Final = frozenset({HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT})


class Web:
    """A file behind http or https."""

    def __init__(self, url: str, fetcher: Fetcher, *, spool_bytes: int) -> None:
        """Fetch from *url*; a file that does not tell its length is first stored here, up to *spool_bytes* of it."""
        self._url = url
        self._fetcher = fetcher
        self._spool_bytes = spool_bytes

    def probe(self) -> Facts:
        """Return what the server says of the file; servers that do not like HEAD are asked for the first byte."""
        with contextlib.suppress(BadGateway):
            fetched = self._fetcher.open(self._url, method="HEAD")
            fetched.close()
            if fetched.status == HTTPStatus.OK and fetched.length is not None:
                return facts_of(fetched, fetched.length)
        fetched = self._fetcher.open(self._url, headers={"Range": "bytes=0-0"})
        fetched.close()
        check(fetched)
        part = sent(fetched.headers.get("content-range", ""))
        whole = fetched.length if fetched.status == HTTPStatus.OK else None
        return facts_of(fetched, part[1] if part is not None else whole)

    def open(self, wanted: Wanted | None, if_range: str) -> Content:
        """Return its bytes, or the *wanted* ones."""
        headers = {"Range": wanted.as_header()} if wanted is not None else {}
        if wanted is not None and if_range:
            headers["If-Range"] = if_range
        fetched = self._fetcher.open(self._url, headers=headers)
        try:
            return self._read(fetched, wanted, if_range)
        except BaseException:
            fetched.close()
            raise

    def _read(self, fetched: Fetched, wanted: Wanted | None, if_range: str) -> Content:
        """Return what an answer holds, or what of it is wanted."""
        check(fetched)
        if fetched.status == HTTPStatus.PARTIAL_CONTENT:
            return part_of(fetched, wanted)
        total = fetched.length
        if total is None:
            return self._spooled(fetched).open(wanted, if_range)
        facts = facts_of(fetched, total)
        asked = wanted if still_valid(if_range, etag=facts.etag, modified=facts.modified) else None
        span = asked.within(total) if asked is not None else None
        chunks = Passed(fetched, skip=span.start if span else 0, length=span.length if span else total)
        return Content(facts=facts, total=total, span=span, chunks=chunks)

    def _spooled(self, fetched: Fetched) -> Stored:
        """Store a file of unknown length here, so that its length is known before its first byte is sent."""
        file, size = spool(fetched.chunks(), self._spool_bytes, until=time.monotonic() + SPOOL_S)
        fetched.close()
        return Stored(facts_of(fetched, size), lambda: file)


class Passed(Iterator[bytes]):
    """Some bytes of an answer: exactly as many as were announced, or an error."""

    def __init__(self, fetched: Fetched, *, skip: int, length: int) -> None:
        self._fetched = fetched
        self._chunks = fetched.chunks()
        self._skip = skip
        self._left = length

    def __next__(self) -> bytes:
        while self._left:
            chunk = next(self._chunks, b"")
            if not chunk:
                raise BadGateway("The file broke off before its end.")
            if self._skip:
                chunk, self._skip = chunk[self._skip :], max(0, self._skip - len(chunk))
            if chunk:
                chunk = chunk[: self._left]
                self._left -= len(chunk)
                return chunk
        self.close()
        raise StopIteration

    def close(self) -> None:
        """End the connection."""
        self._fetched.close()


def spool(chunks: Iterator[bytes], limit: int, *, until: float) -> tuple[BinaryIO, int]:
    """Store chunks in a file that nobody else sees; return it, and its length in bytes.

    Raises:
        TooLarge: They are more than *limit* bytes.
        BadGateway: They are not all there by *until*, `time.monotonic` seconds.
    """
    file = tempfile.TemporaryFile()  # noqa: SIM115 - it is closed when it has been sent
    size = 0
    try:
        for chunk in chunks:
            size += len(chunk)
            if size > limit:
                raise TooLarge(f"A file that does not tell its length may have up to {limit} bytes.")
            if time.monotonic() > until:
                raise BadGateway("The file's server does not tell its length, and takes too long to send it.")
            file.write(chunk)
    except BaseException:
        file.close()
        raise
    return cast("BinaryIO", file), size


def part_of(fetched: Fetched, wanted: Wanted | None) -> Content:
    """Return the part that a server sends.

    Raises:
        BadGateway: It is not the one that was asked for.
    """
    found = sent(fetched.headers.get("content-range", ""))
    if found is None or wanted is None or wanted.within(found[1]) != found[0]:
        raise BadGateway("The file's server sent another part than was asked for.")
    span, total = found
    if fetched.length not in (None, span.length):
        raise BadGateway("The file's server contradicts itself about the length.")
    chunks = Passed(fetched, skip=0, length=span.length)
    return Content(facts=facts_of(fetched, total), total=total, span=span, chunks=chunks)


def check(fetched: Fetched) -> None:
    """Go on only with a good answer.

    Raises:
        RangeNotSatisfiable: The file has no such part.
        NotFound: There is no such file.
        BadGateway: The server answers otherwise.
    """
    if fetched.status in GOOD:
        return
    fetched.close()
    raise complaint(fetched)


def complaint(fetched: Fetched) -> Problem:
    """Return what a bad answer means to our caller."""
    if fetched.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        total = fetched.headers.get("content-range", "").rpartition("/")[2]
        return not_satisfiable(int(total) if total.isascii() and total.isdigit() and len(total) < 19 else 0)
    if fetched.status in GONE:
        return NotFound("The file is not where the asset says.")
    return BadGateway(f"The file's server answered {fetched.status}.")


def facts_of(fetched: Fetched, length: int | None) -> Facts:
    """Return what an answer's headers say of the file."""
    headers = {name: plain(value) for name, value in fetched.headers.items()}
    name = of_disposition(headers.get("content-disposition", "")) or of_url(fetched.url)
    return Facts(
        length=length,
        content_type=headers.get("content-type", ""),
        etag=headers.get("etag", ""),
        modified=headers.get("last-modified", ""),
        name=name,
        encoding=headers.get("content-encoding", ""),
    )


def plain(value: str) -> str:
    """Return a header's value if it can be handed on as it is; else nothing."""
    return value if value.isascii() and value.isprintable() and len(value) < 1000 else ""
