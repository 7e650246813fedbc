"""Tables as JSON lines, the same for every database: a table that one has written, another can read.

The first line of a table names its columns and their kinds; each further line is a row. The tables are looked up in the
database itself and not in our models, so that those of an older revision can be written and read too.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Connection,
    DateTime,
    Float,
    Insert,
    Integer,
    LargeBinary,
    String,
    Text,
    bindparam,
    cast,
    column,
    insert,
    inspect,
    select,
    table,
    text,
)
from sqlalchemy.types import TypeEngine

from handlers.storage.sql import Instant

ROWS: Final = 1000  # that are read or written at once

Encode = Callable[[Any], Any]


class DumpError(Exception):
    """A table cannot be written or read; nothing was changed."""


def same(value: Any) -> Any:
    """Return *value*."""
    return value


@dataclass(frozen=True)
class Kind:
    """What a column holds, and how that is written in JSON."""

    matches: tuple[type[TypeEngine[Any]], ...]  #: types that a database may say the column has
    type: TypeEngine[Any]  #: by which it is read and written
    encode: Encode = same
    decode: Encode = same


#: The first that matches counts. JSON is kept as the text that it is, so that null and no value stay two things.
KINDS: Final[Mapping[str, Kind]] = {
    "json": Kind((JSON,), Text()),
    "time": Kind((DateTime, Instant), Instant(), datetime.isoformat, datetime.fromisoformat),
    "boolean": Kind((Boolean,), Boolean()),
    "integer": Kind((Integer,), BigInteger()),
    "number": Kind((Float,), Float()),
    "bytes": Kind((LargeBinary,), LargeBinary(), lambda data: base64.b64encode(data).decode(), base64.b64decode),
    "text": Kind((String,), Text()),
}


@dataclass(frozen=True)
class Shape:
    """A table: its name, and the kinds of its columns by their names."""

    name: str
    columns: Mapping[str, str]

    def header(self) -> bytes:
        """Return the first line."""
        return json.dumps({"columns": self.columns}).encode() + b"\n"


def shape_of(name: str, header: bytes) -> Shape:
    """Return the table that a first line describes.

    Raises:
        DumpError: It describes none that we know how to read.
    """
    try:
        columns = dict(json.loads(header)["columns"])
    except (ValueError, KeyError, TypeError) as error:
        raise DumpError(f"The first line of the table {name} does not name its columns.") from error
    if unknown := sorted(set(columns.values()) - KINDS.keys()):
        raise DumpError(f"The table {name} has columns of the unknown kind {unknown[0]}.")
    return Shape(name, columns)


def shapes(connection: Connection, names: Collection[str]) -> list[Shape]:
    """Return those of the tables *names* that are there, each after those that it refers to."""
    inspector = inspect(connection)
    ordered = [name for name, _ in inspector.get_sorted_table_and_fkc_names() if name in names]
    return [Shape(name, {c["name"]: kind_of(name, c) for c in inspector.get_columns(name)}) for name in ordered if name]


def kind_of(name: str, about: Mapping[str, Any]) -> str:
    """Return the kind of a column.

    Raises:
        DumpError: It is of no kind that can be written.
    """
    for kind, known in KINDS.items():
        if isinstance(about["type"], known.matches):
            return kind
    raise DumpError(f"The column {about['name']} of the table {name} has the unknown type {about['type']!r}.")


def rows(connection: Connection, shape: Shape) -> Iterator[bytes]:
    """Give a line for each row."""
    kinds = [KINDS[kind] for kind in shape.columns.values()]
    found = [column(name, kind.type) for name, kind in zip(shape.columns, kinds, strict=True)]
    # A driver would parse JSON by itself.
    read = [cast(one, Text) if kind is KINDS["json"] else one for one, kind in zip(found, kinds, strict=True)]
    wanted = select(*read).select_from(table(shape.name, *found))
    for row in connection.execute(wanted, execution_options={"yield_per": ROWS}):
        values = [None if value is None else kind.encode(value) for value, kind in zip(row, kinds, strict=True)]
        yield json.dumps(values, separators=(",", ":")).encode() + b"\n"


def load(connection: Connection, shape: Shape, lines: Iterable[bytes]) -> int:
    """Store the rows in the table, which is there and empty; return how many.

    Raises:
        DumpError: A line is no row of this table.
    """
    stored, statement = 0, insertion(connection, shape)
    decoded = (row_of(shape, number, line) for number, line in enumerate(lines, 2))
    while batch := list(islice(decoded, ROWS)):
        connection.execute(statement, batch)
        stored += len(batch)
    advance_sequences(connection, shape)
    return stored


def insertion(connection: Connection, shape: Shape) -> Insert:
    """Return the statement that stores a row; the values are called v0, v1 and so on."""
    binds: dict[str, Any] = {}
    for number, (name, kind) in enumerate(shape.columns.items()):
        value = bindparam(f"v{number}", type_=KINDS[kind].type)
        as_json = kind == "json" and connection.dialect.name == "postgresql"
        binds[name] = cast(value, JSON) if as_json else value
    return insert(table(shape.name, *(column(name) for name in binds))).values(binds)


def row_of(shape: Shape, number: int, line: bytes) -> dict[str, Any]:
    """Return a line as the values of `insertion`."""
    try:
        values: Sequence[Any] = json.loads(line)
        kinds = [KINDS[kind] for kind in shape.columns.values()]
        return {
            f"v{index}": None if value is None else kind.decode(value)
            for index, (value, kind) in enumerate(zip(values, kinds, strict=True))
        }
    except (ValueError, TypeError) as error:
        raise DumpError(f"Line {number} of the table {shape.name} is no row of it.") from error


def advance_sequences(connection: Connection, shape: Shape) -> None:
    """Let PostgreSQL count on after the rows that were stored; SQLite does so by itself."""
    if connection.dialect.name != "postgresql":
        return
    quote = connection.dialect.identifier_preparer.quote
    for name, kind in shape.columns.items():
        place = {"table": quote(shape.name), "column": name}
        found = connection.execute(text("SELECT pg_get_serial_sequence(:table, :column)"), place).scalar_one()
        if kind == "integer" and found:
            following = f"SELECT coalesce(max({quote(name)}), 0) + 1 FROM {quote(shape.name)}"  # noqa: S608 - quoted
            connection.execute(text(f"SELECT setval(:sequence, ({following}), false)"), {"sequence": found})
