"""How values get from one step to the next, and from arrays to records and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy

from handlers.pipelines.checks import listed, pointer
from handlers.pipelines.faults import Refused
from handlers.pipelines.schemas import Columns
from handlers.pipelines.values import Array, Batch, Records, Value


def passed(values: Batch, names: Sequence[str], columns: Mapping[str, Columns]) -> Batch:
    """Return the outputs of one step as inputs of the next.

    They go by name; where names differ, by place, if there are as many. Several outputs can be the columns of one
    input, as one record, and the columns of one output can be several inputs.

    Args:
        values: Outputs by their names, in order.
        names: Of the inputs.
        columns: Of each input, where they are known.

    Raises:
        Refused: They do not fit.
    """
    if all(name in values for name in names):
        return {name: values[name] for name in names}
    if len(values) == len(names):
        return dict(zip(names, values.values(), strict=True))
    if len(names) == 1 and all(column in values for column in columns.get(names[0], {"": ""})):
        return {names[0]: joined({column: values[column] for column in columns[names[0]]})}
    if len(values) == 1:
        only = next(iter(values.values()))
        if isinstance(only, list) and only and all(name in only[0] for name in names):
            return {name: column_of(only, name) for name in names}
    raise Refused(f"The step takes {listed(names)}, and the one before gives {listed(list(values))}.")


def joined(values: Batch) -> Records:
    """Return several values as columns: records row by row, or one record of whole arrays."""
    if all(isinstance(value, list) for value in values.values()):
        lists = [value for value in values.values() if isinstance(value, list)]
        if len({len(rows) for rows in lists}) > 1:
            raise Refused(f"{listed(list(values))} do not have as many rows as each other.")
        return [{name: cell for row in rows for name, cell in row.items()} for rows in zip(*lists, strict=True)]
    return [dict(values)]


def as_records(value: Value, columns: Sequence[str], name: str) -> Records:
    """Return a value as records.

    Args:
        value: Records, or an array of shape (rows, columns); a vector is one row, or one column if there is only one.
        columns: In the order of the array's.
        name: Of the input.

    Raises:
        Refused: The array has another shape.
    """
    if isinstance(value, list):
        return value
    if value.ndim == 1:
        value = value.reshape(-1, 1) if len(columns) == 1 else value.reshape(1, -1)
    if value.ndim != 2 or value.shape[1] != len(columns):
        words = f"The input {name!r} has the shape {shape_of(value)}; it needs a column for each of {listed(columns)}."
        raise Refused(words, name)
    return [dict(zip(columns, row, strict=True)) for row in value.tolist()]


def as_array(records: Records, columns: Sequence[str], name: str) -> Array:
    """Return records as an array: of shape (rows, columns), or, if the only column has arrays, these one on another.

    Raises:
        Refused: A column is missing, or values are not of one type or shape.
    """
    if len(columns) == 1:
        found = column_of(records, columns[0])
        return found.reshape(-1, 1) if found.ndim == 1 and not holds_arrays(records, columns[0]) else found
    stacked = [column_of(records, column) for column in columns]
    if any(one.ndim != 1 or len(one) != len(records) for one in stacked):
        raise Refused(f"The columns {listed(columns)} are not all of single values.", name)
    if any(one.dtype.kind == "U" for one in stacked) and any(one.dtype.kind != "U" for one in stacked):
        raise Refused(f"The columns {listed(columns)} are partly text and partly numbers.", name)
    return numpy.stack(stacked, axis=1) if records else numpy.zeros((0, len(columns)))


def column_of(records: Records, column: str) -> Array:
    """Return one column: shape (rows,) of single values; of arrays those one on another, or the only one as it is.

    Raises:
        Refused: It is missing in a row, or its values are not of one type or shape.
    """
    values = []
    for number, row in enumerate(records):
        if column not in row:
            raise Refused(f"Row {number} has no {column!r}.", f"/{number}")
        values.append(row[column])
    if len(values) == 1 and holds_arrays(records, column):
        return array_of(values[0], column)
    return column_array(values, column)


def column_array(values: list[Any], column: str) -> Array:
    """Return the values of a column, one for each row, as an array.

    Raises:
        Refused: They are not of one type or shape; the place is that of the first which is another than the first.
    """
    try:
        return array_of(values, column)
    except Refused as refused:
        kinds = (kind_of_cell(value) for value in values)
        first = next(kinds)
        number = next((number for number, kind in enumerate(kinds, 1) if kind != first), 0)
        words = f"{refused} That of row {number} is another." if number else str(refused)
        raise Refused(words, pointer(f"/{number}", column)) from None


def kind_of_cell(value: Any) -> tuple[Any, ...]:
    """Return what the values of a column have to have in common: whether they are texts, and their shape."""
    try:
        found = array_of(value, "")
    except Refused:
        return (type(value).__name__,)
    return found.dtype.kind == "U", found.shape


def holds_arrays(records: Records, column: str) -> bool:
    """Tell whether the values of a column are arrays, or lists that can be."""
    return bool(records) and isinstance(records[0].get(column), numpy.ndarray | list)


def array_of(value: Any, name: str) -> Array:
    """Return a value as an array; null is NaN among numbers.

    Raises:
        Refused: Its parts are not of one type or shape, or are neither numbers, truth values nor texts.
    """
    try:
        found = numpy.asarray(value)
        if found.dtype.kind == "O":
            found = numpy.asarray(value, dtype=numpy.float64)
    except (ValueError, TypeError, OverflowError):
        raise Refused(f"The values of {name!r} are not of one type and shape.", name) from None
    mixed = found.dtype.kind == "U" and not all(isinstance(one, str) for one in leaves(value))
    if found.dtype.kind not in "biufU" or mixed:
        raise Refused(f"The values of {name!r} are not all numbers, or all texts.", name)
    return found


def leaves(value: Any) -> list[Any]:
    """Return the innermost values of nested lists and arrays."""
    if isinstance(value, numpy.ndarray):
        return value.ravel().tolist()
    return [leaf for one in value for leaf in leaves(one)] if isinstance(value, list | tuple) else [value]


def shape_of(array: Array) -> list[int]:
    """Return the shape of an array as it is told."""
    return list(array.shape)
