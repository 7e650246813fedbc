"""What a worker does whose network fails at the worst moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from handlers.jobs import transitions
from handlers.jobs.bell import Bell
from handlers.jobs.journal import journal_of
from handlers.jobs.records import Job
from handlers.jobs.service import Jobs
from handlers.jobs.stable import Stable
from handlers.jobs.supervisor import Supervisor, Watch
from handlers.jobs.tables import Status
from handlers.storage.sql import Database, now


class Deaf(Database):
    """A database that commits once more, and is cut off before it can say so."""

    cut = False

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Commit, and raise what the driver raises when the answer does not come."""
        with super().write() as connection:
            yield connection
        if not self.cut:
            self.cut = True
            raise OperationalError("COMMIT", None, Exception("server closed the connection unexpectedly"))


def watch_of(jobs: Jobs, job: Job, database: Database) -> Watch:
    """Return what looks after a job that the worker "one" has claimed."""
    supervisor = Supervisor("one", Bell(), cast(Stable, None), jobs, lambda _: None)
    supervisor.database = database
    with jobs.database.read() as connection:
        return Watch(supervisor, job, journal_of(connection, job, 1000))


def claimed(jobs: Jobs, worker: str) -> Job:
    """Return a new job that a worker has claimed."""
    job_id = jobs.submit("quick", "x", {}, owner=None).id
    with jobs.database.write() as connection:
        job = transitions.claim(connection, job_id, worker, now())
    assert job is not None, "nobody else wants it"
    return job


def test_a_job_is_ended_though_nobody_heard_of_the_commit(jobs: Jobs) -> None:
    """The worker finds its own end in the row, and keeps the results that this names."""
    job = claimed(jobs, "one")
    database = Deaf(jobs.database.url)
    watch = watch_of(jobs, job, database)
    watch.answer = {"results": {"answer": 42}}

    assert watch.write_answer()

    found = jobs.read(job.id)
    assert (Status.SUCCEEDED, 1, {"answer": 42}) == (found.status, found.attempt, found.results)
    database.close()


def test_an_end_that_somebody_else_wrote_is_not_taken_for_ones_own(jobs: Jobs) -> None:
    """A job that was cancelled meanwhile has no results, whatever its worker has."""
    job = claimed(jobs, "one")
    watch = watch_of(jobs, job, jobs.database)
    watch.answer = {"results": {"answer": 42}}
    jobs.cancel(job.id)

    assert not watch.write_answer()

    found: dict[str, Any] = vars(jobs.read(job.id))
    assert (Status.CANCELLED, None) == (found["status"], found["results"])
