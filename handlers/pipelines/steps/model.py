"""ModelStep and PmmlStep: ask a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy

from handlers.pipelines import paths
from handlers.pipelines.checks import listed
from handlers.pipelines.config import StepConfig
from handlers.pipelines.faults import Refused, Unusable
from handlers.pipelines.flow import as_array, column_of
from handlers.pipelines.schemas import Columns
from handlers.pipelines.steps.base import Notes, Step
from handlers.pipelines.steps.normalization import normalizer
from handlers.pipelines.steps.onnxarrays import OnnxArrays, typed
from handlers.pipelines.steps.rowmodels import RowModel
from handlers.pipelines.steptypes import ModelSettings
from handlers.pipelines.values import Array, Batch, Value

ROWS: Final = ("PMML", "SKLEARN", "XGBOOST")
SERVED: Final = ("ONNX", *ROWS)
#: What other models need, and how they are brought here all the same.
ELSEWHERE: Final[Mapping[str, tuple[str, str]]] = {
    "TENSORFLOW": ("TensorFlow", "tf2onnx makes an ONNX file of it"),
    "KERAS": ("Keras", "tf2onnx, or Keras itself by `model.export`, makes an ONNX file of it"),
    "DL4J": ("Deeplearning4j and Java", "What it was imported from can be exported as ONNX"),
    "COMPUTATION_GRAPH": ("Deeplearning4j and Java", "What it was imported from can be exported as ONNX"),
    "MULTI_LAYER_NETWORK": ("Deeplearning4j and Java", "What it was imported from can be exported as ONNX"),
    "SAMEDIFF": ("ND4J and Java", "What it was imported from can be exported as ONNX"),
}


def model_step(config: StepConfig, folder: Path) -> Step:
    """Return the step that asks a model.

    Raises:
        Unusable: Models of this kind are not served, or the file is none.
    """
    settings: ModelSettings = config.settings
    place = f"{settings.place}/modelConfigType"
    kind = settings.kind or ("PMML" if config.kind == "PmmlStep" else "")
    if kind in ELSEWHERE:
        library, way = ELSEWHERE[kind]
        words = (
            f"A {kind} model needs {library}, which this server does not have. {way}, and is then of modelType ONNX."
        )
        raise Unusable(words, f"{place}/modelType")
    if kind not in SERVED:
        raise Unusable(f"Models of the type {kind[:100]!r} are not served; {listed(SERVED)} are.", f"{place}/modelType")
    if config.kind == "PmmlStep" and kind != "PMML":
        raise Unusable(f"A PmmlStep has a model of the type PMML, and not {kind}.", f"{place}/modelType")
    path = paths.existing(folder, settings.path, f"{place}/modelLoadingPath")
    if kind in ROWS:
        return RowStep(config, RowModel(path, kind, f"{place}/modelLoadingPath"))
    return OnnxStep(config, OnnxArrays(path, f"{place}/modelLoadingPath"))


class ModelStep(Step):
    """What steps with a model have in common: types and normalisation of arrays."""

    def __init__(self, config: StepConfig) -> None:
        """Read how inputs are normalised.

        Raises:
            Unusable: That is not understood, or a type is said of what the step does not have.
        """
        super().__init__(config)
        settings: ModelSettings = config.settings
        self.settings = settings
        self._normalize = normalizer(settings.normalization.anew())
        for member, types, names in (
            ("inputDataTypes", settings.input_types, config.input_names),
            ("outputDataTypes", settings.output_types, config.output_names),
        ):
            if unknown := [name for name in types if name not in names]:
                words = f"There is no {listed(unknown)}; there are {listed(names)}."
                raise Unusable(words, f"{settings.place}/tensorDataTypesConfig/{member}")

    def taken(self, value: Value, name: str) -> Value:
        """Return an input in the type that is said, and normalised; records are left."""
        if isinstance(value, list):
            return value
        if name in self.settings.input_types:
            value = typed(value, self.settings.input_types[name], name)
        return value if self._normalize is None else self._normalize(value)

    def given(self, value: Value, name: str) -> Value:
        """Return an output in the type that is said."""
        kind = self.settings.output_types.get(name)
        if kind is None or isinstance(value, list):
            return value
        with numpy.errstate(invalid="ignore", over="ignore"):
            return value.astype(kind)


class OnnxStep(ModelStep):
    """Asks an ONNX model."""

    def __init__(self, config: StepConfig, model: OnnxArrays) -> None:
        """Find the model's inputs and outputs by the names of the step.

        Raises:
            Unusable: There is none of a name.
        """
        super().__init__(config)
        self.model = model
        self._inputs = model.inputs_for(config.input_names, config.place)
        self._outputs = model.outputs_for(config.output_names, config.place)

    def run(self, batch: Batch, notes: Notes) -> Batch:
        """Return what the model says.

        Raises:
            Refused: It does not take the inputs.
        """
        feed = {inner: self._array(batch[name], name) for name, inner in self._inputs.items()}
        found = self.model.run(feed, list(self._outputs.values()))
        self.labels = self.model.labels
        return {name: self.given(one, name) for name, one in zip(self._outputs, found, strict=True)}

    def _array(self, value: Value, name: str) -> Array:
        """Return an input as an array; records have their columns in the order that is configured."""
        if isinstance(value, list):
            columns = list(self.config.inputs.get(name, ())) or only_column(value, name)
            value = as_array(value, columns, name)
        found = self.taken(value, name)
        assert isinstance(found, numpy.ndarray), "an array stays one"
        return found


class RowStep(ModelStep):
    """Asks a model that takes rows."""

    def __init__(self, config: StepConfig, model: RowModel) -> None:
        """Have the model's labels."""
        super().__init__(config)
        self.model = model
        self.labels = model.labels

    def run(self, batch: Batch, notes: Notes) -> Batch:
        """Return what the model says: its main output, or where outputs have the names of its fields, these.

        Raises:
            Refused: It does not take the rows.
        """
        given = {name: self.taken(batch[name], name) for name in self.input_names}
        results = self.model.predict(self.model.rows_of(given, self.config.inputs))
        fields = list(results[0]) if results else []
        if self.output_names and all(name in fields for name in self.output_names):
            found = self._fields(results)
        elif len(self.output_names) == 1:
            found = {self.output_names[0]: self._main(results, self.config.outputs)}
        else:
            raise Refused(f"The model says {listed(fields)}, and not {listed(self.output_names)}.")
        return {name: self.given(value, name) for name, value in found.items()}

    def _fields(self, results: Sequence[Mapping[str, object]]) -> Batch:
        """Return fields as outputs: arrays of shape (rows,), or, where one is of text, records of one column each."""
        rows = [dict(one) for one in results]
        found = {name: column_of(rows, name) for name in self.output_names}
        if all(one.dtype.kind != "U" for one in found.values()):
            return dict(found)
        return {name: [{name: row[name]} for row in rows] for name in found}

    def _main(self, results: Sequence[Mapping[str, object]], columns: Mapping[str, Columns]) -> Value:
        """Return the main output, or the fields that the columns of the only output name, as records."""
        wanted = list(columns.get(self.output_names[0], ()))
        if wanted and results and all(name in results[0] for name in wanted):
            return [{name: one[name] for name in wanted} for one in results]
        return self.model.main_output(results)


def only_column(records: Sequence[Mapping[str, object]], name: str) -> list[str]:
    """Return the only column of records for which no columns are configured."""
    found = list(records[0]) if records else []
    if len(found) != 1:
        words = "The model does not know the names of its columns; 'inputColumnNames' has to say them in order."
        raise Refused(words, name)
    return found
