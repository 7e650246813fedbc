"""The jobs that try model files, as the models see them, which know nothing of jobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection

from handlers.errors import JobExpired, JobNotFound, QueueUnavailable
from handlers.jobs.service import Jobs
from handlers.jobs.tables import Status
from handlers.jobs.watch import Watch
from handlers.models import deployment


class Trials:
    """Submits trials, waits for them, and says what has come of them."""

    def __init__(self, jobs: Jobs, watch: Watch, patience_s: float) -> None:
        """Wait *patience_s* seconds for a job that was just submitted."""
        self._jobs = jobs
        self._watch = watch
        self._patience_s = patience_s

    def submit(self, subject: str, inputs: Mapping[str, Any], beside: Callable[[Connection, str], None]) -> str:
        """Store a job together with what is beside it, and queue it at once; return its id."""
        job = self._jobs.submit(
            deployment.KIND,
            subject,
            dict(inputs),
            owner=None,
            beside=lambda connection, job: beside(connection, job.id),
            prompt=True,
        )
        return job.id

    def wait_a_little(self, job_id: str) -> None:
        """Wait for a job that was just submitted, if there is a seat to wait in."""
        with self._watch.seat() as seated:
            if seated:
                self.wait(job_id, self._patience_s)

    def fault(self) -> str:
        """Say why no file can be tried at the moment; nothing where it can."""
        queue = self._jobs.queue
        try:
            return "" if queue.workers() else "No worker is alive: uploads and large tables wait for one."
        except QueueUnavailable as problem:
            return problem.detail

    def lost(self, job_id: str) -> str | None:
        """Return why a job has ended without a word about its endpoint; None: it has not ended, or with one."""
        try:
            job = self._jobs.read(job_id, all_owners=True)
        except (JobNotFound, JobExpired):
            return "Nobody knows any more what came of loading it."
        if not job.ended or job.status is Status.SUCCEEDED:
            return None
        return str((job.problem or {}).get("detail") or f"Its job was {job.status.value}.")

    def wait(self, job_id: str, within_s: float) -> None:
        """Wait for a job, in a seat that the caller has."""
        self._watch.ended(self._jobs.read(job_id, all_owners=True), within_s)
