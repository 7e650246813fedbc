"""TransformProcessStep: what DataVec's transform processes do, to records or to the columns of an array."""

from __future__ import annotations

from handlers.pipelines.config import StepConfig
from handlers.pipelines.faults import Unusable
from handlers.pipelines.flow import as_records
from handlers.pipelines.steps.base import Notes, Step
from handlers.pipelines.steps.datavec.process import Process
from handlers.pipelines.steptypes import TransformSettings
from handlers.pipelines.values import Batch


class TransformStep(Step):
    """Runs a process for each input."""

    def __init__(self, config: StepConfig) -> None:
        """Compile the processes.

        Raises:
            Unusable: One has what is not served, or an input has none.
        """
        super().__init__(config)
        settings: TransformSettings = config.settings
        processes = {name: Process(node.anew()) for name, node in settings.processes.items()}
        if len(processes) == len(config.input_names) == 1:
            processes = dict(zip(config.input_names, processes.values(), strict=True))
        if missing := [name for name in config.input_names if name not in processes]:
            words = f"There is no process for the input {missing[0]!r}."
            raise Unusable(words, f"{config.place}/transformProcesses")
        self.processes = processes

    def run(self, batch: Batch, notes: Notes) -> Batch:
        """Return each input's records after its process."""
        found: Batch = {}
        for name in self.input_names:
            process = self.processes[name]
            found[self.output_of(name)] = process.run(as_records(batch[name], process.first.names, name))
        return found
