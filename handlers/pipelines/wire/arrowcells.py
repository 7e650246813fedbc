"""Columns of Arrow as the cells of records.

Numbers, booleans, texts and bytes are what they are in Python, decimals are floats, and null is None. Dates and times
are whole numbers of milliseconds since 1970 in UTC, times of a day and durations whole numbers of milliseconds: so
DataVec has its columns of the type Time, also where it reads Arrow. A list of any of these but texts and bytes is an
array, of as many axes as lists are nested; null in a list of floats is NaN. Lists of texts are lists, and so are those
of words of a dictionary.
"""

from __future__ import annotations

from typing import Any, Final

import numpy
import pyarrow
from pyarrow import compute, types

from handlers.pipelines.faults import Refused
from handlers.pipelines.values import Array, Records
from handlers.pipelines.wire.arrowlists import arrays_of, is_list, lists_of, peeled

MOST_SLOTS: Final = 1 << 24  #: of memory, each of about 32 bytes
ROW_SLOTS: Final = 6  #: that a record takes without its cells
MOST_TEXT_BYTES: Final = 1 << 27  #: of a column whose texts may lie in the same bytes
MILLISECONDS: Final = 86_400_000  #: of a day


def records_of(batch: pyarrow.RecordBatch, size: int) -> Records:
    """Return the rows of a record batch that is valid.

    Args:
        batch: The rows.
        size: Bytes that they came in; a row of which nothing came takes memory all the same.

    Raises:
        Refused: Two columns have one name, a column is of a type that is not read, or they need too much memory.
    """
    names = batch.schema.names
    if len(set(names)) < len(names):
        raise Refused("Two columns have the same name.")
    held = 8 * max(size, batch.get_total_buffer_size())  # a boolean has one bit
    if batch.num_rows > held or batch.num_rows * (len(names) + ROW_SLOTS) > MOST_SLOTS:
        raise Refused(f"It has {batch.num_rows} rows of {len(names)} columns, which are too many at once.")
    columns = [cells(column, name) for name, column in zip(names, batch.columns, strict=True)]
    if not columns:
        return [{} for _ in range(batch.num_rows)]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def cells(column: pyarrow.Array, name: str) -> list[Any]:
    """Return the cells of a column."""
    if len(column) > MOST_SLOTS:
        raise Refused(f"The column {name[:100]!r} holds {len(column)} values, which are too many at once.")
    if types.is_string_view(column.type) or types.is_binary_view(column.type):
        return views(column, name)
    if not column.null_count:
        return present(column, name)
    there = iter(present(column.drop_null(), name))
    return [next(there) if valid else None for valid in column.is_valid().to_numpy(zero_copy_only=False).tolist()]


def present(column: pyarrow.Array, name: str) -> list[Any]:
    """Return the cells of a column of which none is null."""
    kind = column.type
    if isinstance(column, pyarrow.FixedShapeTensorArray):
        return tensors(column, name)
    if isinstance(column, pyarrow.ExtensionArray):
        return cells(column.storage, name)
    if types.is_dictionary(kind):
        return meant(cells(column.dictionary, name), column.indices.to_numpy(), name)
    if is_list(kind):
        return lists(column, name)
    found: list[Any] = (column if is_text(kind) else plain(column, name)).to_numpy(zero_copy_only=False).tolist()
    return found


def plain(column: pyarrow.Array, name: str) -> pyarrow.Array:
    """Return a column as booleans or numbers; times in milliseconds.

    Raises:
        Refused: It is of a type that is not read.
    """
    kind = column.type
    if types.is_null(kind):
        return column.cast(pyarrow.float64())
    if types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind):
        return column
    if types.is_decimal(kind):
        return column.cast(pyarrow.float64())
    if types.is_date32(kind):
        return compute.multiply_checked(column.cast(pyarrow.int32()).cast(pyarrow.int64()), MILLISECONDS)
    if types.is_date64(kind):
        return column.cast(pyarrow.int64())
    for is_kind, milliseconds in (
        (types.is_timestamp, pyarrow.timestamp("ms")),
        (types.is_duration, pyarrow.duration("ms")),
        (types.is_time, pyarrow.time32("ms")),
    ):
        if is_kind(kind):
            options = compute.CastOptions(target_type=milliseconds, allow_time_truncate=True)
            whole = pyarrow.int32() if types.is_time(kind) else pyarrow.int64()
            return compute.cast(column, options=options).cast(whole).cast(pyarrow.int64())
    raise Refused(f"The column {name[:100]!r} is of the type {str(kind)[:100]}, which is not read.")


def views(column: pyarrow.Array, name: str) -> list[Any]:
    """Return texts, or bytes, of which many may lie in the same place.

    Raises:
        Refused: Together they are too long.
    """
    first, end = column.offset, column.offset + len(column)
    lengths = numpy.frombuffer(column.buffers()[1], "<i4")[4 * first : 4 * end : 4] if len(column) else numpy.empty(0)
    see_lengths(lengths, name)
    found: list[Any] = column.to_pylist()
    return found


def meant(words: list[Any], indices: Array, name: str) -> list[Any]:
    """Return the words of a dictionary that are meant; each is made once, but what steps make of them is not.

    Raises:
        Refused: Together they are too long.
    """
    if words:
        see_lengths(numpy.array([len(word) if isinstance(word, str | bytes) else 0 for word in words])[indices], name)
    return [words[index] for index in indices.tolist()]


def see_lengths(lengths: Array, name: str) -> None:
    """See that the texts of a column, which may lie in the same bytes, are not too long together.

    Raises:
        Refused: They are.
    """
    if lengths.clip(0).sum(dtype="i8") > MOST_TEXT_BYTES:
        raise Refused(f"The texts of the column {name[:100]!r} would take more than {MOST_TEXT_BYTES} bytes.")


def lists(column: pyarrow.Array, name: str) -> list[Any]:
    """Return the cells of a column of lists: arrays, or lists of texts."""
    levels, leaves = peeled(column, name)
    kind = leaves.type
    if isinstance(leaves, pyarrow.ExtensionArray) or types.is_dictionary(kind) or is_text(kind) or types.is_null(kind):
        return lists_of(levels, cells(leaves, name))
    numbers = plain(leaves, name)
    if numbers.null_count and not types.is_floating(numbers.type):
        raise Refused(f"A list in the column {name[:100]!r} holds null, which only lists of floats may.")
    return arrays_of(levels, numpy.array(numbers.to_numpy(zero_copy_only=False)), name)


def tensors(column: pyarrow.FixedShapeTensorArray, name: str) -> list[Any]:
    """Return the cells of a column of tensors of one shape: arrays."""
    shape, order = tuple(column.type.shape), column.type.permutation
    arrays = [cell.reshape(shape) for cell in cells(column.storage, name)]
    return [array.transpose(order) for array in arrays] if order else arrays


def is_text(kind: pyarrow.DataType) -> bool:
    """Tell whether a type is one of texts or bytes."""
    tests = (
        *(types.is_string, types.is_large_string, types.is_string_view),
        *(types.is_binary, types.is_large_binary, types.is_fixed_size_binary, types.is_binary_view),
    )
    return any(test(kind) for test in tests)
