"""A pipeline that is ready: its steps, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NoReturn

from handlers.pipelines import formats
from handlers.pipelines.checks import listed
from handlers.pipelines.config import Configuration, StepConfig
from handlers.pipelines.detections import Search
from handlers.pipelines.faults import Refused, Unusable
from handlers.pipelines.flow import passed
from handlers.pipelines.schemas import DEFAULT
from handlers.pipelines.steps.arrays import ConcatenationStep
from handlers.pipelines.steps.base import Notes, Step
from handlers.pipelines.steps.images import ImageStep
from handlers.pipelines.steps.jsonexpander import JsonExpanderStep
from handlers.pipelines.steps.model import model_step
from handlers.pipelines.steps.python import PythonStep
from handlers.pipelines.steps.transform import TransformStep
from handlers.pipelines.values import Batch


def custom_step(config: StepConfig, _folder: Path) -> NoReturn:
    """Refuse a step that is a class of Java."""
    words = "A CustomPipelineStep is a class of Java, which this server cannot run; a PythonStep can do what it does."
    raise Unusable(words, f"{config.place}/@type")


STEPS: Final[Mapping[str, Callable[[StepConfig, Path], Step]]] = {
    "PythonStep": PythonStep,
    "TransformProcessStep": lambda config, _folder: TransformStep(config),
    "ImageLoadingStep": ImageStep,
    "ModelStep": model_step,
    "PmmlStep": model_step,
    "ArrayConcatenationStep": lambda config, _folder: ConcatenationStep(config),
    "JsonExpanderTransformStep": lambda config, _folder: JsonExpanderStep(config),
    "CustomPipelineStep": custom_step,
}


class Pipeline:
    """Steps, each of which is given what the one before has made."""

    def __init__(self, configuration: Configuration, steps: Sequence[Step]) -> None:
        """Take steps that are ready."""
        self.configuration = configuration
        self.steps = steps

    @property
    def input_names(self) -> list[str]:
        """Names of the inputs."""
        return self.configuration.input_names

    @property
    def output_names(self) -> list[str]:
        """Names of the outputs."""
        return self.configuration.output_names

    @property
    def labels(self) -> list[str]:
        """Names of the classes, where a step knows them: the last that does. Empty: none does, or not before a run."""
        return next((list(step.labels) for step in reversed(self.steps) if step.labels), [])

    @property
    def search(self) -> Search:
        """What counts as an object in an image; the last step that says so has it."""
        found = [step.search for step in self.steps if isinstance(step, ImageStep) and step.search is not None]
        return replace(found[-1], labels=found[-1].labels or self.labels) if found else Search(labels=self.labels)

    def run(self, batch: Batch, notes: Notes | None = None) -> Batch:
        """Return the outputs for the inputs, both by their names.

        Args:
            batch: A value for each input; or records for the input `default`, whose columns are the inputs.
            notes: Learns what is found out on the way.

        Raises:
            Refused: An input is missing or not known, or a step can do nothing with what it is given.
        """
        notes = Notes() if notes is None else notes
        values = self._inputs(batch)
        for number, step in enumerate(self.steps):
            try:
                given = values if number == 0 else passed(values, step.input_names, step.config.inputs)
                values = step.run(given, notes)
            except Refused as refused:
                if len(self.steps) > 1:
                    refused.args = (f"Step {number}, {formats.a(step.config.kind)}: {refused}",)
                if number:
                    refused.place = ""  # what it says is of a value in between, and nothing that was sent
                raise
        return values

    def _inputs(self, batch: Batch) -> Batch:
        """Return the inputs of the first step.

        Raises:
            Refused: They are not those of the pipeline.
        """
        names = self.input_names
        if set(batch) == set(names):
            return {name: batch[name] for name in names}
        if list(batch) == [DEFAULT] and isinstance(batch[DEFAULT], list):
            return passed(batch, names, self.steps[0].config.inputs)
        for name in batch:
            if name not in names:
                raise Refused(f"There is no input {name[:100]!r}; there are {listed(names)}.", name)
        missing = [name for name in names if name not in batch]
        raise Refused(f"The input {missing[0]!r} is missing.", missing[0])

    def describe(self) -> dict[str, Any]:
        """Return what there is to know of the pipeline, as JSON has it."""
        first, last = self.steps[0].config, self.steps[-1].config
        return {
            "inputs": self.input_names,
            "outputs": self.output_names,
            "columns": {
                "inputs": {name: dict(columns) for name, columns in first.inputs.items()},
                "outputs": {name: dict(columns) for name, columns in last.outputs.items()},
            },
            "takes": list(formats.TAKES[first.kind]),
            "gives": list(formats.gives(last.kind)),
            "predictions": list(formats.allows(last.kind)),
            "labels": self.labels,
            "steps": [
                {"kind": step.config.kind, "inputs": list(step.input_names), "outputs": list(step.output_names)}
                for step in self.steps
            ],
        }


def load_pipeline(configuration: Configuration, folder: Path) -> Pipeline:
    """Return a pipeline that is ready to run.

    Code of a PythonStep runs in this process; so the process is best a sandboxed one that does nothing else.

    Args:
        configuration: What is to be loaded.
        folder: In which the files are that it names.

    Raises:
        Unusable: A file is missing or none of its kind, a step has what is not served, or two steps do not fit.
    """
    if not configuration.steps:
        raise Unusable("There is no step: the configuration is one of a large array.", "/steps")
    for before, after in zip(configuration.steps, configuration.steps[1:], strict=False):
        check_fit(before, after)
    return Pipeline(configuration, [STEPS[config.kind](config, folder) for config in configuration.steps])


def check_fit(before: StepConfig, after: StepConfig) -> None:
    """Let pass two steps of which the one can give what the other takes.

    Raises:
        Unusable: It cannot.
    """
    gives, takes = before.output_names, after.input_names
    if set(takes) <= set(gives) or len(takes) == len(gives):
        return
    if len(takes) == 1 and set(after.inputs.get(takes[0], {"": ""})) <= set(gives):
        return
    known = before.outputs.get(gives[0], {})
    if len(gives) == 1 and (not known or set(takes) <= set(known)):
        return
    words = f"The step takes {listed(takes)}, and the one before gives {listed(gives)}."
    raise Unusable(words, f"{after.place}/inputNames")
