"""A worker whose jobs stop where they are told to: when a stage begins for which there is a gate.

That of the status *completed* is reached when all is published, and nobody has been told yet.

`python -m tests.compute.gated` takes its settings from the environment, and the folder of the gates from GATES.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from handlers import worker
from handlers.compute import workflow
from handlers.compute.publishing import Publishing
from handlers.compute.statuses import Stage
from handlers.services import start


class Gates:
    """Files by which a test and a job talk."""

    def __init__(self, folder):
        self.folder = Path(folder)

    def close(self, stage):
        """Have the next job wait when it begins a stage."""
        (self.folder / str(int(stage))).touch()

    def open(self, stage):
        """Let it go on."""
        (self.folder / str(int(stage))).unlink()

    def reached(self, stage):
        """Tell whether a job waits there."""
        return (self.folder / f"reached-{int(stage)}").exists()

    def wait(self, stage):
        """Wait at a gate, if there is one."""
        gate = self.folder / str(int(stage))
        if gate.exists():
            (self.folder / f"reached-{int(stage)}").touch()
        while gate.exists():
            time.sleep(0.01)


def kinds(settings):
    """Return what does jobs, gates put between its stages; called where jobs are forked."""
    begin, publish, gates = workflow.begin, Publishing.publish, Gates(os.environ["GATES"])

    def begin_and_wait(context, stage):
        begin(context, stage)
        gates.wait(stage)

    def publish_and_wait(*given):
        did = publish(*given)
        gates.wait(Stage.COMPLETED)
        return did

    workflow.begin = begin_and_wait
    Publishing.publish = publish_and_wait
    return worker.kinds(settings)


if __name__ == "__main__":
    here = start()
    try:
        worker.serve(here.jobs, "tests.compute.gated:kinds", worker.PROMPT)
    finally:
        here.close()
