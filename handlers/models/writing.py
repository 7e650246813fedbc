"""Tables that go out, written piece by piece: CSV, Arrow, Parquet, lists of JSON objects."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import orjson

from handlers.errors import Unprocessable

TYPES: Final = {
    "csv": "text/csv",
    "json": "application/json",
    "arrow": "application/vnd.apache.arrow.stream",
    "parquet": "application/vnd.apache.parquet",
}

Row = dict[str, Any]


class Writer(Protocol):
    """Writes rows, the first of which say what the columns are."""

    def write(self, rows: Sequence[Row]) -> None:
        """Write rows."""

    def close(self) -> None:
        """Write what comes last."""


def open_writer(path: Path, kind: str, names: Callable[[], Sequence[str]]) -> Writer:
    """Return what writes a table of a kind to a file; *names* gives those of its columns where there is no row."""
    if kind == "csv":
        return CsvWriter(path, names)
    return JsonWriter(path) if kind == "json" else ArrowWriter(path, kind)


def columns(result: Mapping[str, Any]) -> Row:
    """Return a result as a row: a list becomes a column for each of its values."""
    row: Row = {}
    for name, value in result.items():
        if isinstance(value, list):
            row |= {f"{name}_{number}": one for number, one in enumerate(value)}
        else:
            row[name] = value
    return row


class CsvWriter:
    """CSV, the names in the first line."""

    def __init__(self, path: Path, names: Callable[[], Sequence[str]]) -> None:
        """Write to *path*."""
        self._file, self._names = path.open("w", encoding="utf-8", newline=""), names
        self._writer: csv.DictWriter[str] | None = None

    def write(self, rows: Sequence[Row]) -> None:
        """Write rows; a column that the first did not have is left out."""
        if self._writer is None and rows:
            self._writer = csv.DictWriter(self._file, list(rows[0]), extrasaction="ignore", lineterminator="\n")
            self._writer.writeheader()
        if self._writer is not None:
            self._writer.writerows(rows)

    def close(self) -> None:
        """End it."""
        if self._writer is None:
            csv.writer(self._file, lineterminator="\n").writerow(self._names())
        self._file.close()


class JsonWriter:
    """A list of objects."""

    def __init__(self, path: Path) -> None:
        """Write to *path*."""
        self._file = path.open("wb")
        self._file.write(b"[")
        self._begun = False

    def write(self, rows: Sequence[Row]) -> None:
        """Write rows."""
        for row in rows:
            self._file.write((b",\n" if self._begun else b"") + orjson.dumps(row))
            self._begun = True

    def close(self) -> None:
        """End it."""
        self._file.write(b"]")
        self._file.close()


class ArrowWriter:
    """A stream of record batches, or a Parquet file; the first rows say what types the columns have."""

    def __init__(self, path: Path, kind: str) -> None:
        """Write to *path*."""
        self._path, self._kind = path, kind
        self._writer: Any = None
        self._schema: Any = None

    def write(self, rows: Sequence[Row]) -> None:
        """Write rows.

        Raises:
            Unprocessable: A column has another type than before.
        """
        import pyarrow

        if not rows:
            return
        if self._writer is None:
            self._begin(pyarrow.Table.from_pylist(list(rows)).schema)
        try:
            table = pyarrow.Table.from_pylist(list(rows), schema=self._schema)
        except (pyarrow.ArrowException, ValueError, TypeError) as error:
            words = f"The predictions do not have one type each, so that they make no {self._kind}: {error}"
            raise Unprocessable(words[:2000]) from error
        self._writer.write_table(table)

    def close(self) -> None:
        """End it; where there was no row, there is no column either."""
        if self._writer is None:
            import pyarrow

            self._begin(pyarrow.schema([]))
        self._writer.close()

    def _begin(self, schema: Any) -> None:
        """Begin the file."""
        import pyarrow
        from pyarrow import parquet

        # A column whose first values are all absent may hold numbers later on.
        fields = [field.with_type(pyarrow.float64()) if field.type == pyarrow.null() else field for field in schema]
        self._schema = pyarrow.schema(fields)
        if self._kind == "parquet":
            self._writer = parquet.ParquetWriter(self._path, self._schema)
        else:
            self._writer = pyarrow.ipc.new_stream(self._path, self._schema)
