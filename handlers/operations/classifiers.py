"""Classifiers in the ONNX format: load an asset, predict with it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handlers.errors import OperationFailed
from handlers.operations.values import AssetFile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NEEDED = ("numpy", "onnx", "onnxruntime")  # what an operation that predicts names in its PRELOAD
MODEL_LIMIT_BYTES = 256 << 20
SESSIONS = 8  # models kept ready in one process


@dataclass(frozen=True)
class Classifier:
    """A model that is ready to predict."""

    session: Any
    features: list[str] | None  #: names in order; None where the file does not say
    width: int | None  #: number of features; None where the file does not say
    classes: list[Any] | None

    def classes_of(self, probabilities: NDArray[Any]) -> list[Any]:
        """Return the labels in the order of *probabilities*, as the model has been told to name them."""
        return self.classes or list(range(probabilities.shape[1]))


def load(model: AssetFile) -> Classifier:
    """Return the classifier in an asset, from memory where this process has read the same file before."""
    if model.size > MODEL_LIMIT_BYTES:
        raise OperationFailed(f"The model has {model.size} bytes; the most is {MODEL_LIMIT_BYTES}.")
    status = model.path.stat()
    return _load(model.did, model.path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=SESSIONS)
def _load(did: str, path: Path, _modified: int, _size: int) -> Classifier:
    """Read a model file; its time and size are in the key, so that a changed file is read again."""
    import onnxruntime as ort

    data = path.read_bytes()
    refuse_outside_data(did, data)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # The runtime raises a class of its own for each fault of a file.
        raise OperationFailed(f"The asset {did} is no ONNX model that can be loaded.") from error
    return described(did, session)


def refuse_outside_data(did: str, data: bytes) -> None:
    """Refuse a model that keeps tensors in other files: its author would choose which files of ours it reads.

    Raises:
        OperationFailed: It does, or it cannot be read at all.
    """
    import onnx

    try:
        graph = onnx.load_model_from_string(data)
    except Exception as error:  # Protobuf's decode error has another class in each of its backends.
        raise OperationFailed(f"The asset {did} is no ONNX model.") from error
    tensors = onnx.external_data_helper._get_all_tensors(graph)
    if any(onnx.external_data_helper.uses_external_data(tensor) for tensor in tensors):
        raise OperationFailed(f"The model {did} keeps tensors in other files.")


def described(did: str, session: Any) -> Classifier:
    """Return the classifier of a session, with the names that `train-classifier` wrote into the file."""
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if len(inputs) != 1 or inputs[0].type != "tensor(float)" or len(inputs[0].shape) != 2 or len(outputs) != 2:
        raise OperationFailed(f"The model {did} is no classifier of rows: one float input, two outputs.")
    known = session.get_modelmeta().custom_metadata_map
    width = inputs[0].shape[1] if isinstance(inputs[0].shape[1], int) else None
    return Classifier(session, names(known.get("features")), width, names(known.get("classes")))


def names(text: str | None) -> list[Any] | None:
    """Return a JSON list of metadata; None where it is none."""
    try:
        found = json.loads(text or "null")
    except ValueError:
        return None
    return found if isinstance(found, list) else None


def predict(classifier: Classifier, matrix: NDArray[np.float32]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the labels, shape (n,), and the probabilities, shape (n, classes)."""
    import numpy as np

    try:
        labels, probabilities = classifier.session.run(None, {classifier.session.get_inputs()[0].name: matrix})
    except Exception as error:  # The runtime raises a class of its own for each fault of a graph.
        raise OperationFailed("The model failed on these rows.") from error
    labels, probabilities = np.asarray(labels), np.asarray(probabilities)
    if labels.shape != (len(matrix),) or probabilities.shape[:1] != (len(matrix),) or probabilities.ndim != 2:
        raise OperationFailed("The model does not answer a label and probabilities for each row.")
    return labels, probabilities
