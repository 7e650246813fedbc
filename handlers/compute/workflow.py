"""The stages of a compute job, one after the other, in the process of its own that a worker has forked.

What an algorithm, its data or its outputs are to blame for is an outcome like any other: the job has then been done,
and its results say that it failed and why, and have the algorithm's log. What is nobody's fault goes up as a problem.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from handlers.compute.outputs import Bounds, Rejected, accepted
from handlers.compute.provision import Provision
from handlers.compute.publishing import Publishing
from handlers.compute.running import Running
from handlers.compute.statuses import TEXTS, Stage
from handlers.compute.work import StageFailed, Work
from handlers.jobs.records import Job
from handlers.jobs.runner import Context

#: What each job would otherwise import for itself: it is imported where jobs are forked.
PRELOAD: Final = ("ecies", "encodings.idna", "httpx", "handlers.sandbox.runner")
#: Percent of the work that is done when a stage begins.
PERCENT: Final = {Stage.CONFIGURING: 5, Stage.RUNNING: 20, Stage.FILTERING: 80, Stage.PUBLISHING: 90}


class Workflow:
    """Does compute jobs."""

    def __init__(self, *, provision: Provision, running: Running, publishing: Publishing, bounds: Bounds) -> None:
        """Take what does the stages, and what the outputs may be."""
        self._provision = provision
        self._running = running
        self._publishing = publishing
        self._bounds = bounds

    def work(self, job: Job, context: Context) -> dict[str, Any]:
        """Do a job; called in a worker.

        Returns:
            `status` (6, or 31 to 35), `reason`, `files` and the `did` of what was published.

        Raises:
            InsufficientStorage: There is no room for its files.
        """
        work = Work(job=job, volume=context.directory / "data")
        try:
            return self._stages(work, context)
        except StageFailed as failed:
            context.log(failed.reason)
            files = self._publishing.keep_log(work, context)
            return {"status": int(failed.stage), "reason": failed.reason, "files": files, "did": ""}

    def _stages(self, work: Work, context: Context) -> dict[str, Any]:
        """Do one stage after the other."""
        begin(context, Stage.CONFIGURING)
        self._provision(work)
        begin(context, Stage.RUNNING)
        self._running(work, context.printed)
        begin(context, Stage.FILTERING)
        files = self._filtered(work)
        begin(context, Stage.PUBLISHING)
        kept = self._publishing.keep(work, files, context)
        did = self._publishing.publish(work, files)
        return {"status": int(Stage.COMPLETED), "reason": "", "files": kept, "did": did}

    def _filtered(self, work: Work) -> list[Any]:
        """Return the outputs that may leave."""
        try:
            return accepted(work.folder("outputs"), work.folder("inputs"), self._bounds)
        except Rejected as rejected:
            raise StageFailed(Stage.REJECTED, str(rejected)) from rejected


def begin(context: Callable[[float, str], None], stage: Stage) -> None:
    """Tell that a stage begins; the worker writes it into the job's row."""
    context(PERCENT[stage], TEXTS[stage])
