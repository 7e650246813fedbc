"""The operation `train-classifier`: a CSV asset in, an ONNX model and its metrics out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handlers.errors import Fault, InputInvalid, OperationFailed
from handlers.operations.csvfile import Table, listed, number, open_table
from handlers.operations.values import SILENCE, AssetFile, NewAsset, Report

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PRELOAD = ("sklearn.ensemble", "sklearn.linear_model", "sklearn.pipeline", "sklearn.preprocessing", "skl2onnx")
TREES = 100
TREES_A_STEP = 10
CELLS_LIMIT = 50_000_000  # numbers: 400 MB as float64


@dataclass(frozen=True)
class Samples:
    """Rows to learn from."""

    features: list[str]
    rows: NDArray[np.float64]  #: shape (n, len(features))
    labels: NDArray[Any]  #: shape (n,); whole numbers where every label is one, else texts


def run(
    dataset: AssetFile,
    target: str,
    *,
    algorithm: str = "forest",
    test_share: float = 0.25,
    seed: int = 0,
    directory: Path,
    report: Report = SILENCE,
) -> dict[str, Any]:
    """Train a classifier on a CSV file and measure it on rows that it has not seen.

    Args:
        dataset: CSV with a header line, UTF-8; every column but *target* holds numbers.
        target: Name of the column that holds the label.
        algorithm: `forest` or `logistic`.
        test_share: Share of the rows that are kept apart.
        seed: Decides which rows are kept apart, and how the forest grows.
        directory: Where the model is written.
        report: Told how far the training has come.

    Raises:
        InputInvalid: The table has no such column.
        OperationFailed: The table cannot be learned from; the detail names the line.
    """
    from sklearn.model_selection import train_test_split

    report(0, "reading the table")
    table = read_table(dataset, target)
    report(10, f"{len(table.labels)} rows of {len(table.features)} features")
    parts = train_test_split(
        table.rows, table.labels, test_size=test_share, random_state=seed, stratify=strata(table.labels, test_share)
    )
    train = {"forest": grow_forest, "logistic": fit_logistic}[algorithm]
    model = train(parts[0], parts[2], seed, report)
    report(85, "measuring the model")
    metrics = measure(model, parts[1], parts[3]) | {"train_rows": len(parts[2]), "test_rows": len(parts[3])}
    report.log(f"accuracy {metrics['accuracy']:.4f} on {metrics['test_rows']} rows")
    report(90, "writing the model")
    path = write_onnx(model, table.features, directory / "model.onnx")
    report(100, "done")
    return {
        "model": NewAsset(path=path, name=f"{Path(dataset.name).stem}-{algorithm}.onnx"),
        "metrics": metrics,
        "features": table.features,
        "classes": model.classes_.tolist(),
    }


def read_table(dataset: AssetFile, target: str) -> Samples:
    """Read a CSV file.

    Raises:
        InputInvalid: There is no column *target*, or none beside it.
        OperationFailed: It is no CSV of numbers; the detail names line and column.
    """
    import numpy as np

    with open_table(dataset) as table:
        column = column_of(table, target)
        pairs = [split(cells, table, column) for cells in bounded(table)]
    if not pairs:
        raise OperationFailed("The table has a header but no rows.")
    numbers, labels = zip(*pairs, strict=True)
    features = [name for index, name in enumerate(table.header) if index != column]
    return Samples(features, np.array(numbers, dtype=np.float64), typed_labels(labels))


def column_of(table: Table, target: str) -> int:
    """Return the index of the column *target*."""
    if target not in table.header:
        fault = Fault("body", "/target", f"There is no column {target!r} among {listed(table.header)}.")
        raise InputInvalid(f"The table has no column {target!r}.", faults=[fault])
    if len(table.header) < 2:
        raise OperationFailed("The table needs a column beside the label.")
    table.demand_distinct()
    return table.header.index(target)


def bounded(table: Table) -> Iterator[list[str]]:
    """Give the rows until there are more than this server can hold."""
    for count, cells in enumerate(table, 1):
        if count * len(cells) > CELLS_LIMIT:
            raise OperationFailed(f"The table has more than {CELLS_LIMIT} cells.")
        yield cells


def split(cells: list[str], table: Table, column: int) -> tuple[list[float], str]:
    """Return the numbers and the label of one row."""
    label = cells[column].strip()
    if not label:
        raise OperationFailed(f"Line {table.line} has no label.")
    numbers = [
        number(cell, table.line, name)
        for index, (name, cell) in enumerate(zip(table.header, cells, strict=True))
        if index != column
    ]
    return numbers, label


def typed_labels(labels: tuple[str, ...]) -> NDArray[Any]:
    """Return the labels as whole numbers where every one is written like one, else as texts."""
    import numpy as np

    whole = all(label.lstrip("-").isdecimal() and len(label) < 18 and str(int(label)) == label for label in set(labels))
    typed = np.array([int(label) for label in labels] if whole else labels)
    if len(np.unique(typed)) < 2:
        raise OperationFailed("There is only one label, so there is nothing to tell apart.")
    return typed


def strata(labels: NDArray[Any], test_share: float) -> NDArray[Any] | None:
    """Return the labels if each can be in both parts, else None: the split is then by chance alone."""
    import numpy as np

    _, counts = np.unique(labels, return_counts=True)
    least = min(test_share, 1 - test_share) * len(labels)
    return labels if counts.min() >= 2 and least >= len(counts) else None


def grow_forest(rows: NDArray[Any], labels: NDArray[Any], seed: int, report: Report) -> Any:
    """Grow a random forest, some trees at a time, so that there is progress to report."""
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(n_estimators=0, warm_start=True, random_state=seed, n_jobs=1)
    for grown in range(TREES_A_STEP, TREES + 1, TREES_A_STEP):
        forest.set_params(n_estimators=grown).fit(rows, labels)
        report(10 + 75 * grown / TREES, f"{grown} of {TREES} trees")
    return forest


def fit_logistic(rows: NDArray[Any], labels: NDArray[Any], seed: int, report: Report) -> Any:
    """Fit a logistic regression on standardized features."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    report(20, "fitting the regression")
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, random_state=seed)).fit(rows, labels)


