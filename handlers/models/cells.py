"""Cells of tables of Arrow: which types they may have, how large they are, and what they are as JSON could have it."""

from __future__ import annotations

from datetime import date, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from handlers.models.pieces import broken

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CELL_BYTES: Final = 8  #: of a value that is no text
NO_VALUE: Final = (ValueError, OverflowError, TypeError, KeyError)  #: what Arrow raises for a value that Python has not


def is_cell(kind: Any) -> bool:
    """Tell whether values of a type are cells of a table: texts, numbers, times and lists of numbers or times."""
    from pyarrow import types

    if types.is_dictionary(kind):
        return is_cell(kind.value_type)
    if is_list(kind):
        return bool(types.is_primitive(kind.value_type))
    flat = (types.is_fixed_size_binary, types.is_primitive, types.is_null, types.is_decimal)
    return is_text(kind) or any(is_it(kind) for is_it in flat)


def is_text(kind: Any) -> bool:
    """Tell whether values of a type are text or bytes."""
    from pyarrow import types

    return any(
        is_it(kind) for is_it in (types.is_string, types.is_large_string, types.is_binary, types.is_large_binary)
    )


def stay_one(kind: Any) -> bool:
    """Tell whether equal values of a type are read as one each from a Parquet file that has them so."""
    from pyarrow import types

    return is_text(kind.value_type if types.is_dictionary(kind) else kind)


def is_list(kind: Any) -> bool:
    """Tell whether values of a type are lists."""
    from pyarrow import types

    return any(is_it(kind) for is_it in (types.is_list, types.is_large_list, types.is_fixed_size_list))


def sizes_of(column: Any) -> NDArray[np.int64]:
    """Return how many bytes each value of a column has, more or less.

    Raises:
        ValueError: They are of a type that is no cell of a table.
        IndexError: One is none of its dictionary.
    """
    import numpy as np
    import pyarrow
    from pyarrow import compute, types

    kind = column.type
    if not is_cell(kind):
        raise pyarrow.ArrowTypeError(f"values of the type {kind} are no cells of a table")
    if types.is_dictionary(kind):
        inner = sizes_of(column.dictionary)
        if not len(inner) and column.null_count < len(column):
            raise IndexError("its dictionary is empty, and not all of its values are null")
        places = np.asarray(column.indices.fill_null(0), np.int64)
        found: NDArray[np.int64] = inner[places] if len(inner) else np.zeros(len(column), np.int64)
        return found
    if is_text(kind) or types.is_fixed_size_binary(kind):
        return np.asarray(compute.binary_length(column).fill_null(0), np.int64)
    if is_list(kind):
        return np.asarray(compute.list_value_length(column).fill_null(0), np.int64) * CELL_BYTES
    return np.full(len(column), CELL_BYTES, np.int64)


def values_of(column: Any, name: str, before: int) -> list[Any]:
    """Return the values of a column, as JSON could have them; of one that is none the place is told.

    Raises:
        Unprocessable: A text is no UTF-8, or a time is none that Python knows.
    """
    try:
        return [plain(value) for value in column.to_pylist()]
    except NO_VALUE:
        for number, value in enumerate(column, before + 1):
            try:
                plain(value.as_py())
            except NO_VALUE as error:
                words = f"In row {number}, the column {name[:100]!r} has a value that is no {str(column.type)[:100]}"
                raise broken(f"{words}: {str(error)[:500]}") from error
        raise


def plain(value: Any) -> Any:
    """Return a value as JSON could have it: a date or time by ISO 8601, a duration in seconds.

    Raises:
        ValueError: JSON has nothing like it.
    """
    if value is None or isinstance(value, str | float | int):
        return value
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal):
        return float(value)
    if type(value) is list:
        return [plain(one) for one in value]
    raise ValueError("it is no cell of a table")
