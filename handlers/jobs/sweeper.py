"""Mend what the loss of a process or of Redis broke, and remove what is past its time.

Any number of processes may sweep at once: each step is conditional on the row being as it was seen.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import ColumnElement, delete, insert, select

from handlers.errors import InternalError, QueueUnavailable
from handlers.jobs import transitions
from handlers.jobs.records import Job, job_from
from handlers.jobs.service import Jobs
from handlers.jobs.tables import JobLogRow, JobRow, Status
from handlers.observability import count_job
from handlers.storage.sql import now

BATCH: Final = 500  # rows that are read at once

log = structlog.get_logger(__name__)


class Sweeper:
    """Sweeps after the jobs of one store."""

    def __init__(self, jobs: Jobs) -> None:
        """Sweep after *jobs*."""
        self.jobs = jobs
        self.database = jobs.database
        self.queue = jobs.queue
        self.settings = jobs.settings

    def run(self, stop: threading.Event) -> None:
        """Sweep every `sweep_s` seconds until told to stop; a failure is logged, and the next sweep tries again."""
        while not stop.is_set():
            try:
                self.sweep(now())
            except Exception:
                log.exception("sweep failed")
            stop.wait(self.settings.sweep_s)

    def sweep(self, time: datetime) -> None:
        """Sweep once, as of *time*."""
        self.take_over(time)
        self.queue_again(time)
        self.expire(time)
        self.bury(time)
        self.tidy()

    def take_over(self, time: datetime) -> None:
        """Schedule the jobs whose worker fell silent, or fail those that were tried often enough."""
        silent = JobRow.heartbeat < time - timedelta(seconds=self.settings.job_stale_s)
        for job in self._find(JobRow.status == Status.RUNNING, silent):
            reason = f"The worker {job.worker} fell silent"
            if job.attempt < self.settings.job_attempts:
                self._schedule_again(job, time, silent, f"{reason}; the job is tried again.")
            else:
                problem = InternalError(f"{reason}, at the last of {job.attempt} attempts.")
                self._fail(job, time, silent, problem)

    def queue_again(self, time: datetime) -> None:
        """Queue the scheduled jobs that Redis does not hold, though it has had the time to."""
        waiting = JobRow.status == Status.SCHEDULED
        overdue = JobRow.queued < time - timedelta(seconds=self.settings.sweep_s)
        with self.database.read() as connection:
            ids = connection.execute(select(JobRow.id).where(waiting, overdue).order_by(JobRow.queued)).scalars().all()
        if not ids:
            return
        try:
            held = self.queue.ids()
            for job_id in ids:
                if job_id not in held and self._touch(job_id, time, waiting, overdue):
                    self.queue.put(job_id)
        except QueueUnavailable:
            log.warning("jobs wait for the queue to come back", jobs=len(ids))

    def expire(self, time: datetime) -> None:
        """Purge the ended jobs that were kept long enough."""
        for job in self._find(JobRow.purged.is_(None), JobRow.expires <= time):
            self.jobs.purge(job, time)

    def bury(self, time: datetime) -> None:
        """Remove the rows of purged jobs once they were kept for as long again."""
        forgotten = JobRow.purged <= time - timedelta(seconds=self.settings.job_retention_s)
        with self.database.read() as connection:
            found = connection.execute(select(JobRow.id).where(forgotten).limit(1)).one_or_none()
        if found:
            with self.database.write() as connection:
                connection.execute(delete(JobRow).where(forgotten))

    def tidy(self) -> None:
        """Remove the work folders that a killed worker left on this machine."""
        root = self.settings.home.resolve() / "work"
        cutoff = time.time() - self.settings.job_stale_s
        for folder in root.iterdir() if root.is_dir() else ():
            job_id, _, attempt = folder.name.rpartition("-")
            with self.database.read() as connection:
                job = transitions.find(connection, job_id)
            lives = job is not None and job.status is Status.RUNNING and str(job.attempt) == attempt
            if not lives and folder.lstat().st_mtime < cutoff:
                shutil.rmtree(folder, ignore_errors=True)

    def _find(self, *where: ColumnElement[bool]) -> Iterator[Job]:
        """Return some of the jobs that a condition selects; the next sweep finds the others."""
        with self.database.read() as connection:
            rows = connection.execute(select(JobRow.__table__).where(*where).limit(BATCH)).all()
        return map(job_from, rows)

    def _touch(self, job_id: str, time: datetime, *seen: ColumnElement[bool]) -> bool:
        """Note that an id is queued now; False: another sweeper was faster, or the job is no longer waiting."""
        with self.database.write() as connection:
            job = transitions.find(connection, job_id)
            return job is not None and transitions.move(connection, job, *seen, queued=time)

    def _schedule_again(self, job: Job, time: datetime, silent: ColumnElement[bool], reason: str) -> None:
        """Give the job of a dead worker to the others."""
        with self.database.write() as connection:
            done = transitions.schedule_again(connection, job, time, silent)
            if done:
                line = {"job": job.id, "attempt": job.attempt, "time": time, "line": reason}
                connection.execute(insert(JobLogRow), line)
        if done:
            log.warning("job taken over", job=job.id, worker=job.worker, attempt=job.attempt)
            try:
                self.queue.put(job.id)
            except QueueUnavailable:
                log.warning("job waits for the queue to come back", job=job.id)

    def _fail(self, job: Job, time: datetime, silent: ColumnElement[bool], problem: InternalError) -> None:
        """End the job of a dead worker that was the last to try."""
        expires = time + timedelta(seconds=self.settings.job_retention_s)
        values = {"finished": time, "expires": expires, "problem": problem.as_document()}
        with self.database.write() as connection:
            done = transitions.end(connection, job, silent, status=Status.FAILED, **values)
        if done:
            count_job(job.subject, Status.FAILED.value, job.ran_s(time))
