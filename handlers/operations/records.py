"""Tables and lists of objects, read and written as the same thing: records, which hold values by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

from handlers.errors import OperationFailed
from handlers.operations.csvfile import Table, new_table, open_table
from handlers.operations.jsonlist import NewList, Record, open_list
from handlers.operations.values import AssetFile

NAMES: Final = 10_000  # most different names in one list


class Records(Protocol):
    """A file that is open for reading; iterate over it once."""

    name: str

    @property
    def line(self) -> int:
        """The line up to which it was read."""

    @property
    def read_bytes(self) -> int:
        """How much of it was read."""

    def __iter__(self) -> Iterator[Record]:
        """Give each record."""


class TableRecords:
    """The rows of a CSV file."""

    def __init__(self, table: Table) -> None:
        """Read *table*."""
        table.demand_distinct()
        self.name = table.name
        self.table = table

    @property
    def line(self) -> int:
        """The line on which the last row begins."""
        return self.table.line

    @property
    def read_bytes(self) -> int:
        """How much of it was read."""
        return self.table.read_bytes

    def __iter__(self) -> Iterator[Record]:
        """Give each row."""
        return (dict(zip(self.table.header, cells, strict=True)) for cells in self.table)


class Write(Protocol):
    """Writes a record and tells how many characters that took."""

    def __call__(self, record: Record) -> int:
        """Write *record*."""


def is_list(asset: AssetFile) -> bool:
    """Tell whether an asset is a JSON list: by its type or name, else by how it begins."""
    kind = asset.content_type.partition(";")[0].strip().lower()
    if kind in ("application/json", "text/csv"):
        return kind == "application/json"
    if asset.name.lower().endswith((".json", ".csv")):
        return asset.name.lower().endswith(".json")
    with asset.open() as file:
        return file.read(1024).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"["


@contextmanager
def open_records(asset: AssetFile) -> Iterator[Records]:
    """Open an asset for reading."""
    if is_list(asset):
        with open_list(asset) as objects:
            yield objects
    else:
        with open_table(asset) as table:
            yield TableRecords(table)


def names_of(asset: AssetFile) -> list[str]:
    """Return the names that the records of an asset have, in the order of their first appearance.

    Raises:
        OperationFailed: There are none, or very many.
    """
    with open_records(asset) as records:
        if isinstance(records, TableRecords):
            return records.table.header
        names: dict[str, None] = {}
        for record in records:
            names |= dict.fromkeys(record)
            if len(names) > NAMES:
                raise OperationFailed(f"The objects in {asset.name!r} have more than {NAMES} different names.")
    if not names:
        raise OperationFailed(f"The list in {asset.name!r} has no objects with members.")
    return list(names)


@contextmanager
def new_records(path: Path, header: Sequence[str] | None) -> Iterator[Write]:
    """Write a CSV file with the columns *header*, or a JSON list where there is None: give what writes a record."""
    if header is None:
        made = NewList(path)
        try:
            yield made.write
        finally:
            made.close()
        return
    with new_table(path, header) as write:
        yield lambda record: write([record.get(name, "") for name in header])
