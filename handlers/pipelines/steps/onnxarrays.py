"""ONNX files on arrays of any rank, with named inputs and outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy

from handlers.models.formats.base import CannotLoad
from handlers.models.formats.onnxfile import LABELS, SCORES, kind_of
from handlers.pipelines.checks import listed
from handlers.pipelines.faults import Refused, Unusable
from handlers.pipelines.schemas import DEFAULT
from handlers.pipelines.values import Array

MAPS: Final = "seq(map("  #: the type of probabilities that scikit-learn's converter writes: by class, for each row


class OnnxArrays:
    """A session of onnxruntime."""

    def __init__(self, path: Path, place: str) -> None:
        """Load a file that is named at a place of the configuration.

        Raises:
            Unusable: It is no model, or takes what no array can be.
        """
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        try:
            self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise Unusable(f"onnxruntime cannot read the file: {one_line(error)}", place) from error
        self.inputs = {one.name: one for one in self.session.get_inputs()}
        self.outputs = {one.name: one for one in self.session.get_outputs()}
        self.labels: list[str] = []
        try:
            self.kinds = {name: kind_of(one.type) for name, one in self.inputs.items()}
        except CannotLoad as error:
            raise Unusable(str(error), place) from error

    def inputs_for(self, names: Sequence[str], place: str) -> dict[str, str]:
        """Return the model's input for each name; that of a model with one input may have any.

        Raises:
            Unusable: They are not those of the model.
        """
        if len(names) == len(self.inputs) == 1:
            return {names[0]: next(iter(self.inputs))}
        found = matched(names, list(self.inputs))
        if found is None or len(found) != len(self.inputs):
            words = f"The model takes {listed(list(self.inputs))}, and 'inputNames' says {listed(names)}."
            raise Unusable(words, f"{place}/inputNames")
        return found

    def outputs_for(self, names: Sequence[str], place: str) -> dict[str, str]:
        """Return the model's output for each name.

        The only output of a model may have any name, and so may the probabilities of a classifier.

        Raises:
            Unusable: They are not those of the model.
        """
        if (found := matched(names, list(self.outputs))) is not None:
            return found
        likeliest = next((name for name in SCORES if name in self.outputs and self._has_labels()), None)
        if len(names) == 1 and (len(self.outputs) == 1 or (likeliest and names[0] == DEFAULT)):
            return {names[0]: likeliest or next(iter(self.outputs))}
        words = f"The model gives {listed(list(self.outputs))}, and 'outputNames' says {listed(names)}."
        raise Unusable(words, f"{place}/outputNames")

    def _has_labels(self) -> bool:
        """Tell whether there is an output with the class of each row."""
        return any(name in self.outputs for name in LABELS)

    def run(self, feed: Mapping[str, Array], wanted: Sequence[str]) -> list[Array]:
        """Return outputs of the model.

        Raises:
            Refused: It does not take the inputs.
        """
        fitting = {name: self._fitting(name, array) for name, array in feed.items()}
        try:
            found = self.session.run(list(wanted), fitting)
        except Exception as error:
            raise Refused(f"The model does not take these inputs: {one_line(error)}") from error
        return [self._as_array(one, name) for one, name in zip(found, wanted, strict=True)]

    def _fitting(self, name: str, array: Array) -> Array:
        """Return an array in the shape and type of an input."""
        found = shaped(array, self.inputs[name].shape, name)
        return typed(found, self.kinds[name], name)

    def _as_array(self, output: Any, name: str) -> Array:
        """Return what the session gave as an array; of probabilities by class, the classes become labels."""
        if isinstance(output, list) and output and isinstance(output[0], dict):
            self.labels = [str(label) for label in output[0]]
            output = [list(row.values()) for row in output]
        found = numpy.asarray(output)
        if found.dtype.kind == "O":
            found = found.astype(str)
        if found.dtype.kind not in "biufU":
            raise Refused(f"The output {name!r} of the model is no array of numbers or texts.")
        return found


def matched(names: Sequence[str], there: Sequence[str]) -> dict[str, str] | None:
    """Return which of the names that are there each name means; TensorFlow's `:0` at their ends does not count."""
    short = {name.removesuffix(":0"): name for name in there}
    found = {name: name if name in there else short.get(name.removesuffix(":0"), "") for name in names}
    return found if all(found.values()) and len(set(found.values())) == len(found) else None


def shaped(array: Array, shape: Sequence[Any], name: str) -> Array:
    """Return an array with the axes that are wanted: one example gets that of examples, single values that of columns.

    Args:
        array: What came.
        shape: Of the input; an axis that is no number may have any length.
        name: Of the input.

    Raises:
        Refused: It has another shape.
    """
    if array.ndim == len(shape) - 1:
        as_column = len(shape) == 2 and shape[1] == 1
        array = array.reshape(-1, 1) if as_column else array[None]
    fits = array.ndim == len(shape) and all(
        not isinstance(wanted, int) or wanted == length for wanted, length in zip(shape, array.shape, strict=True)
    )
    if not fits:
        wanted = ", ".join(str(one) if isinstance(one, int) else "?" for one in shape)
        raise Refused(f"The input {name!r} takes the shape [{wanted}], and {list(array.shape)} came.", name)
    return array


def typed(array: Array, kind: str, name: str) -> Array:
    """Return an array in a type, if its values can be of that.

    Raises:
        Refused: They cannot.
    """
    if (kind == "str") != (array.dtype.kind == "U"):
        words = "texts, and numbers came" if kind == "str" else "numbers, and texts came"
        raise Refused(f"The input {name!r} takes {words}.", name)
    if kind == "str":
        return array.astype(object)
    if array.dtype == kind:
        return array
    with numpy.errstate(invalid="ignore", over="ignore"):
        found = array.astype(kind)
        same = found.dtype.kind == "f" or bool((found == array).all())
    if not same:
        raise Refused(f"The input {name!r} takes numbers of the type {kind}, and others came.", name)
    return found


def one_line(error: BaseException) -> str:
    """Return what an exception says, in a line and not too much of it."""
    return " ".join(str(error).split())[:300]