def measure(model: Any, rows: NDArray[Any], labels: NDArray[Any]) -> dict[str, float]:
    """Return how good the model is on rows that it has not seen."""
    import numpy as np
    from sklearn.metrics import accuracy_score

    probabilities = model.predict_proba(rows)
    predicted = model.classes_[probabilities.argmax(axis=1)]
    position = {label: index for index, label in enumerate(model.classes_.tolist())}
    # A label that the model never saw has probability 0, which is bounded so that the loss stays finite.
    given = [
        row[position[label]] if label in position else 0.0
        for row, label in zip(probabilities, labels.tolist(), strict=True)
    ]
    recalls = [float(np.mean(predicted[labels == label] == label)) for label in np.unique(labels)]
    return {
        "accuracy": float(accuracy_score(labels, predicted)),
        "balanced_accuracy": float(np.mean(recalls)),
        "log_loss": float(-np.mean(np.log(np.clip(given, 1e-15, 1.0)))),
    }


def write_onnx(model: Any, features: list[str], path: Path) -> Path:
    """Write a classifier as ONNX, its feature names and classes beside it in the file's metadata."""
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType

    options: dict[Any, Any] = {id(model): {"zipmap": False}}
    graph = to_onnx(model, initial_types=[("rows", FloatTensorType([None, len(features)]))], options=options)
    described = {"features": json.dumps(features), "classes": json.dumps(model.classes_.tolist())}
    for key, value in described.items():
        graph.metadata_props.add(key=key, value=value)
    path.write_bytes(graph.SerializeToString())
    return path
