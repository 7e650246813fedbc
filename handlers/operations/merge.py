"""The operation `merge`: two assets in, their rows joined by a column that both have out.

The right asset is put into a database beside the outcome and the left one is streamed, so that memory is bounded
whatever their sizes.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from handlers.errors import Fault, InputInvalid, OperationFailed
from handlers.operations.csvfile import first_twice, listed
from handlers.operations.jsonlist import Record
from handlers.operations.progress import Progress
from handlers.operations.records import Records, Write, is_list, names_of, new_records, open_records
from handlers.operations.values import SILENCE, AssetFile, NewAsset, Report

OUTPUT_CHARACTERS: Final = 1 << 30  # rows that match many others may make a small table a very large one


def run(
    left: AssetFile,
    right: AssetFile,
    key: str,
    *,
    right_key: str | None = None,
    how: str = "inner",
    suffix: str = "_right",
    directory: Path,
    report: Report = SILENCE,
) -> dict[str, Any]:
    """Join two tables: each row of the left one with every row of the right one that has the same key.

    Args:
        left: CSV with a header line or a JSON list of objects, UTF-8; the order of its rows is kept.
        right: The same; the outcome is CSV where both are, else JSON.
        key: Name of the column of the key.
        right_key: Its name in the right asset, where that is another; it does not appear in the outcome.
        how: `inner` leaves out the rows of the left asset without a partner, `left` keeps them.
        suffix: Put after the name of a column of the right asset where the left one has one of that name.
        directory: Where the files are written.
        report: Told how far it has come.

    Raises:
        InputInvalid: An asset has no such column, or the suffix does not tell the columns apart.
        OperationFailed: An asset cannot be read (the detail names the line), or the outcome is too large.
    """
    report(0, "looking at the columns")
    columns, others = names_of(left), names_of(right)
    demand(key, columns, "key", left)
    demand(right_key or key, others, "right_key" if right_key else "key", right)
    names = renamed([name for name in others if name != (right_key or key)], columns, suffix)
    as_list = is_list(left) or is_list(right)
    path = directory / ("joined.json" if as_list else "joined.csv")
    header = None if as_list else [*columns, *names.values()]
    with closing(Lookup(directory / "right.sqlite")) as lookup, new_records(path, header) as write:
        try:
            with open_records(right) as records:
                lookup.fill(records, right_key or key, names, Progress(report, right.size, begin=5, end=50))
            with open_records(left) as records:
                join = Join(records, key, lookup, keep=how == "left")
                join.write(write, Progress(report, left.size, begin=50))
        except UnicodeEncodeError as error:
            raise OperationFailed("A text has half of a surrogate pair in it: no UTF-8.") from error
    report(100, f"{join.matched} of {join.rows} rows matched")
    name = f"{Path(left.name).stem}-{Path(right.name).stem}{path.suffix}"
    return {
        "joined_dataset": NewAsset(path=path, name=name),
        "rows": join.written,
        "left_rows": join.rows,
        "right_rows": lookup.rows,
        "matched_rows": join.matched,
    }


class Join:
    """A join that is under way."""

    def __init__(self, left: Records, key: str, lookup: Lookup, *, keep: bool) -> None:
        """Join *left* with what *lookup* holds; *keep* the rows that have no partner too."""
        self.left = left
        self.key = key
        self.lookup = lookup
        self.keep = keep
        self.rows = 0
        self.matched = 0  #: rows that have at least one partner
        self.written = 0

    def write(self, write: Write, progress: Progress) -> None:
        """Write all joined rows.

        Raises:
            OperationFailed: There are more than `OUTPUT_CHARACTERS` of them.
        """
        characters = 0
        for record in self.joined():
            characters += write(record)
            self.written += 1
            if characters > OUTPUT_CHARACTERS:
                raise OperationFailed(f"The outcome has more than {OUTPUT_CHARACTERS} bytes.")
            progress(self.left.read_bytes, f"{self.matched} of {self.rows} rows matched")

    def joined(self) -> Iterator[Record]:
        """Give the joined rows."""
        for record in self.left:
            self.rows += 1
            partners = self.lookup.find(key_of(record, self.key, self.left))
            first = next(partners, None)
            if first is not None:
                self.matched += 1
                yield {**record, **first}
                yield from ({**record, **partner} for partner in partners)
            elif self.keep:
                yield record


class Lookup:
    """The rows of the right asset, found by their keys; kept on disk."""

    def __init__(self, path: Path) -> None:
        """Keep them in a new file at *path*; it need not survive anything."""
        self.rows = 0
        self._connection = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode=OFF", "synchronous=OFF"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.execute("CREATE TABLE rows (key TEXT, row TEXT)")

    def fill(self, records: Records, key: str, names: Mapping[str, str], progress: Progress) -> None:
        """Take the rows of *records*, their columns called what *names* says."""

        def rows() -> Iterator[tuple[str | None, str]]:
            for record in records:
                self.rows += 1
                progress(records.read_bytes, f"{self.rows} rows on the right")
                found = {names[name]: value for name, value in record.items() if name in names}
                yield key_of(record, key, records), json.dumps(found)

        self._connection.execute("BEGIN")
        self._connection.executemany("INSERT INTO rows VALUES (?, ?)", rows())
        self._connection.execute("CREATE INDEX by_key ON rows (key)")
        self._connection.execute("COMMIT")

    def find(self, key: str | None) -> Iterator[Record]:
        """Give the rows with this key, in their order; none where there is no key."""
        for (row,) in self._connection.execute("SELECT row FROM rows WHERE key = ? ORDER BY rowid", (key,)):
            yield json.loads(row)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def key_of(record: Record, key: str, records: Records) -> str | None:
    """Return the key of a row as a text, in which form keys are compared; None: it has none.

    Raises:
        OperationFailed: It is neither a text nor a number.
    """
    match record.get(key):
        case None | "":
            return None
        case str() as text:
            return text
        case bool() | list() | dict():
            raise OperationFailed(f"Line {records.line} of {records.name!r}: {key!r} is neither a text nor a number.")
        case found:
            return str(found)


def demand(key: str, names: Sequence[str], place: str, asset: AssetFile) -> None:
    """Refuse a key that an asset does not have.

    Raises:
        InputInvalid: It has no such column.
    """
    if key not in names:
        detail = f"The asset {asset.name!r} has no column {key!r} among {listed(names)}."
        raise InputInvalid(faults=[Fault("body", f"/{place}", detail)])


def renamed(names: Sequence[str], taken: Sequence[str], suffix: str) -> dict[str, str]:
    """Return what the columns *names* are called beside the columns *taken*.

    Raises:
        InputInvalid: The suffix does not make them different.
    """
    left = set(taken)
    new = {name: name + suffix if name in left else name for name in names}
    if twice := first_twice([*taken, *new.values()]):
        detail = f"There would be two columns {twice!r}; another suffix tells them apart."
        raise InputInvalid(faults=[Fault("body", "/suffix", detail)])
    return new
