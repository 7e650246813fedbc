"""Tables that come in, read piece by piece: CSV and lists of JSON objects; those of Arrow are in `columnar`."""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from email.message import Message
from typing import Any, BinaryIO, Final, Protocol

import orjson

from handlers.errors import MediaTypeUnsupported
from handlers.models.columnar import ArrowTable, ParquetTable
from handlers.models.guessing import kinds_in
from handlers.models.pieces import Piece, Typed, broken, rows_at_a_time
from handlers.models.writing import TYPES

LONGEST_FIELD: Final = 1 << 20  #: characters of a field of CSV
MOST_COLUMNS: Final = 10_000
KINDS: Final = {media: kind for kind, media in TYPES.items()}
UTF8: Final = ("utf-8", "utf8", "us-ascii", "ascii")  #: names of charsets that UTF-8 reads
COUNTED_BYTES: Final = 1 << 20  #: of CSV, up to which its lines are counted before they are read


class Table(Protocol):
    """A table that is being read."""

    columns: Sequence[str]
    rows: int | None  #: no more than these, as far as it can be told without reading them
    size: int  #: bytes that it has once it is unpacked, as far as it can be told

    def kinds(self, wanted: Sequence[int]) -> Sequence[str | None]:
        """Return the type that all values of each of these columns have; None: a value has a type of its own.

        Raises:
            Unprocessable: It is broken; the words say where.
        """

    def pieces(self, wanted: Sequence[int]) -> Iterator[tuple[Piece, float]]:
        """Give the rows, some at a time, and with them how much of the table is read then, from 0 to 1.

        Args:
            wanted: The places of the columns that are needed; a row has their values alone, in this order.

        Raises:
            Unprocessable: It is broken; the words say where.
        """


def read_table(file: BinaryIO, kind: str) -> Table:
    """Return the table in a file, which is read as its rows are asked for.

    Args:
        file: Open at its beginning; it can be sought in.
        kind: `csv`, `arrow`, `parquet` or `json`.

    Raises:
        Unprocessable: It is no such table.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    found: Table = READERS[kind](file, size)
    nothing = kind == "json" and not found.rows
    if not (found.columns or nothing) or len(found.columns) > MOST_COLUMNS:
        raise broken(f"A table has from 1 to {MOST_COLUMNS} columns.")
    return found


def kind_of(content_type: str) -> str:
    """Return the format of a table by the content type of its body; CSV where there is none.

    Raises:
        MediaTypeUnsupported: It is CSV in another charset than UTF-8.
    """
    header = Message()
    header["Content-Type"] = content_type
    kind = KINDS.get(header.get_content_type(), "csv")
    charset = header.get_content_charset("utf-8")
    if kind == "csv" and charset not in UTF8:
        raise MediaTypeUnsupported(f"The charset of CSV may be UTF-8 only, and not {charset[:50]}.")
    return kind


class CsvTable:
    """CSV as RFC 4180 describes it, the names in the first line; an empty field is no value."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        """Read the first line of a file of *size* bytes."""
        self._file, self.size = file, size
        self.rows = lines_in(file) if size <= COUNTED_BYTES else None
        csv.field_size_limit(LONGEST_FIELD)
        self._text: io.TextIOWrapper | None = None
        self.columns = self._begin()
        if twice := first_twice(self.columns):
            raise broken(f"Two columns are called {twice[:100]!r}.")

    def kinds(self, wanted: Sequence[int]) -> list[str | None]:
        """Return what all values of each of these columns are, for which the whole table is read."""
        if not wanted:
            return []
        found: list[str | None] = [*kinds_in(self._rows(wanted), len(wanted))]
        self._begin()
        return found

    def pieces(self, wanted: Sequence[int]) -> Iterator[tuple[Piece, float]]:
        """Give the rows."""
        piece: Piece = []
        most = rows_at_a_time(wanted)
        for row in self._rows(wanted):
            piece.append(row)
            if len(piece) == most:
                yield piece, min(self._file.tell() / self.size, 1.0)
                piece = []
        yield piece, 1.0

    def _rows(self, wanted: Sequence[int]) -> Iterator[tuple[str | None, ...]]:
        """Give what each line has in these columns."""
        width = len(self.columns)
        for row in self._read():
            if len(row) != width:
                if not row:
                    continue  # an empty line
                raise broken(f"Line {self._lines.line_num} has {len(row)} fields, and the first one {width}.")
            yield tuple(row[place] or None for place in wanted)

    def _begin(self) -> list[str]:
        """Go to the beginning, and return the first line."""
        if self._text is not None:
            self._text.detach()  # which would close the file once it is forgotten
        self._file.seek(0)
        self._text = io.TextIOWrapper(self._file, "utf-8-sig", newline="")
        self._lines = csv.reader(self._text, strict=True)
        return next(self._read(), [])

    def _read(self) -> Iterator[list[str]]:
        """Give the lines."""
        try:
            yield from self._lines
        except csv.Error as error:
            raise broken(f"Line {self._lines.line_num} is no CSV: {error}") from error
        except UnicodeDecodeError as error:  # the lines of a whole block are decoded before any is counted
            raise broken(f"Behind line {self._lines.line_num} it is no CSV in UTF-8: {error}") from error


class JsonTable(Typed):
    """A list of objects; the columns are the members of all of them."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        """Read it all; the body is bounded."""
        try:
            self._rows = orjson.loads(file.read())
        except orjson.JSONDecodeError as error:
            raise broken(f"It is no JSON: {error}") from error
        if not isinstance(self._rows, list) or not all(isinstance(row, dict) for row in self._rows):
            raise broken("It is no list of objects.")
        self.columns = list(dict.fromkeys(name for row in self._rows for name in row))
        self.rows, self.size = len(self._rows), size

    def pieces(self, wanted: Sequence[int]) -> Iterator[tuple[Piece, float]]:
        """Give the rows."""
        names, step = [self.columns[place] for place in wanted], rows_at_a_time(wanted)
        for start in range(0, len(self._rows), step):
            piece = self._rows[start : start + step]
            yield [tuple(row.get(name) for name in names) for row in piece], (start + len(piece)) / len(self._rows)


def lines_in(file: BinaryIO) -> int:
    """Return how many lines a small file has, which is no less than its rows."""
    data = file.read()
    file.seek(0)
    return max(data.count(b"\n"), data.count(b"\r")) + 1


def first_twice(names: Sequence[str]) -> str | None:
    """Return a name that is there twice, if there is one; an empty one is none."""
    return next((name for name, times in Counter(filter(None, names)).items() if times > 1), None)


READERS: Final[dict[str, Any]] = {"csv": CsvTable, "json": JsonTable, "arrow": ArrowTable, "parquet": ParquetTable}
