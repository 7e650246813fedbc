"""Tables of Arrow and Parquet that come in: only the needed columns are read, a bounded part at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO, Final

from handlers.models import arrowahead, parquetfooter
from handlers.models.arrowahead import Ahead
from handlers.models.cells import NO_VALUE, is_cell, is_text, sizes_of, stay_one, values_of
from handlers.models.parquetfooter import MOST_LISTED, MOST_TEXT_BYTES, groups_of
from handlers.models.parquetpages import Pages
from handlers.models.pieces import PIECE_BYTES, Piece, Typed, broken, rows_at_a_time

COUNTED_BYTES: Final = 1 << 20  #: of an Arrow stream, up to which it is told at once what it has unpacked
MOST_AHEAD: Final = 1 << 16  #: bytes of a Parquet file that are read ahead for a column


class ArrowTable(Typed):
    """A stream of record batches."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        """Read the schema."""
        import pyarrow

        self._file, self._bytes = file, size
        self.rows: int | None = None  # each batch says how many it has
        Ahead(file, size).see_schema()
        self.size = arrowahead.unpacked_bytes(file, size) if size <= COUNTED_BYTES else size
        with told("Arrow stream"):
            self._stream = pyarrow.ipc.open_stream(file)
            self.columns = names_of(self._stream.schema)

    def pieces(self, wanted: Sequence[int]) -> Iterator[tuple[Piece, float]]:
        """Give the rows."""
        import pyarrow

        self._file.seek(0)
        before, ahead = 0, Ahead(self._file, self._bytes)
        with told("Arrow stream"):
            options = pyarrow.ipc.IpcReadOptions(included_fields=sorted(wanted), use_threads=False)
            stream = pyarrow.ipc.open_stream(self._file, options=options)
        while (batch := self._next(stream, ahead)) is not None:
            for piece in pieces_of(batch, arranged(wanted), [self.columns[place] for place in wanted], before):
                yield piece, min(self._file.tell() / max(self._bytes, 1), 1.0)
            before += batch.num_rows

    def _next(self, stream: Any, ahead: Ahead) -> Any:
        """Return the next batch, None at the end."""
        ahead.see_batch()  # since pyarrow makes room for whatever it says
        with told("Arrow stream"):
            try:
                batch = stream.read_next_batch()
            except StopIteration:
                return None
            batch.validate(full=True)  # a stranger's offsets may lead anywhere
            return batch


class ParquetTable(Typed):
    """A Parquet file."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        """Read what stands at its end."""
        self._file, self._bytes = file, size
        self._groups = groups_of(file, size)
        with told("Parquet file"):
            footer = self._opened()
            self._schema, self._leaves = footer.schema_arrow, footer.schema
            if footer.metadata.num_row_groups != len(self._groups):
                raise broken("Its row groups are read in two ways.")
            self.columns = names_of(self._schema)
            self.rows: int | None = max(footer.metadata.num_rows, sum(group.rows for group in self._groups))
            self.size = parquetfooter.unpacked_bytes(self._leaves, self._groups)

    def pieces(self, wanted: Sequence[int]) -> Iterator[tuple[Piece, float]]:
        """Give the rows."""
        before, names = 0, [self.columns[place] for place in wanted]
        distinct = len(set(self.columns)) == len(self.columns)
        some = names if distinct else None
        with told("Parquet file"):
            step = min(rows_at_a_time(wanted), self._see(some))
            file = self._opened(read_dictionary=self._texts(some), buffer_size=MOST_AHEAD, pre_buffer=False)
            batches = file.iter_batches(step, columns=some, use_threads=False)
        while (batch := self._next(batches)) is not None:
            places = [batch.schema.get_field_index(name) for name in names] if distinct else list(wanted)
            for piece in pieces_of(batch, places, names, before):
                before += len(piece)
                yield piece, min(before / (self.rows or 1), 1.0)

    def _opened(self, **more: Any) -> Any:
        """Return the file as Arrow reads it."""
        from pyarrow import parquet

        limits = {"thrift_container_size_limit": MOST_LISTED, "thrift_string_size_limit": MOST_TEXT_BYTES}
        return parquet.ParquetFile(self._file, **limits, **more)

    def _see(self, names: Sequence[str] | None) -> int:
        """See that the columns which are read for some names are bounded; return how many rows may be read at a time.

        A name stands for all columns in the file that begin with it and a point; None for all of them.
        """
        read = set(self.columns if names is None else names)
        for field in self._schema:
            if field.name in read and not is_cell(field.type):
                words = f"The column {field.name[:100]!r} has values of the type {str(field.type)[:100]}"
                raise broken(f"{words}, which are no cells of a table.")
        paths = [self._leaves.column(number).path for number in range(len(self._leaves))]
        leaves = [number for number, path in enumerate(paths) if names is None or read.intersection(starts(path))]
        kept = {field.name for field in self._schema if field.name in read and stay_one(field.type)}
        pages = Pages(self._file, self._bytes, self._leaves, self._groups)
        return pages.rows_at_a_time(leaves, {leaf for leaf in leaves if paths[leaf] in kept})

    def _texts(self, names: Sequence[str] | None) -> list[str]:
        """Return the columns whose equal texts stay one each until we know how long they are together."""
        read = set(self.columns if names is None else names)
        return [field.name for field in self._schema if field.name in read and is_text(field.type)]

    def _next(self, batches: Iterator[Any]) -> Any:
        """Return the next batch, None at the end."""
        with told("Parquet file"):
            return next(batches, None)


def starts(path: str) -> Iterator[str]:
    """Give the names that stand for a column of a Parquet file, whose parts have points between them."""
    for number, character in enumerate(path):
        if character == ".":
            yield path[:number]
    yield path


def arranged(wanted: Sequence[int]) -> list[int]:
    """Return where columns are once those that are not wanted are left out."""
    where = {place: number for number, place in enumerate(sorted(wanted))}
    return [where[place] for place in wanted]


def pieces_of(batch: Any, places: Sequence[int], names: Sequence[str], before: int) -> Iterator[Piece]:
    """Give the rows of a record batch, some at a time, so that they are not too large together.

    Args:
        batch: The batch.
        places: Those of the wanted columns in it.
        names: Of these columns.
        before: How many rows of the table came before.

    Raises:
        Unprocessable: A row is too large, or a value is none.
    """
    step = rows_at_a_time(places)
    for start in range(0, batch.num_rows, step):
        columns = [batch.column(place).slice(start, step) for place in places]
        count = min(step, batch.num_rows - start)
        first = 0
        for last in ends(columns, names, count, before + start):
            piece = [column.slice(first, last - first) for column in columns]
            yield rows_of(piece, names, last - first, before + start + first)
            first = last


def ends(columns: Sequence[Any], names: Sequence[str], count: int, before: int) -> Iterator[int]:
    """Give the numbers of rows at which a piece ends before it grows too large."""
    import numpy as np

    sizes = np.zeros(count, np.int64)
    for column, name in zip(columns, names, strict=True):
        with told(f"column {name[:100]!r}"):
            sizes += np.minimum(sizes_of(column), PIECE_BYTES + 1)
    if (sizes > PIECE_BYTES).any():
        raise broken(f"Row {before + int((sizes > PIECE_BYTES).argmax()) + 1} has more than {PIECE_BYTES} bytes.")
    taken = 0
    for number, size in enumerate(sizes.tolist()):
        if taken + size > PIECE_BYTES:
            yield number
            taken = 0
        taken += size
    yield count


def rows_of(columns: Sequence[Any], names: Sequence[str], count: int, before: int) -> Piece:
    """Return the rows of columns that have *count* values each and follow *before* others.

    Raises:
        Unprocessable: A value is none.
    """
    if not columns:
        return [()] * count
    values = [values_of(column, name, before) for column, name in zip(columns, names, strict=True)]
    return list(zip(*values, strict=True))


def names_of(schema: Any) -> list[str]:
    """Return the names of the columns.

    Raises:
        UnicodeDecodeError: One is no UTF-8.
    """
    return [field.name for field in schema]


@contextmanager
def told(what: str) -> Iterator[None]:
    """Say in our words what Arrow says of a table that is broken.

    Raises:
        Unprocessable: It does.
    """
    import pyarrow

    try:
        yield
    except (pyarrow.ArrowException, OSError, IndexError, *NO_VALUE) as error:
        raise broken(f"The {what} is broken: {error}") from error
