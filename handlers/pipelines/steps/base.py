"""What all steps have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field

from handlers.pipelines.config import StepConfig
from handlers.pipelines.values import Batch


@dataclass
class Notes:
    """What is learned of one request on its way through the steps, beside its values."""

    sizes: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    """Width and height in pixels of the images that came, in order, by the name of the input."""


class Step(ABC):
    """One step, ready to run."""

    labels: Sequence[str] = ()  #: names of the classes, where a step knows them

    def __init__(self, config: StepConfig) -> None:
        """Be what a configuration says."""
        self.config = config

    @property
    def input_names(self) -> Sequence[str]:
        """Names of what it takes."""
        return self.config.input_names

    @property
    def output_names(self) -> Sequence[str]:
        """Names of what it gives."""
        return self.config.output_names

    def output_of(self, name: str) -> str:
        """Return what the output is called that is made of an input: the one at its place, or the last there is."""
        place = list(self.input_names).index(name)
        return self.output_names[min(place, len(self.output_names) - 1)]

    @abstractmethod
    def run(self, batch: Batch, notes: Notes) -> Batch:
        """Return the outputs for the inputs, both by their names.

        Raises:
            Refused: It can do nothing with these values.
        """
