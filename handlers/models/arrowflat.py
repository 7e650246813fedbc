"""The metadata of Arrow's IPC messages: tables of FlatBuffers, read where they lie.

Whatever leads outside of the bytes that are there raises `struct.error`; that a table is one is seen by nobody here.

Source:
    Apache Arrow, "Serialization and Interprocess Communication (IPC)"; `Message.fbs`; `Schema.fbs`; FlatBuffers,
    "Internals".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

# Fields of tables, by their number in the schema of the FlatBuffer.
HEADER: Final = 2  #: of a message
DICTIONARY_DATA: Final = 1  #: of a batch of a dictionary
BUFFERS: Final = 2  #: of a batch of records
COMPRESSION: Final = 3  #: likewise


def table_at(flat: memoryview, at: int) -> int:
    """Return the place to which the offset at *at* leads."""
    return at + int(struct.unpack_from("<I", flat, at)[0])


def field(flat: memoryview, table: int, number: int) -> int:
    """Return the place of a field of a table; 0: it has none."""
    entries = table - struct.unpack_from("<i", flat, table)[0]
    if entries < 0:
        raise struct.error("a table begins before its message")
    (length,) = struct.unpack_from("<H", flat, entries)
    entry = 4 + 2 * number
    if entry + 2 > length:
        return 0
    (offset,) = struct.unpack_from("<H", flat, entries + entry)
    return table + offset if offset else 0


def number_in(flat: memoryview, table: int, number: int, kind: str) -> int:
    """Return the integer in a field, 0 where there is none; *kind* is its format as `struct` writes it."""
    at = field(flat, table, number)
    return int(struct.unpack_from(kind, flat, at)[0]) if at else 0


def table_in(flat: memoryview, table: int, number: int) -> int:
    """Return the place of the table in a field; 0: there is none."""
    at = field(flat, table, number)
    return table_at(flat, at) if at else 0


def vector_in(flat: memoryview, table: int, number: int, width: int) -> tuple[int, int]:
    """Return where the elements of the vector in a field begin, each of *width* bytes, and how many there are."""
    start = table_in(flat, table, number)
    if not start:
        return 0, 0
    (count,) = struct.unpack_from("<I", flat, start)
    if start + 4 + width * count > len(flat):
        raise struct.error("a vector ends behind its message")
    return start + 4, count


def buffers(flat: memoryview, batch: int) -> Iterator[tuple[int, int]]:
    """Give place in the body and length of each buffer of a record batch, as they are written there."""
    start, count = vector_in(flat, batch, BUFFERS, 16)
    return struct.iter_unpack("<qq", flat[start : start + 16 * count])
