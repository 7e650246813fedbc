"""The raw body of a request, bounded."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO, cast

from handlers.errors import BadRequest, BodyMalformed, Fault, LengthRequired, TooLarge

if TYPE_CHECKING:
    from _typeshed.wsgi import InputStream, WSGIEnvironment
    from typing_extensions import Buffer

CHUNK_BYTES = 1 << 16
DRAINED_BYTES = 1 << 20  # at a time


class BodyStream(io.RawIOBase):
    """A body that is read as it arrives.

    It ends where Content-Length says, or, sent in chunks, where the server says. A body that is longer than the limit,
    or that breaks off early, is a problem at the read that notices it: nobody takes half a file for a whole one.
    """

    def __init__(self, source: InputStream, length: int | None, limit: int) -> None:
        super().__init__()
        self._source = source
        self.length = length  #: bytes announced; None: not announced
        self._left = limit + 1 if length is None else length
        self._limit = limit

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: Buffer) -> int:
        """Fill *buffer* with what comes next.

        Raises:
            TooLarge: The body is longer than the limit.
            BodyMalformed: The body ended before its announced length.
        """
        view = memoryview(buffer).cast("B")
        data = self._source.read(min(len(view), self._left))
        if not data and self._left and self.length is not None:
            raise BodyMalformed(faults=[Fault("body", "", "It ended before the length that was announced.")])
        self._left -= len(data)
        if self.length is None and self._left == 0:
            raise too_large(self._limit)
        view[: len(data)] = data
        return len(data)

    def read(self, size: int = -1, /) -> bytes:
        """Return up to *size* bytes, fewer only at the end; all that is left without a size."""
        chunks = []
        wanted = size
        while wanted != 0:
            chunk = super().read(CHUNK_BYTES if wanted < 0 else min(wanted, CHUNK_BYTES))
            if not chunk:
                break
            chunks.append(chunk)
            wanted -= len(chunk) if wanted > 0 else 0
        return b"".join(chunks)


def length_of(environ: WSGIEnvironment) -> int | None:
    """Return the announced length of the body; 0 without a body, None when it is sent in chunks.

    Raises:
        BadRequest: Content-Length is not a number.
        LengthRequired: The body is sent in chunks, and the server cannot tell where it ends.
    """
    text = environ.get("CONTENT_LENGTH")
    if text:
        if text.isascii() and text.isdigit():
            return int(text)
        raise BadRequest("Content-Length is not a number.", faults=[Fault("header", "Content-Length", "Not a number.")])
    if "HTTP_TRANSFER_ENCODING" not in environ:
        return 0
    if not environ.get("wsgi.input_terminated"):
        # Reading could wait for ever, and reading nothing would take the body for an empty one.
        raise LengthRequired("This WSGI server does not hand over bodies that are sent in chunks.")
    return None


def read_whole(environ: WSGIEnvironment, limit: int) -> bytes:
    """Return the whole body.

    Raises:
        TooLarge: It is longer than *limit* bytes.
        BodyMalformed: It ended before its announced length.
    """
    length = length_of(environ)
    if length == 0:
        return b""
    if length is None or length > limit:
        return open_body(environ, limit).read()
    data: bytes = environ["wsgi.input"].read(length)
    if len(data) == length:
        return data
    environ["wsgi.input"] = io.BytesIO(data)
    return open_body(environ, limit).read()


def open_body(environ: WSGIEnvironment, limit: int) -> BodyStream:
    """Return the body as a stream.

    Raises:
        TooLarge: Its announced length is beyond *limit* bytes.
    """
    length = length_of(environ)
    if length is not None and length > limit:
        raise too_large(limit)
    return BodyStream(environ["wsgi.input"], length, limit)


def drain(environ: WSGIEnvironment, limit: int, *, in_chunks: bool = False) -> None:
    """Read what is left of the body and forget it, unless it is longer than *limit* bytes or nobody knows its end.

    One whose length was not announced is read *in_chunks* only: who sends it may wait for the answer before its end.
    """
    try:
        length = length_of(environ)
    except (BadRequest, LengthRequired):
        return
    left = limit if (in_chunks if length is None else 0 < length <= limit) else 0
    while left > 0 and (data := environ["wsgi.input"].read(min(left, DRAINED_BYTES))):
        left -= len(data)


def as_file(stream: BodyStream) -> BinaryIO:
    """Return *stream* under the type that controllers know."""
    return cast("BinaryIO", stream)


def too_large(limit: int) -> TooLarge:
    """Say how large a body may be."""
    return TooLarge(f"The body may have up to {limit} bytes.")
