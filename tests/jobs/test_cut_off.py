"""What a worker does whose network fails at the worst moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from handlers.errors import StorageUnavailable
from handlers.jobs import transitions
from handlers.jobs.bell import Bell
from handlers.jobs.journal import journal_of
from handlers.jobs.records import Job
from handlers.jobs.runner import Context, outcome
from handlers.jobs.service import Jobs
from handlers.jobs.stable import Stable
from handlers.jobs.supervisor import Supervisor, Watch
from handlers.jobs.tables import Status
from handlers.storage.sql import Database, now

OUT_OF_REACH = (
    OperationalError("SELECT 1", None, Exception("No route to host")),
    StorageUnavailable("It cannot be reached."),
    EndpointConnectionError(endpoint_url="http://s3"),
    ConnectTimeoutError(endpoint_url="http://s3"),
    ReadTimeoutError(endpoint_url="http://s3"),
)


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


def tried(jobs: Jobs, job_id: str, folder: Path, error: Exception) -> Status:
    """Claim a job whose function raises *error*, and return how it stands then."""

    def function(job: Job, context: Context) -> None:
        raise error

    job = claimed(jobs, "one", job_id)
    watch = watch_of(jobs, job, jobs.database)
    watch.answer = outcome(job, {"quick": function}, Context(job, folder, jobs.blobs, 0))
    watch.write_answer()
    return jobs.read(job_id).status


def claimed(jobs: Jobs, worker: str, job_id: str = "") -> Job:
    """Return a job that a worker has claimed: a new one by default."""
    job_id = job_id or jobs.submit("quick", "x", {}, owner=None).id
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


@pytest.mark.parametrize("error", OUT_OF_REACH, ids=lambda error: type(error).__name__)
def test_a_job_that_cannot_reach_its_stores_is_tried_again(jobs: Jobs, tmp_path: Path, error: Exception) -> None:
    """It is given back, until it has been tried often enough; then it fails."""
    job_id = jobs.submit("quick", "x", {}, owner=None).id

    ends = [tried(jobs, job_id, tmp_path, error) for _ in range(jobs.settings.job_attempts)]

    assert [Status.SCHEDULED, Status.SCHEDULED, Status.FAILED] == ends


def test_a_bug_is_not_tried_again(jobs: Jobs, tmp_path: Path) -> None:
    """What is wrong with the job itself ends it at once."""
    job_id = jobs.submit("quick", "x", {}, owner=None).id

    assert Status.FAILED is tried(jobs, job_id, tmp_path, ConnectionError("of the function's own"))


def test_an_end_that_somebody_else_wrote_is_not_taken_for_ones_own(jobs: Jobs) -> None:
    """A job that was cancelled meanwhile has no results, whatever its worker has."""
    job = claimed(jobs, "one")
    watch = watch_of(jobs, job, jobs.database)
    watch.answer = {"results": {"answer": 42}}
    jobs.cancel(job.id)

    assert not watch.write_answer()

    found: dict[str, Any] = vars(jobs.read(job.id))
    assert (Status.CANCELLED, None) == (found["status"], found["results"])
