"""CSV files: read row by row, so that a file of any length takes no more memory than its longest row.

What is wrong with a file is said with the line. Cells are separated by commas and may be quoted (RFC 4180); the text is
UTF-8, with or without a byte order mark. The first line names the columns; a blank line is no row.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from handlers.errors import OperationFailed
from handlers.operations.values import AssetFile

ROW_BYTES: Final = 4 << 20  # longest row; a quotation mark that is never closed ends here too

WriteRow = Callable[[Iterable[object]], int]  #: returns how many characters that took


class Table:
    """A CSV file that is open for reading; iterate over it once."""

    def __init__(self, name: str, file: BinaryIO) -> None:
        """Read the header of the asset called *name*.

        Raises:
            OperationFailed: There is none.
        """
        self.name = name
        self.line = 1  #: where the row that was read last begins, from 1
        self._lines = Lines(file)
        self._rows = csv.reader(self._lines, strict=True)
        self.header = self._next() or []  #: the names of the columns
        if not self.header:
            raise OperationFailed(f"The asset {name!r} has no header: its first line has to name the columns.")

    @property
    def read_bytes(self) -> int:
        """How much of the file was read."""
        return self._lines.read_bytes

    def __iter__(self) -> Iterator[list[str]]:
        """Give the cells of each row, as many as the header has.

        Raises:
            OperationFailed: A row has more or fewer, or the file is no CSV; the detail names the line.
        """
        while (cells := self._next()) is not None:
            if cells and len(cells) != len(self.header):
                raise OperationFailed(
                    f"Line {self.line} of {self.name!r} has {len(cells)} cells; the header has {len(self.header)}."
                )
            if cells:
                yield cells

    def demand_distinct(self) -> None:
        """Refuse a header that gives two columns the same name.

        Raises:
            OperationFailed: It does.
        """
        if twice := first_twice(self.header):
            raise OperationFailed(f"Each column of {self.name!r} needs a different name; {twice!r} is there twice.")

    def _next(self) -> list[str] | None:
        """Return the cells of the next line that is not part of a row before; None at the end."""
        self.line = self._rows.line_num + 1
        self._lines.begin_row()
        try:
            return next(self._rows, None)
        except (csv.Error, UnicodeDecodeError) as error:
            raise OperationFailed(
                f"The asset {self.name!r} is no CSV in UTF-8. The row that begins on line {self.line}: {error}."
            ) from error


class Lines:
    """The lines of a file as text, none of them and no row longer than `ROW_BYTES`."""

    def __init__(self, file: BinaryIO) -> None:
        """Read *file* from its beginning, the byte order mark left out."""
        self._file = file
        self.read_bytes = 0
        self._row_bytes = 0
        if file.read(len(codecs.BOM_UTF8)) != codecs.BOM_UTF8:
            file.seek(0)

    def begin_row(self) -> None:
        """Note that what comes next belongs to another row."""
        self._row_bytes = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        """Return the next line.

        Raises:
            csv.Error: The row is too long.
            UnicodeDecodeError: It is not UTF-8.
        """
        data = self._file.readline(ROW_BYTES + 1)
        self.read_bytes += len(data)
        self._row_bytes += len(data)
        if self._row_bytes > ROW_BYTES:
            raise csv.Error(f"it is longer than {ROW_BYTES} bytes; is a quotation mark missing?")
        if not data:
            raise StopIteration
        return data.decode()


@contextmanager
def open_table(asset: AssetFile) -> Iterator[Table]:
    """Open a CSV asset for reading.

    Raises:
        OperationFailed: It has no header.
    """
    with asset.open() as file:
        yield Table(asset.name, file)


@contextmanager
def new_table(path: Path, header: Sequence[str]) -> Iterator[WriteRow]:
    """Write a CSV file: give what writes a row."""
    with path.open("w", newline="", encoding="utf-8") as file:
        write: WriteRow = csv.writer(file, lineterminator="\n").writerow
        write(header)
        yield write


def first_twice(names: Sequence[str]) -> str | None:
    """Return the first name that was there before; None if all are different."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def listed(names: Sequence[str]) -> str:
    """Return some names in words, for those who look for one that is not among them."""
    return ", ".join(names[:20]) + (", …" if len(names) > 20 else "")


def number(text: str, line: int, column: str) -> float:
    """Return a cell as a finite number.

    Raises:
        OperationFailed: It is none; the detail names line and column.
    """
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if value - value != 0:  # neither NaN nor an infinity has a difference of zero to itself
        raise OperationFailed(f"Line {line}, column {column!r}: {text[:40]!r} is no finite number.")
    return value
