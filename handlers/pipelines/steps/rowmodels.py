"""Models that take rows: PMML, scikit-learn's and xgboost's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy

from handlers.models.formats.base import CannotLoad, CannotPredict, Loaded, Result
from handlers.models.formats.loading import load_model
from handlers.models.formats.pmmlfile import PmmlModel
from handlers.pipelines.checks import listed
from handlers.pipelines.faults import Refused, Unusable
from handlers.pipelines.flow import array_of, as_array, as_records
from handlers.pipelines.schemas import Columns
from handlers.pipelines.steps.onnxarrays import one_line
from handlers.pipelines.values import Array, Batch, Records, Value

PICKLES: Final = (".pkl", ".pickle", ".joblib", ".jbl")
LABEL: Final = "predictions"
SCORES: Final = "scores"


class RowModel:
    """A model that is given rows, and says something of each."""

    def __init__(self, path: Path, kind: str, place: str) -> None:
        """Load a file that is named at a place of the configuration; *kind* is what its model is called there.

        Raises:
            Unusable: It is no such model.
        """
        plan = {"file": str(path), "format": format_of(path, kind), "takes": "auto", "gives": "auto"}
        try:
            self.model: Loaded = load_model(plan)
        except CannotLoad as error:
            raise Unusable(str(error), place) from error
        except Exception as error:
            raise Unusable(f"The file cannot be loaded: {one_line(error)}", place) from error
        known = self.model.describe()
        features = known.get("features") or []
        self.count = len(features) or None
        self.names = [str(one["name"]) for one in features] if features and not known.get("invented") else []
        self.optional = isinstance(self.model, PmmlModel)
        classes = getattr(self.model, "classes", None)
        self.labels = [str(one) for one in classes] if classes else []

    def rows_of(self, batch: Batch, columns: Mapping[str, Columns]) -> list[list[Any]]:
        """Return the rows that inputs hold, in the model's order: one input, or one for each column.

        Raises:
            Refused: A column is missing, or an array has another number of them.
        """
        if len(batch) > 1:
            return self._rows_of_columns(batch)
        ((name, value),) = batch.items()
        if isinstance(value, list):
            return self._rows_of_records(value, list(columns.get(name, ())), name)
        if value.ndim == 1:
            value = value.reshape(-1, 1) if self.count == 1 else value.reshape(1, -1)
        if value.ndim != 2 or self.count not in (None, value.shape[1]):
            wanted = "?" if self.count is None else self.count
            raise Refused(f"The input {name!r} takes the shape [?, {wanted}], and {list(value.shape)} came.", name)
        return as_python(value)

    def _rows_of_records(self, records: Records, columns: Sequence[str], name: str) -> list[list[Any]]:
        """Return the rows of records."""
        names = self.names or list(columns)
        if not names and records and len(records[0]) == 1:
            return self.rows_of({name: as_array(records, list(records[0]), name)}, {})
        if not names:
            words = "The model does not know the names of its columns; 'inputColumnNames' has to say them in order."
            raise Refused(words, name)
        for number, row in enumerate(records):
            missing = [one for one in names if one not in row]
            if missing and not self.optional:
                raise Refused(f"Row {number} has no {listed(missing)}.", f"/{number}")
        return [[row.get(one) for one in names] for row in records]

    def _rows_of_columns(self, batch: Batch) -> list[list[Any]]:
        """Return the rows of inputs that are a column each."""
        names = self.names or list(batch)
        if missing := [name for name in names if name not in batch and not self.optional]:
            raise Refused(f"There is no input {listed(missing)}.")
        cells = {name: column(value, name) for name, value in batch.items()}
        count = len(next(iter(cells.values())))
        if any(len(one) != count for one in cells.values()):
            raise Refused(f"The inputs {listed(list(batch))} do not have as many rows as each other.")
        return [[cells[name][number] if name in cells else None for name in names] for number in range(count)]

    def predict(self, rows: list[list[Any]]) -> list[Result]:
        """Return what the model says of each row; of none it is not asked.

        Raises:
            Refused: It says nothing to one; the place is that of the first.
        """
        if not rows:
            return []
        try:
            return list(self.model.predict(rows))
        except CannotPredict as error:
            raise Refused(str(error), f"/{self._first_wrong(rows)}") from error
        except Exception as error:
            words = f"The model does not take these rows: {type(error).__name__}: {one_line(error)}"
            raise Refused(words, f"/{self._first_wrong(rows)}") from error

    def _first_wrong(self, rows: list[list[Any]]) -> int:
        """Return the number of the first row to which the model says nothing; it is asked for half of what is left."""
        first, end = 0, len(rows)
        while end - first > 1:
            middle = (first + end) // 2
            try:
                self.model.predict(rows[first:middle])
            except Exception:  # noqa: BLE001 - a library may raise anything at what it does not take
                end = middle
            else:
                first = middle
        return first

    def main_output(self, results: Sequence[Result]) -> Value:
        """Return what a model mostly says: probabilities, else numbers, else the results as they are.

        Probabilities have the shape (rows, classes), numbers (rows, 1) or (rows, outputs).
        """
        if not results:
            return []
        chances = self.probabilities(results)
        if chances is not None:
            return chances
        names = list(results[0])
        label = LABEL if LABEL in names else next(iter(names), LABEL)
        values = [result.get(label) for result in results]
        if len(names) <= 1 or label == LABEL:
            try:
                found = array_of(values, label)
            except Refused:
                return [dict(result) for result in results]
            if found.dtype.kind != "U":
                return found.reshape(len(results), -1)
        return [dict(result) for result in results]

    def probabilities(self, results: Sequence[Result]) -> Array | None:
        """Return the probability of each class for each row; None: the model does not say them."""
        fields = self._fields_of_classes()
        if fields is not None and all(field in results[0] for field in fields):
            return numpy.array([[result[field] for field in fields] for result in results], numpy.float64)
        scores = [result.get(SCORES) for result in results]
        if any(not isinstance(one, list) for one in scores):
            return None
        try:
            found = numpy.array(scores, numpy.float64)
        except (ValueError, TypeError):
            return None
        return found if found.ndim == 2 else None

    def _fields_of_classes(self) -> list[str] | None:
        """Return the fields in which a PMML model says the probability of each of its classes."""
        return self.model.class_fields() if isinstance(self.model, PmmlModel) else None


def column(value: Value, name: str) -> list[Any]:
    """Return the values of an input that is one column."""
    found: list[Any] = [row[name] for row in as_records(value, [name], name)]
    return found


def as_python(array: Array) -> list[list[Any]]:
    """Return the rows of an array as Python has them."""
    found: list[list[Any]] = array.tolist()
    return found


def format_of(path: Path, kind: str) -> str:
    """Return the format of a file, by what its model is called and by its ending."""
    ending = path.suffix.lower()
    if kind == "PMML":
        return "pmml"
    if ending == ".skops":
        return "skops"
    return "pickle" if kind == "SKLEARN" or ending in PICKLES else "bst"
