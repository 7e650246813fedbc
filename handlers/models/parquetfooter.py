"""What the footer of a Parquet file says of its row groups, looked at before pyarrow reads it.

pyarrow ends the process when it is asked for a column of a row group in some footers that are broken; so it is not.

Source:
    Apache Parquet, `parquet.thrift`; "File Format".
"""

from __future__ import annotations

import binascii
import io
import os
import struct
from collections.abc import Sequence
from typing import Any, BinaryIO, Final, NamedTuple

from handlers.models.arrowahead import Ahead
from handlers.models.cells import CELL_BYTES
from handlers.models.pieces import broken
from handlers.models.thrift import BINARY, I32, I64, LIST, STRUCT, Compact, NotThrift, Shape, Struct, whole

MAGIC: Final = b"PAR1"
MOST_FOOTER_BYTES: Final = 16 << 20
MOST_CHUNKS: Final = 200_000  #: columns of all row groups
MOST_LISTED: Final = 100_000  #: elements of one list in the footer: columns, row groups
MOST_TEXT_BYTES: Final = 16 << 20  #: of one text in the footer

ARROW_SCHEMA: Final = b"ARROW:schema"  #: key of a note

ROW_GROUPS, NOTES = 4, 5  # fields of the footer
KEY, VALUE = 1, 2  # of a note
COLUMNS, GROUP_BYTES, GROUP_ROWS = 1, 2, 3  # of a row group
ABOUT, SEALED = 3, 8  # of a column in one
VALUES, UNPACKED, PACKED, DATA, DICTIONARY = 5, 6, 7, 9, 11  # of what is said about it


class Chunk(NamedTuple):
    """A column in a row group."""

    values: int  #: rows, or the elements of lists
    unpacked: int  #: bytes, with the headers of pages
    packed: int
    data: int  #: place in the file of the first page with data
    dictionary: int  #: of its dictionary; 0: it has none


class Group(NamedTuple):
    """A row group."""

    chunks: Sequence[Chunk]
    bytes: int  #: unpacked
    rows: int


def groups_of(file: BinaryIO, size: int) -> Sequence[Group]:
    """Return the row groups of a file of *size* bytes, none if it is no Parquet file; it is at its beginning then.

    Raises:
        Unprocessable: There are too many, or they are none that a file can have.
    """
    try:
        footer = Compact(footer_in(file, size)).struct(FOOTER)
        groups, notes = list_in(footer, ROW_GROUPS), list_in(footer, NOTES)
    except NotThrift as error:
        raise broken(f"The footer of the Parquet file is broken: {error}") from error
    if sum(len(group.chunks) for group in groups) > MOST_CHUNKS:
        raise broken(
            f"The row groups of the Parquet file have more than {MOST_CHUNKS} columns. Write larger row groups."
        )
    if any(min(group.bytes, group.rows, min(map(min, group.chunks), default=0)) < 0 for group in groups):
        raise broken("The footer of the Parquet file has sizes below 0.")
    for note in notes:
        see_note(note)
    return groups


def see_note(note: Struct) -> None:
    """See that a schema of Arrow, if it is that, is bounded; pyarrow reads it beside the file's own."""
    kind, key = note.get(KEY, (BINARY, b""))
    what, value = note.get(VALUE, (BINARY, b""))
    if (kind, what, key) == (BINARY, BINARY, ARROW_SCHEMA):
        try:
            data = binascii.a2b_base64(value)
        except binascii.Error as error:
            raise broken(f"The schema of Arrow in the Parquet file is broken: {error}") from error
        Ahead(io.BytesIO(data), len(data)).see_schema()


def footer_in(file: BinaryIO, size: int) -> bytes:
    """Return the footer of a file; an empty struct if it has none, which pyarrow tells better."""
    file.seek(-min(size, 8), os.SEEK_END)
    end = file.read()
    length = struct.unpack("<I", end[:4])[0] if end[4:] == MAGIC else size
    if MOST_FOOTER_BYTES < length < size:
        raise broken(f"The footer of the Parquet file has {length} bytes; {MOST_FOOTER_BYTES} are allowed.")
    file.seek(max(size - 8 - length, 0))
    footer = file.read(length) if length <= size - 8 else b"\0"
    file.seek(0)
    return footer


def unpacked_bytes(schema: Any, groups: Sequence[Group]) -> int:
    """Return how many bytes row groups have unpacked; elements of lists take some, even where their pages do not."""
    lists = {number for number in range(len(schema)) if schema.column(number).max_repetition_level}
    total = 0
    for group in groups:
        more = (
            max(chunk.values * CELL_BYTES - chunk.unpacked, 0)
            for number, chunk in enumerate(group.chunks)
            if number in lists
        )
        total += max(sum(chunk.unpacked for chunk in group.chunks), group.bytes) + sum(more)
    return total


def list_in(found: Struct, number: int) -> list[Any]:
    """Return a list of structs."""
    kind, value = found.get(number, (LIST, []))
    if kind != LIST:
        raise NotThrift(f"its field {number} is no list")
    return value or []


def chunk_of(found: Struct) -> Chunk:
    """Return a column of a row group."""
    kind, about = found.get(ABOUT, (None, {}))
    if kind != STRUCT or SEALED in found:
        raise NotThrift("a column of a row group says nothing, or is encrypted")
    values, unpacked, packed, data = (whole(about, number, I64) for number in (VALUES, UNPACKED, PACKED, DATA))
    return Chunk(values, unpacked, packed, data, whole(about, DICTIONARY, I64, 0))


def group_of(found: Struct) -> Group:
    """Return a row group."""
    return Group(list_in(found, COLUMNS), whole(found, GROUP_BYTES, I64), whole(found, GROUP_ROWS, I64))


NUMBERS: Final = dict.fromkeys((VALUES, UNPACKED, PACKED, DATA, DICTIONARY))
HISTOGRAMS: Final = Shape({2: I64, 3: I64})
#: What is kept, and what lists there are besides.
META: Final = Shape({**NUMBERS, 2: I32, 3: BINARY, 8: STRUCT, 13: STRUCT, 16: HISTOGRAMS, 17: Shape({2: I32})})
COLUMN: Final = Shape({ABOUT: META, SEALED: Shape({})}, chunk_of)
GROUP: Final = Shape({COLUMNS: COLUMN, GROUP_BYTES: None, GROUP_ROWS: None, 4: STRUCT}, group_of)
FOOTER: Final = Shape({ROW_GROUPS: GROUP, 2: STRUCT, 7: STRUCT, NOTES: Shape({KEY: bytes, VALUE: bytes})})
