"""Wait for jobs to change: one thread looks at all that are waited for, and wakes who waits.

Whoever waits keeps a thread of a web process, and so takes a seat (`seats.py`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final

import structlog
from sqlalchemy import select

from handlers.jobs.records import Job
from handlers.jobs.service import Jobs
from handlers.jobs.tables import JobRow
from handlers.seats import JOBS, Seats

LOOK_S: Final = 0.05  # between two looks at what is waited for

Mark = tuple[Any, ...]  #: what of a job is compared: two marks that differ are two states

log = structlog.get_logger(__name__)


class Watch:
    """Where the callers of one web process wait."""

    def __init__(self, jobs: Jobs, seats: Seats) -> None:
        """Wait for changes of *jobs* in *seats*."""
        self.jobs = jobs
        self._seats = seats
        self._change = threading.Condition()
        self._marks: dict[str, Mark | None] = {}  # of the jobs that are waited for, as they were seen last
        self._waiting: dict[str, int] = {}
        self._thread: threading.Thread | None = None

    def take_seat(self) -> bool:
        """Take a seat, if one is free; whoever has one gives it back with `leave_seat`."""
        return self._seats.take(JOBS)

    def leave_seat(self) -> None:
        """Give a seat back."""
        self._seats.leave(JOBS)

    def seat(self) -> AbstractContextManager[bool]:
        """Take a seat for what is done inside, if one is free, and tell whether it was."""
        return self._seats.taken(JOBS)

    def ended(self, job: Job, within_s: float) -> Job:
        """Return a job once it has ended, or as it stands when the time is over."""
        end = time.monotonic() + within_s
        while not job.ended and (left := end - time.monotonic()) > 0:
            job = self.changed(job, left)
        return job

    def changed(self, job: Job, within_s: float) -> Job:
        """Return a job as soon as it is not as it was seen, or as it stands when the time is over.

        Raises:
            JobNotFound, JobExpired: It is there no longer.
        """
        seen = mark_of(job)
        with self._watched(job.id), self._change:
            self._change.wait_for(lambda: self._marks.get(job.id) not in (None, seen), within_s)
        return self.jobs.read(job.id, all_owners=True)

    @contextmanager
    def _watched(self, job_id: str) -> Iterator[None]:
        """Have a job looked at."""
        with self._change:
            self._waiting[job_id] = self._waiting.get(job_id, 0) + 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._look, name="watch", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._change:
                self._waiting[job_id] -= 1
                if not self._waiting[job_id]:
                    del self._waiting[job_id]
                    self._marks.pop(job_id, None)

    def _look(self) -> None:
        """Look at what is waited for until nobody waits any more."""
        while ids := self._still_waited_for():
            try:
                found = self._read(ids)
            except Exception:
                log.exception("jobs cannot be watched")
                found = {}
            with self._change:
                self._marks |= {job_id: mark for job_id, mark in found.items() if job_id in self._waiting}
                self._change.notify_all()
            time.sleep(LOOK_S)

    def _still_waited_for(self) -> list[str]:
        """Return the ids that are waited for; none means that this thread ends."""
        with self._change:
            if not self._waiting:
                self._thread = None
            return list(self._waiting)

    def _read(self, ids: list[str]) -> dict[str, Mark]:
        """Return the marks of jobs; one that is gone has a mark of its own."""
        columns = (JobRow.id, JobRow.status, JobRow.attempt, JobRow.progress, JobRow.message, JobRow.purged)
        with self.jobs.database.read() as connection:
            rows = connection.execute(select(*columns).where(JobRow.id.in_(ids))).all()
        return dict.fromkeys(ids, ()) | {row.id: tuple(row[1:]) for row in rows}


def mark_of(job: Job) -> Mark:
    """Return what of a job is compared."""
    return (job.status, job.attempt, job.progress, job.message, job.purged)
