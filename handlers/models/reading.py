"""Tables that come in, read piece by piece: CSV, Arrow, Parquet, lists of JSON objects."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, Final, Protocol

import orjson

from handlers.errors import Fault, Unprocessable

PIECE_ROWS: Final = 4096
LONGEST_FIELD: Final = 1 << 20  #: characters of a field of CSV
MOST_COLUMNS: Final = 10_000

Piece = list[tuple[Any, ...]]


class Table(Protocol):
    """A table that is being read."""

    columns: Sequence[str]

    def pieces(self) -> Iterator[tuple[Piece, float]]:
        """Give the rows, some at a time, and with them how much of the table is read then, from 0 to 1.

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
    if not found.columns or len(found.columns) > MOST_COLUMNS:
        raise broken(f"A table has from 1 to {MOST_COLUMNS} columns.")
    return found


class CsvTable:
    """CSV as RFC 4180 describes it, the names in the first line; an empty field is no value."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        """Read the first line of a file of *size* bytes."""
        self._file, self._size = file, max(size, 1)
        csv.field_size_limit(LONGEST_FIELD)
        self._lines = csv.reader(io.TextIOWrapper(file, "utf-8-sig", newline=""), strict=True)
        self.columns = next(self._read(), [])

    def pieces(self) -> Iterator[tuple[Piece, float]]:
        """Give the rows."""
        piece: Piece = []
        width = len(self.columns)
        for row in self._read():
            if len(row) != width:
                if not row:
                    continue  # an empty line
                raise broken(f"Line {self._lines.line_num} has {len(row)} fields, and the first one {width}.")
            piece.append(tuple(field if field else None for field in row))
            if len(piece) == PIECE_ROWS:
                yield piece, min(self._file.tell() / self._size, 1.0)
                piece = []
        yield piece, 1.0

    def _read(self) -> Iterator[list[str]]:
        """Give the lines."""
        try:
            yield from self._lines
        except (csv.Error, UnicodeDecodeError) as error:
            raise broken(f"Line {self._lines.line_num + 1} is no CSV in UTF-8: {error}") from error


class JsonTable:
    """A list of objects; the columns are the members of the first."""

    def __init__(self, file: BinaryIO, _size: int) -> None:
        """Read it all; the body is bounded."""
        try:
            self._rows = orjson.loads(file.read())
        except orjson.JSONDecodeError as error:
            raise broken(f"It is no JSON: {error}") from error
        if not isinstance(self._rows, list) or not all(isinstance(row, dict) for row in self._rows):
            raise broken("It is no list of objects.")
        self.columns = list(dict.fromkeys(name for row in self._rows for name in row))

    def pieces(self) -> Iterator[tuple[Piece, float]]:
        """Give the rows."""
        for start in range(0, len(self._rows), PIECE_ROWS):
            piece = self._rows[start : start + PIECE_ROWS]
            done = (start + len(piece)) / len(self._rows)
            yield [tuple(row.get(name) for name in self.columns) for row in piece], done


class ArrowTable:
    """A stream of record batches."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        """Read the schema."""
        import pyarrow

        self._file, self._size, self._error = file, max(size, 1), pyarrow.ArrowException
        try:
            self._stream = pyarrow.ipc.open_stream(file)
        except (pyarrow.ArrowException, OSError) as error:
            raise broken(f"It is no Arrow stream: {error}") from error
        self.columns = list(self._stream.schema.names)

    def pieces(self) -> Iterator[tuple[Piece, float]]:
        """Give the rows."""
        try:
            for batch in self._stream:
                for start in range(0, batch.num_rows, PIECE_ROWS):
                    yield rows_of(batch.slice(start, PIECE_ROWS)), min(self._file.tell() / self._size, 1.0)
        except (self._error, OSError) as error:
            raise broken(f"The Arrow stream is broken: {error}") from error


class ParquetTable:
    """A Parquet file."""

    def __init__(self, file: BinaryIO, _size: int) -> None:
        """Read what stands at its end."""
        import pyarrow
        from pyarrow import parquet

        self._error = pyarrow.ArrowException
        try:
            self._file = parquet.ParquetFile(file)
        except (pyarrow.ArrowException, OSError) as error:
            raise broken(f"It is no Parquet file: {error}") from error
        self.columns = list(self._file.schema_arrow.names)

    def pieces(self) -> Iterator[tuple[Piece, float]]:
        """Give the rows."""
        total, read = max(self._file.metadata.num_rows, 1), 0
        try:
            for batch in self._file.iter_batches(batch_size=PIECE_ROWS):
                read += batch.num_rows
                yield rows_of(batch), min(read / total, 1.0)
        except (self._error, OSError) as error:
            raise broken(f"The Parquet file is broken: {error}") from error


def rows_of(batch: Any) -> Piece:
    """Return the rows of a record batch."""
    return list(zip(*(column.to_pylist() for column in batch.columns), strict=True))


def broken(words: str) -> Unprocessable:
    """Return the error for a table that cannot be read."""
    return Unprocessable(f"The table cannot be read. {words}"[:2000], faults=[Fault("body", "", words[:2000])])


READERS: Final[dict[str, Any]] = {"csv": CsvTable, "json": JsonTable, "arrow": ArrowTable, "parquet": ParquetTable}
