"""The operation `predict-class`: an ONNX model and rows in, labels and probabilities out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from handlers.errors import Fault, InputInvalid
from handlers.operations.classifiers import NEEDED, Classifier, load, predict
from handlers.operations.values import AssetFile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PRELOAD = NEEDED

Row = Sequence[float] | Mapping[str, float]


def run(model: AssetFile, rows: Sequence[Row]) -> dict[str, Any]:
    """Predict the label of each row.

    Args:
        model: A classifier in ONNX with one float input of shape (n, features), and outputs label and probabilities.
        rows: Lists in the order of the features, or objects by their names.

    Raises:
        InputInvalid: A row does not fit the model; the fault names it.
        OperationFailed: The asset is no such model.
    """
    classifier = load(model)
    labels, probabilities = predict(classifier, as_matrix(classifier, rows))
    classes = classifier.classes_of(probabilities)
    return {"labels": labels.tolist(), "probabilities": probabilities.tolist(), "classes": classes}


def as_matrix(classifier: Classifier, rows: Sequence[Row]) -> NDArray[np.float32]:
    """Return the rows as an array of shape (n, features).

    Raises:
        InputInvalid: A row has another number of features, other names, or a number beyond float32.
    """
    import numpy as np

    listed = [in_order(classifier, row, index) for index, row in enumerate(rows)]
    width = classifier.width if classifier.width is not None else len(listed[0])
    for index, row in enumerate(listed):
        if len(row) != width:
            raise wrong_row(index, f"It has {len(row)} features; the model reads {width}.")
    with np.errstate(over="ignore"):
        matrix = np.array(listed, dtype=np.float64).astype(np.float32)
    if not np.isfinite(matrix).all():
        index = int(np.argmin(np.isfinite(matrix).all(axis=1)))
        raise wrong_row(index, "A number in it is larger than the model can read.")
    return matrix


def in_order(classifier: Classifier, row: Row, index: int) -> Sequence[float]:
    """Return a row's numbers in the order of the features."""
    if not isinstance(row, Mapping):
        return row
    if classifier.features is None:
        raise wrong_row(index, "The model does not name its features, so the row has to be a list.")
    if missing := [name for name in classifier.features if name not in row]:
        raise wrong_row(index, f"The feature {missing[0]!r} is missing.")
    if unknown := sorted(set(row) - set(classifier.features)):
        raise wrong_row(index, f"The model has no feature {unknown[0]!r}.")
    return [row[name] for name in classifier.features]


def wrong_row(index: int, detail: str) -> InputInvalid:
    """Return the error for a row that does not fit the model."""
    return InputInvalid(f"Row {index}: {detail}", faults=[Fault("body", f"/rows/{index}", detail)])
