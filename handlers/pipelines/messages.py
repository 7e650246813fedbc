"""What a web process and the host of a pipeline say to each other: a head of JSON, then bytes."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from handlers.models.frames import MOST_BYTES

LENGTH: Final = struct.Struct(">I")
ROOM_BYTES: Final = MOST_BYTES - (1 << 20)  #: for the bytes of one message; its head has the rest


def pack(head: Mapping[str, Any], *bodies: bytes) -> bytes:
    """Return a message of *head* and the bytes of *bodies*, one after the other."""
    words = orjson.dumps(head)
    return b"".join((LENGTH.pack(len(words)), words, *bodies))


def unpack(message: bytes) -> tuple[dict[str, Any], memoryview]:
    """Return the head of a message, and the bytes behind it.

    Raises:
        ValueError: It is no message.
    """
    if len(message) < LENGTH.size:
        raise ValueError("The message is too short.")
    end = LENGTH.size + LENGTH.unpack_from(message)[0]
    head = orjson.loads(memoryview(message)[LENGTH.size : end])
    if not isinstance(head, dict):
        raise ValueError("The head of the message is no object.")
    return head, memoryview(message)[end:]


def split(body: memoryview, sizes: Sequence[int]) -> list[memoryview]:
    """Return the pieces of *body* that have these sizes, in bytes.

    Raises:
        ValueError: It is not as long as all of them.
    """
    if sum(sizes) != len(body) or min(sizes, default=0) < 0:
        raise ValueError("The bytes of the message are not as many as its head says.")
    pieces, start = [], 0
    for size in sizes:
        pieces.append(body[start : start + size])
        start += size
    return pieces
