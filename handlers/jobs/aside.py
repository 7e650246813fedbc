"""A worker's second hand, for short jobs that somebody waits for while the worker has a long one.

A worker runs one job at a time, and a table of millions of rows or somebody's algorithm may keep it for an hour.
Whoever uploads a model meanwhile waits for a trial of a second, and should not wait for that hour. So a worker that is
busy looks for such jobs, and runs those that nobody has taken within a moment, one after the other. They have a process
of their own, which goes a minute after the last.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy import select

from handlers.jobs.bell import Bell
from handlers.jobs.supervisor import Supervisor
from handlers.jobs.tables import JobRow, Status
from handlers.storage.sql import Database, now

LATE_S: Final = 1.0  # what waits for so long finds all workers busy
LOOK_S: Final = 0.5  # between two looks
REST_S: Final = 60.0  # without such a job, until their process is ended
RETRY_S: Final = 5.0  # wait after something went wrong
GIVE_BACK_S: Final = 5.0  # longest that giving a job back may take a worker that stops

log = structlog.get_logger(__name__)


class Aside:
    """Runs jobs of some kinds beside those of one worker."""

    def __init__(
        self, database: Database, kinds: Collection[str], worker: Supervisor, hire: Callable[[Bell], Supervisor]
    ) -> None:
        """Run jobs of *kinds* while *worker* is busy; *hire* returns who does, with this bell and a stable."""
        self.database = database
        self.kinds = kinds
        self.worker = worker
        self.hire = hire
        self.bell = Bell(over=worker.bell)
        self._hired: Supervisor | None = None
        self._used = 0.0  #: when there was the last such job, by `time.monotonic`
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="aside", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def close(self) -> None:
        """Look no more; a job that runs may end until the worker has to, and is given back then."""
        self._closing.set()
        if not self.worker.bell.stopping():
            self.bell.stop(0)
        if self._thread.is_alive():
            self._thread.join(max(0.0, (self.bell.stop_by or 0) - time.monotonic()) + GIVE_BACK_S)

    def _run(self) -> None:
        """Look now and then, until told to stop; a failure is logged, and looking goes on."""
        pause_s = LOOK_S
        while not self._closing.wait(pause_s):
            try:
                self.look()
                pause_s = LOOK_S
            except Exception:
                log.exception("jobs beside that of a worker cannot be run", worker=self.worker.name)
                pause_s = RETRY_S
        self._let_go()

    def look(self) -> None:
        """Run the job that has waited longest, if the worker is busy and one has waited too long."""
        job_id = self._late() if self.worker.busy and not self.bell.stopping() else None
        if job_id is not None:
            self._hired = self._hired or self.hire(self.bell)
            if not self.bell.stopping():  # hiring takes seconds
                self._hired.run(job_id)
            self._used = time.monotonic()
        if self.bell.stopping() or time.monotonic() > self._used + REST_S:
            self._let_go()

    def _late(self) -> str | None:
        """Return the id of the job that has waited longest, where that is too long."""
        waiting = JobRow.status == Status.SCHEDULED, JobRow.queued < now() - timedelta(seconds=LATE_S)
        wanted = select(JobRow.id).where(*waiting, JobRow.kind.in_(self.kinds)).order_by(JobRow.queued).limit(1)
        with self.database.read() as connection:
            found: str | None = connection.execute(wanted).scalar_one_or_none()
        return found

    def _let_go(self) -> None:
        """End the process of who runs such jobs; another may be hired, unless it is the worker that stops."""
        hired, self._hired = self._hired, None
        if hired is not None:
            hired.stable.close()
        self.bell.resume()
