"""The operation `annotate`: a CSV asset and an ONNX model in, the CSV with a predicted label in each row out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from handlers.errors import Fault, InputInvalid, OperationFailed
from handlers.operations.classifiers import NEEDED, Classifier, load, predict
from handlers.operations.csvfile import Table, first_twice, listed, new_table, number, open_table
from handlers.operations.progress import Progress
from handlers.operations.values import SILENCE, AssetFile, NewAsset, Report

if TYPE_CHECKING:
    from numpy.typing import NDArray

PRELOAD = NEEDED
BATCH_CELLS: Final = 100_000  # numbers that are predicted at once


@dataclass(frozen=True)
class Batch:
    """Some rows with what the model says of them."""

    rows: list[list[str]]
    labels: NDArray[Any]  #: shape (n,)
    probabilities: NDArray[Any]  #: shape (n, classes)


def run(
    dataset: AssetFile,
    model: AssetFile,
    *,
    features: Sequence[str] | None = None,
    label_column: str = "predclass",
    probabilities: bool = False,
    directory: Path,
    report: Report = SILENCE,
) -> dict[str, Any]:
    """Write a CSV file anew, with a column for the label that a model predicts for each row.

    Args:
        dataset: CSV with a header line, UTF-8; the columns that the model reads hold numbers.
        model: A classifier in ONNX, such as `train-classifier` makes.
        features: Names of the columns that the model reads, in its order; by default those that it names itself.
        label_column: Name of the new column.
        probabilities: Whether there is a column for the probability of each class too, `<label_column>_<class>`.
        directory: Where the file is written.
        report: Told how far it has come.

    Raises:
        InputInvalid: The table has no such columns, or has one of the new names already.
        OperationFailed: A cell is no number (the detail names line and column), or the model is none.

    Source:
        The column's name is that of the operation `iris-predictor` of the public Koi server.
    """
    classifier = load(model)
    progress, path, rows = Progress(report, dataset.size), directory / "predictions.csv", 0
    with open_table(dataset) as table:
        batches = predicted(table, classifier, places_of(table, columns_of(classifier, features)))
        first = next(batches, None)
        if first is None:
            raise OperationFailed(f"The asset {dataset.name!r} has a header but no rows.")
        classes = classifier.classes_of(first.probabilities)
        added = [label_column, *(f"{label_column}_{name}" for name in classes if probabilities)]
        refuse_taken(table, added)
        with new_table(path, [*table.header, *added]) as write:
            for batch in chain([first], batches):
                for cells in annotated(batch, probabilities):
                    write(cells)
                rows += len(batch.rows)
                progress(table.read_bytes, f"{rows} rows")
    report(100, f"{rows} rows")
    name = f"{Path(dataset.name).stem}-annotated.csv"
    return {
        "predictions": NewAsset(path=path, name=name, content_type="text/csv"),
        "rows": rows,
        "columns": added,
        "classes": classes,
    }


def columns_of(classifier: Classifier, features: Sequence[str] | None) -> Sequence[str]:
    """Return the names of the columns that the model reads, in its order.

    Raises:
        InputInvalid: Nobody names them, or there are more or fewer than the model reads.
    """
    columns = features or classifier.features
    if columns is None:
        raise wrong("features", "The model does not name its features, so this list has to.")
    if classifier.width not in (None, len(columns)):
        raise wrong("features", f"These are {len(columns)} features; the model reads {classifier.width}.")
    return columns


def places_of(table: Table, columns: Sequence[str]) -> list[int]:
    """Return the indices of columns.

    Raises:
        InputInvalid: The table has no such column.
        OperationFailed: It has two of one name.
    """
    table.demand_distinct()
    if missing := [name for name in columns if name not in table.header]:
        raise wrong("features", f"There is no column {missing[0]!r} among {listed(table.header)}.")
    places = {name: index for index, name in enumerate(table.header)}
    return [places[name] for name in columns]


def refuse_taken(table: Table, added: Sequence[str]) -> None:
    """Refuse to add a column of a name that is taken, or that cannot be written.

    Raises:
        InputInvalid: It is so.
    """
    if taken := first_twice([*table.header, *added]):
        raise wrong("label_column", f"There is a column {taken!r} already.")
    if any("\ud800" <= character <= "\udfff" for character in added[0]):
        raise wrong("label_column", "It has half of a surrogate pair in it: no UTF-8.")


def wrong(place: str, detail: str) -> InputInvalid:
    """Return the error for an input that does not fit the table and the model."""
    return InputInvalid(faults=[Fault("body", f"/{place}", detail)])


def predicted(table: Table, classifier: Classifier, places: Sequence[int]) -> Iterator[Batch]:
    """Give the rows of a table, some at a time, with what the model says of them."""
    import numpy as np

    rows = ((cells, table.line, numbers(table, cells, places)) for cells in table)
    while batch := list(islice(rows, max(1, BATCH_CELLS // len(table.header)))):
        cells, lines, features = map(list, zip(*batch, strict=True))
        with np.errstate(over="ignore"):
            matrix = np.array(features, dtype=np.float64).astype(np.float32)
        finite = np.isfinite(matrix).all(axis=1)
        if not finite.all():
            raise OperationFailed(f"Line {lines[finite.argmin()]} has a number that is larger than the model can read.")
        yield Batch(cells, *predict(classifier, matrix))


def numbers(table: Table, cells: Sequence[str], places: Sequence[int]) -> list[float]:
    """Return what the model reads of a row."""
    return [number(cells[place], table.line, table.header[place]) for place in places]


def annotated(batch: Batch, probabilities: bool) -> Iterator[list[object]]:
    """Give the rows of a batch with their new cells."""
    for cells, label, shares in zip(batch.rows, batch.labels.tolist(), batch.probabilities.tolist(), strict=True):
        # Nine digits tell any two numbers of 32 bits apart.
        yield [*cells, label, *(f"{share:.9g}" for share in shares if probabilities)]
