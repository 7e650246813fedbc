"""Between the values of a request and those that libraries take and give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from handlers.models.formats.base import CannotPredict, Row

if TYPE_CHECKING:
    import numpy

NUMBERS: Final = (int, float, type(None))  # bool is an int, too


def as_array(rows: Sequence[Row]) -> numpy.ndarray[Any, Any]:
    """Return rows as an array of numbers, or of objects where some are texts; None is NaN."""
    import numpy

    if all(isinstance(value, NUMBERS) for row in rows for value in row):
        return numpy.array(rows, dtype=numpy.float64)
    return numpy.array(rows, dtype=object)


def as_frame(rows: Sequence[Row], names: Sequence[str] | None) -> Any:
    """Return rows as a pandas DataFrame; each column has the type of its values.

    Raises:
        CannotPredict: There are more or fewer values than columns.
    """
    import pandas

    if names is not None and any(len(row) != len(names) for row in rows):
        raise CannotPredict(f"The model takes {len(names)} inputs.")
    return pandas.DataFrame([list(row) for row in rows], columns=list(names) if names is not None else None)


def plain(value: Any) -> Any:
    """Return what a library gave as values that JSON has.

    Raises:
        CannotPredict: It has no such form.
    """
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if hasattr(value, "tolist"):  # NumPy's arrays and numbers
        return plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    raise CannotPredict(f"The model answers with a {type(value).__name__}, which cannot be written as JSON.")


def by_row(output: Any, count: int) -> list[Any]:
    """Return what a model gave for *count* rows, row by row: a value, a list, or an object where columns have names.

    Raises:
        CannotPredict: It is not one answer for each row.
    """
    found: Any
    if hasattr(output, "to_dict") and hasattr(output, "columns"):
        found = [{str(key): plain(value) for key, value in row.items()} for row in output.to_dict(orient="records")]
    elif hasattr(output, "to_numpy"):
        found = plain(output.to_numpy())
    elif hasattr(output, "toarray"):
        found = plain(output.toarray())
    else:
        found = plain(output)
    if not isinstance(found, list) or len(found) != count:
        raise CannotPredict("The model does not answer each row.")
    return [flat(one) for one in found]


def flat(value: Any) -> Any:
    """Return a list of one value as that value."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value
