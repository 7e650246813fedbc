"""ArrayConcatenationStep: joins arrays along an axis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy

from handlers.pipelines.checks import listed
from handlers.pipelines.config import StepConfig
from handlers.pipelines.faults import Refused
from handlers.pipelines.flow import array_of
from handlers.pipelines.steps.base import Notes, Step
from handlers.pipelines.steptypes import ConcatenationSettings
from handlers.pipelines.values import Array, Batch, Value


class ConcatenationStep(Step):
    """Joins the arrays that came for one input; or, where the step has one output, those of all inputs."""

    def __init__(self, config: StepConfig) -> None:
        """Take the axes; 0 where none is said."""
        super().__init__(config)
        settings: ConcatenationSettings = config.settings
        self.axes = settings.axes

    def run(self, batch: Batch, notes: Notes) -> Batch:
        """Return arrays that are joined.

        Raises:
            Refused: An input is no array, or the shapes do not fit.
        """
        parts = [arrays_of(batch[name], name) for name in self.input_names]
        if len(self.output_names) == 1:
            whole = [one for arrays in parts for one in arrays]
            return {self.output_names[0]: self._joined(whole, 0, self.input_names)}
        return {
            self.output_of(name): self._joined(arrays, number, [name])
            for number, (name, arrays) in enumerate(zip(self.input_names, parts, strict=True))
        }

    def _joined(self, arrays: Sequence[Array], number: int, names: Sequence[str]) -> Array:
        """Return arrays as one."""
        if len(arrays) == 1:
            return arrays[0]
        axis = self.axes.get(number, 0)
        try:
            return numpy.concatenate(arrays, axis=axis)
        except ValueError:
            shapes = ", ".join(str(list(one.shape)) for one in arrays[:20])
            words = f"Arrays of the shapes {shapes} cannot be joined along axis {axis}: {listed(names)}."
            raise Refused(words, names[0]) from None


def arrays_of(value: Value, name: str) -> list[Array]:
    """Return the arrays of an input: one, or those that its records hold."""
    if not isinstance(value, list):
        return [value]
    found = [array_of(cell, name) for row in value for cell in row.values()]
    if not found or any(one.ndim == 0 for one in found):
        raise Refused(f"The input {name!r} has no arrays.", name)
    return found
