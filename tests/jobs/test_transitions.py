"""The state machine: whatever order workers, callers and sweepers act in, it stays sound."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from handlers.jobs import transitions
from handlers.jobs.records import Job
from handlers.jobs.tables import ENDED, JobRow, Status
from handlers.storage import migrate
from handlers.storage.sql import Database

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
ID = "0" * 32


class Interleavings(RuleBasedStateMachine):
    """One job, any number of workers that may be cut off, callers that cancel, sweepers that take over.

    A claim in the bundle is what a worker believes; it may be long out of date.
    """

    claims: Bundle[Job] = Bundle("claims")

    def __init__(self) -> None:
        """Begin with an empty store."""
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.database = Database(f"sqlite:///{Path(self.folder.name)}/seamark.sqlite")
        migrate.upgrade(self.database)
        self.time = EPOCH
        self.ends = 0
        self.attempts = [0]
        self.last: Job | None = None

    @initialize()
    def submit(self) -> None:
        """A caller submits the job."""
        values = {"id": ID, "kind": "k", "subject": "s", "inputs": {}, "created": EPOCH, "queued": EPOCH}
        with self.database.write() as connection:
            transitions.add(connection, values)

    @rule(target=claims)
    def claim(self) -> Any:
        """A worker is dealt the id; it gets the job if that waits, and else nothing."""
        self.time += timedelta(seconds=1)
        before = self.job()
        with self.database.write() as connection:
            job = transitions.claim(connection, ID, "worker", self.time)
        assert (job is not None) == (before.status is Status.SCHEDULED)
        return job or multiple()

    @rule(job=claims, progress=st.integers(0, 100))
    def beat(self, job: Job, progress: int) -> None:
        """A worker shows that its job lives; it learns the truth about its claim."""
        self.time += timedelta(seconds=1)
        ours = self.ours(job)
        with self.database.write() as connection:
            assert ours == transitions.move(connection, job, heartbeat=self.time, progress=progress)

    @rule(job=consumes(claims), status=st.sampled_from(sorted(ENDED)))
    def finish(self, job: Job, status: Status) -> None:
        """A worker ends its job, if that still is its job."""
        ours = self.ours(job)
        with self.database.write() as connection:
            ended = transitions.end(connection, job, status=status, finished=self.time, results={"by": job.attempt})
        assert ours == ended
        self.ends += ended

    @rule(job=consumes(claims))
    def give_back(self, job: Job) -> None:
        """A worker that has to stop gives its job back."""
        ours = self.ours(job)
        with self.database.write() as connection:
            assert ours == transitions.schedule_again(connection, job, self.time)

    @rule(silent_s=st.integers(0, 3))
    def take_over(self, silent_s: int) -> None:
        """A sweeper takes the job from a worker that it thinks dead."""
        job = self.job()
        if job.status is Status.RUNNING:
            silent = JobRow.heartbeat < self.time - timedelta(seconds=silent_s)
            with self.database.write() as connection:
                transitions.schedule_again(connection, job, self.time, silent)

    @rule()
    def cancel(self) -> None:
        """The owner cancels."""
        job = self.job()
        if not job.ended:
            with self.database.write() as connection:
                assert transitions.end(connection, job, status=Status.CANCELLED, finished=self.time)
            self.ends += 1

    @rule()
    def restart(self) -> None:
        """The owner starts a cancelled job again."""
        job = self.job()
        if job.status is Status.CANCELLED:
            with self.database.write() as connection:
                assert transitions.move(connection, job, status=Status.SCHEDULED, queued=self.time, finished=None)
            self.ends -= 1
            self.last = None

    @invariant()
    def an_attempt_never_falls(self) -> None:
        """Attempts are counted up, one by one."""
        if self.started():
            self.attempts.append(self.job().attempt)
        assert sorted(self.attempts) == self.attempts

    @invariant()
    def an_end_is_the_end(self) -> None:
        """The job ends at most once, and from then on nothing changes, unless its owner starts it again."""
        if not self.started():
            return
        job = self.job()
        assert self.ends == job.ended
        if self.last is not None and self.last.ended:
            assert self.last == job
        self.last = job

    def started(self) -> bool:
        """Tell whether the job was submitted yet."""
        with self.database.read() as connection:
            return transitions.find(connection, ID) is not None

    def job(self) -> Job:
        """Return the job as it stands."""
        with self.database.read() as connection:
            job = transitions.find(connection, ID)
        assert job is not None
        return job

    def ours(self, job: Job) -> bool:
        """Tell whether what a worker believes of the job still holds."""
        truth = self.job()
        return (truth.status, truth.attempt) == (job.status, job.attempt)

    def teardown(self) -> None:
        """Remove the store."""
        self.database.close()
        self.folder.cleanup()


TestInterleavings = Interleavings.TestCase
TestInterleavings.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
