"""Messages on a stream: four bytes of length, then so many bytes.

A host that is stopped on purpose says so with a length that no message has, so that whoever waits can tell that from a
host that has died.
"""

from __future__ import annotations

import struct
from typing import Final, Protocol

LENGTH: Final = struct.Struct(">I")
FAREWELL: Final = b"\xff\xff\xff\xff"
MOST_BYTES: Final = 64 << 20  #: of one message
CHUNK_BYTES: Final = 1 << 16


class Closed(Exception):
    """The other end has closed the stream; with `farewell` before it took up the message."""

    def __init__(self, *, farewell: bool) -> None:
        """Say whether it had said that it would."""
        super().__init__()
        self.farewell = farewell


class Garbled(Exception):
    """The other end sends what is no message."""


class Stream(Protocol):
    """What messages come over."""

    def recv(self, size: int, /) -> bytes:
        """Return up to *size* bytes; none at the end."""


def framed(payload: bytes) -> bytes:
    """Return a message as it goes over the stream.

    Raises:
        ValueError: It is too long.
    """
    if len(payload) > MOST_BYTES:
        raise ValueError("The message is too long.")
    return LENGTH.pack(len(payload)) + payload


def receive(stream: Stream) -> bytes:
    """Return the next message.

    Raises:
        Closed: There is none.
        Garbled: It is too long.
        TimeoutError: The stream's time is over.
    """
    head = receive_exactly(stream, LENGTH.size)
    if head == FAREWELL:
        raise Closed(farewell=True)
    (length,) = LENGTH.unpack(head)
    if length > MOST_BYTES:
        raise Garbled
    return receive_exactly(stream, length)


def receive_exactly(stream: Stream, count: int) -> bytes:
    """Return the next *count* bytes."""
    data = stream.recv(min(count, CHUNK_BYTES))
    if len(data) == count:
        return data
    parts = bytearray(data)
    while len(parts) < count:
        if not data:
            raise Closed(farewell=False)
        data = stream.recv(min(count - len(parts), CHUNK_BYTES))
        parts += data
    return bytes(parts)


class Inbox:
    """Puts messages together from what comes of a stream, piece by piece."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._data = bytearray()

    def add(self, data: bytes) -> list[bytes]:
        """Take a piece; return the messages that are whole now.

        Raises:
            Garbled: One is too long.
        """
        if not self._data and len(data) >= LENGTH.size and LENGTH.unpack_from(data)[0] == len(data) - LENGTH.size:
            return [data[LENGTH.size :]]  # nearly always
        self._data += data
        found = []
        while len(self._data) >= LENGTH.size:
            (length,) = LENGTH.unpack_from(self._data)
            if length > MOST_BYTES:
                raise Garbled
            end = LENGTH.size + length
            if len(self._data) < end:
                break
            found.append(bytes(self._data[LENGTH.size : end]))
            del self._data[:end]
        return found
