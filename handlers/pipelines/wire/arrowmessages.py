"""The messages of Arrow's IPC formats, before anything in them is made room for.

pyarrow reads from memory without copying, but makes room for whatever length a compressed buffer says that it has. So
these lengths are added up first.

Source:
    Apache Arrow, "Serialization and Interprocess Communication (IPC)".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

import pyarrow

from handlers.models.arrowflat import COMPRESSION, DICTIONARY_DATA, HEADER, buffers, field, table_at, table_in
from handlers.pipelines.faults import Refused

FILE_MAGIC: Final = b"ARROW1"
FILE_HEAD: Final = 8  #: bytes before the first message of a file
MOST_EXPANDED_BYTES: Final = 1 << 27  #: that the compressed buffers of all messages may become
#: What pyarrow raises at bytes that it does not understand.
FAULTS: Final = (pyarrow.ArrowException, OSError, EOFError, ValueError, TypeError, KeyError, OverflowError)


def messages_in(data: memoryview) -> memoryview:
    """Return the messages of a file, or of a stream, which is nothing else.

    A file is a stream between two marks, with an index behind it. The messages are read as they come; the index, which
    could say something else, is not used.

    Raises:
        Refused: It is a file that is cut short.
    """
    if bytes(data[: len(FILE_MAGIC)]) != FILE_MAGIC:
        return data
    if len(data) < 2 * FILE_HEAD or bytes(data[-len(FILE_MAGIC) :]) != FILE_MAGIC:
        raise Refused("The Arrow file is cut short: it does not end with ARROW1.")
    return data[FILE_HEAD : -len(FILE_MAGIC)]


def see_first_batch(stream: memoryview) -> str:
    """See that the messages up to the first record batch need not much memory, and return what they hold.

    Returns:
        `records`, or `tensor`.

    Raises:
        Refused: They need too much, or there is no record batch and no tensor.
    """
    expanded = 0
    for message in messages(stream):
        if message.type == "tensor":
            return "tensor"
        if message.type in ("record batch", "dictionary"):
            expanded += expanded_bytes(message)
            if expanded > MOST_EXPANDED_BYTES:
                raise Refused(f"Decompressed it would have more than {MOST_EXPANDED_BYTES} bytes.")
        if message.type == "record batch":
            return "records"
    raise Refused("There is no record batch in it, and no dense tensor.")


def messages(stream: memoryview) -> Iterator[pyarrow.Message]:
    """Give the messages of a stream, as far as they can be read."""
    try:
        yield from pyarrow.ipc.MessageReader.open_stream(pyarrow.BufferReader(stream))
    except FAULTS as error:
        raise unreadable(error) from error


def expanded_bytes(message: pyarrow.Message) -> int:
    """Return how many bytes the compressed buffers of a record batch, or of a dictionary, say that they will have."""
    flat, body = memoryview(message.metadata).cast("B"), message.body
    try:
        batch = table_in(flat, table_at(flat, 0), HEADER)
        if batch and message.type == "dictionary":
            batch = table_in(flat, batch, DICTIONARY_DATA)
        if not batch or not field(flat, batch, COMPRESSION):
            return 0
        places = list(buffers(flat, batch))
        if any(at < 0 for at, _ in places):
            raise struct.error("a buffer begins before the body")
        data = memoryview(body).cast("B") if body is not None else memoryview(b"")
        # Each has its length before it; -1 says that it is not compressed.
        return sum(max(struct.unpack_from("<q", data, at)[0], 0) for at, length in places if length > 0)
    except struct.error:
        raise Refused("Its compressed buffers lie outside of it.") from None


def unreadable(error: BaseException) -> Refused:
    """Return what to tell of bytes that pyarrow does not understand."""
    words = str(error).splitlines()
    return Refused(f"The Arrow data are broken: {words[0][:200] if words else type(error).__name__}")
