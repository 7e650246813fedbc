"""ONNX files: nothing of them is code, and they say what they take."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from handlers.models.formats import base, values
from handlers.models.formats.base import CannotLoad, CannotPredict, Result, Row

#: What ONNX calls the types of tensors, and what NumPy and the API do.
TYPES: Final[Mapping[str, str]] = {
    "float": "float32",
    "double": "float64",
    "float16": "float16",
    "int64": "int64",
    "int32": "int32",
    "int16": "int16",
    "int8": "int8",
    "uint64": "uint64",
    "uint32": "uint32",
    "uint16": "uint16",
    "uint8": "uint8",
    "bool": "bool",
    "string": "str",
}
TENSOR: Final = re.compile(r"tensor\((\w+)\)")
LABELS: Final = ("label", "output_label")
SCORES: Final = ("probabilities", "output_probability")


class OnnxModel:
    """A session of onnxruntime: one input of so many columns, or one input for each feature."""

    def __init__(self, path: Path, names: Sequence[str] | None = None, *, gives: str = "auto") -> None:
        """Load a file; *names* are what its owner calls the columns of a single input.

        Raises:
            CannotLoad: It is no model, or takes what no row of values can be.
        """
        import onnxruntime

        self.gives = gives
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        try:
            self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise CannotLoad(f"onnxruntime cannot read the file: {' '.join(str(error).split())[:300]}") from error
        self.inputs = self.session.get_inputs()
        self.outputs = [output.name for output in self.session.get_outputs()]
        self.kinds = [kind_of(one.type) for one in self.inputs]
        self.columns = self._columns()
        self.own_names = len(self.inputs) > 1
        self.names = self._names(names)
        self.invented = not self.own_names and self.names is not None and self.names != list(names or ())

    def describe(self) -> dict[str, Any]:
        """Return what is known of it."""
        kinds = self.kinds if self.own_names else self.kinds * len(self.names or ())
        known: dict[str, Any] = {"kind": "other", "named": self.own_names, "output_schema": {"predictions": {}}}
        known["invented"] = self.invented
        if self.names is not None:
            known["features"] = [{"name": name, "type": kind} for name, kind in zip(self.names, kinds, strict=True)]
            known["input_schema"] = base.input_schema(known["features"])
        return known

    def predict(self, rows: Sequence[Row]) -> list[Result]:
        """Return for each row `predictions` and `scores`, or the outputs by their names."""
        if self.columns is not None and any(len(row) != self.columns for row in rows):
            raise CannotPredict(f"The model takes {self.columns} inputs.")
        found = self.session.run(None, self._feed(rows))
        outputs = {name: self._by_row(one, len(rows)) for name, one in zip(self.outputs, found, strict=True)}
        return [self._result({name: each[number] for name, each in outputs.items()}) for number in range(len(rows))]

    def _feed(self, rows: Sequence[Row]) -> dict[str, Any]:
        """Return rows as the session takes them."""
        import numpy

        def tensor(kind: str, content: Any) -> Any:
            return numpy.array(content, dtype=object if kind == "str" else kind)

        if not self.own_names:
            return {self.inputs[0].name: tensor(self.kinds[0], [list(row) for row in rows])}
        return {
            one.name: tensor(
                kind, [[row[number]] for row in rows] if len(one.shape) == 2 else [r[number] for r in rows]
            )
            for number, (one, kind) in enumerate(zip(self.inputs, self.kinds, strict=True))
        }

    def _by_row(self, output: Any, count: int) -> list[Any]:
        """Return an output row by row; probabilities by class lose their labels, as in the other formats."""
        if isinstance(output, list) and output and isinstance(output[0], dict):
            output = [list(row.values()) for row in output]
            return [values.plain(row) for row in output]
        return values.by_row(output, count)

    def _result(self, outputs: Mapping[str, Any]) -> Result:
        """Return one answer; a classifier's outputs under the names of this API."""
        label = next((name for name in LABELS if name in outputs), None)
        if label is not None:
            scores = next((name for name in SCORES if name in outputs), None)
            return base.in_structure(outputs[label], self.gives) | ({"scores": outputs[scores]} if scores else {})
        if len(outputs) == 1:
            return base.in_structure(next(iter(outputs.values())), self.gives)
        return base.record_in(outputs, self.gives)

    def _columns(self) -> int | None:
        """Return how many values a row has; None: as many as are given.

        Raises:
            CannotLoad: A row of values cannot be what it takes.
        """
        if len(self.inputs) != 1:
            if any(
                len(one.shape) > 2 or (len(one.shape) == 2 and one.shape[1] not in (1, None)) for one in self.inputs
            ):
                raise CannotLoad("The model takes several tensors, and one has more than a value for each row.")
            return len(self.inputs)
        shape = self.inputs[0].shape
        if len(shape) != 2:
            raise CannotLoad(f"The model takes a tensor of {len(shape)} dimensions; only rows of values are served.")
        return shape[1] if isinstance(shape[1], int) else None

    def _names(self, names: Sequence[str] | None) -> list[str] | None:
        """Return what the inputs are called."""
        if self.own_names:
            return [one.name for one in self.inputs]
        if names and self.columns in (None, len(names)):
            return list(names)
        return [f"x{number}" for number in range(self.columns)] if self.columns is not None else None


def kind_of(text: str) -> str:
    """Return the type of a tensor.

    Raises:
        CannotLoad: It is none that values can have.
    """
    found = TENSOR.fullmatch(text)
    if found is None or found[1] not in TYPES:
        raise CannotLoad(f"The model takes {text[:100]}, which no value of a request can be.")
    return TYPES[found[1]]
