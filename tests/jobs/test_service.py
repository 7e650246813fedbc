"""Submit, read, list, cancel, remove: what a caller of the jobs sees, without a worker."""

from __future__ import annotations

import secrets
import time
from datetime import timedelta

import pytest
from sqlalchemy import update

from handlers.errors import Conflict, InputInvalid, JobExpired, JobNotFound, NotFinished, TooManyRequests
from handlers.jobs import transitions
from handlers.jobs.service import Job, Jobs
from handlers.jobs.sweeper import Sweeper
from handlers.jobs.tables import JobRow, Status
from handlers.storage.sql import now
from tests.jobs.conftest import RedisServer


def submitted(jobs: Jobs, owner: str | None = None) -> Job:
    """Submit a job that no worker takes up."""
    return jobs.submit("quick", "x", {"a": 1}, owner=owner)


def finished(jobs: Jobs, owner: str | None = None) -> Job:
    """Have a job that succeeded, without a worker."""
    job = submitted(jobs, owner)
    time = now()
    expires = time + timedelta(seconds=jobs.settings.job_retention_s)
    with jobs.database.write() as connection:
        claimed = transitions.claim(connection, job.id, "worker", time)
        assert claimed is not None
        values = {"results": {"b": 2}, "finished": time, "expires": expires}
        assert transitions.end(connection, claimed, status=Status.SUCCEEDED, **values)
    return jobs.read(job.id, all_owners=True)


def test_submit_stores_and_queues(jobs: Jobs) -> None:
    """A job can be read as it was returned, and its id waits in the queue."""
    job = submitted(jobs, "ann")

    assert job == jobs.read(job.id, owner="ann")
    assert (Status.SCHEDULED, 0, 0, {"a": 1}) == (job.status, job.attempt, job.progress, job.inputs)
    assert jobs.queue.holds(job.id)
    assert (1, 1) == (jobs.waiting(), jobs.queue.depth())


def test_submit_succeeds_without_redis(jobs: Jobs, redis_server: RedisServer) -> None:
    """The row is kept, at once, and the sweeper queues it when Redis is back."""
    redis_server.kill()

    began = time.monotonic()
    job = submitted(jobs)
    took = time.monotonic() - began
    redis_server.start()
    Sweeper(jobs).sweep(now() + timedelta(seconds=1))

    assert took < 5, "the caller does not wait for Redis"
    assert Status.SCHEDULED == jobs.read(job.id).status
    assert {job.id} == jobs.queue.ids()


def test_submit_the_same_job_twice_gives_the_first(jobs: Jobs) -> None:
    """A job with an id of the caller's can be submitted again after a doubt; another one under that id is refused."""
    job_id = secrets.token_hex(16)
    first = jobs.submit("quick", "x", {}, owner="ann", job_id=job_id)

    assert first == jobs.submit("quick", "x", {}, owner="ann", job_id=job_id)
    with pytest.raises(Conflict):
        jobs.submit("quick", "y", {}, owner="ann", job_id=job_id)


def test_submit_refuses_when_too_many_wait(jobs: Jobs) -> None:
    """Beyond `queue_limit` the answer is 429 and says when to try again; what runs does not count."""
    jobs.settings = jobs.settings.model_copy(update={"queue_limit": 2})
    finished(jobs)
    submitted(jobs)
    submitted(jobs)

    with pytest.raises(TooManyRequests) as caught:
        submitted(jobs)

    assert "10" == caught.value.headers["Retry-After"]
    assert 2 == jobs.waiting()


@pytest.mark.parametrize("call", ["read", "cancel", "logs", "remove"])
def test_the_job_of_another_does_not_exist(jobs: Jobs, call: str) -> None:
    """Nothing tells a stranger whether an id is that of a job; an owner of None is no master key."""
    job = finished(jobs, "ann")

    for job_id, owner in ((job.id, "bob"), (job.id, None), ("0" * 32, "ann")):
        with pytest.raises(JobNotFound):
            getattr(jobs, call)(job_id, owner=owner)
    assert job == jobs.read(job.id, owner="ann")
    assert job == jobs.read(job.id, all_owners=True)


def test_a_job_without_an_owner_is_anybodys_who_knows_its_id(jobs: Jobs) -> None:
    """Strangers submit jobs too; the id is what they hold."""
    job = submitted(jobs)

    assert job == jobs.read(job.id, owner="ann")
    assert [] == list(jobs.list(owner="ann"))


def test_list_gives_the_newest_first_page_by_page(jobs: Jobs) -> None:
    """Pages that follow each other's cursors hold each job of the owner once, also those of one instant."""
    mine = [submitted(jobs, "ann").id for _ in range(7)]
    submitted(jobs, "bob")
    with jobs.database.write() as connection:
        connection.execute(update(JobRow).where(JobRow.id.in_(mine[:4])).values(created=now()))

    pages: list[Job] = []
    cursor = None
    while page := jobs.list(owner="ann", limit=3, before=cursor):
        pages += page
        cursor = page[-1].cursor

    assert sorted(mine) == sorted(job.id for job in pages)
    assert sorted(pages, key=lambda job: (job.created, job.id), reverse=True) == pages
    assert 8 == len(jobs.list(all_owners=True))


@pytest.mark.parametrize("cursor", ["", "x", "2026-01-01/abc", "/"])
def test_list_refuses_what_is_no_cursor(jobs: Jobs, cursor: str) -> None:
    """A made-up cursor is a fault of the input, not of the server."""
    with pytest.raises(InputInvalid):
        jobs.list(owner="ann", before=cursor)


def test_after_its_time_a_job_is_gone_and_then_forgotten(jobs: Jobs) -> None:
    """Expired is 410 even before the sweep; inputs and results go with it, and after as long again so does the row."""
    job = finished(jobs, "ann")
    retention = timedelta(seconds=jobs.settings.job_retention_s)
    assert job.expires is not None
    path = jobs.settings.home / "file"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("kept")
    jobs.blobs.put(f"{job.blobs}/file", path)

    Sweeper(jobs).sweep(job.expires + timedelta(seconds=1))

    with jobs.database.read() as connection:
        tombstone = transitions.find(connection, job.id)
    assert tombstone is not None
    assert (None, None, Status.SUCCEEDED) == (tombstone.inputs, tombstone.results, tombstone.status)
    with pytest.raises(FileNotFoundError):
        jobs.blobs.open(f"{job.blobs}/file")
    Sweeper(jobs).sweep(job.expires + retention + timedelta(seconds=2))
    with pytest.raises(JobNotFound):
        jobs.read(job.id, owner="ann")


def test_an_expired_job_is_gone_before_any_sweep(jobs: Jobs) -> None:
    """The time decides, not the sweeper."""
    job = finished(jobs, "ann")
    with jobs.database.write() as connection:
        transitions.move(connection, job, expires=now())

    for call in (jobs.read, jobs.cancel, jobs.logs, jobs.remove):
        with pytest.raises(JobExpired):
            call(job.id, owner="ann")
    assert [] == list(jobs.list(owner="ann"))
    with pytest.raises(JobNotFound):
        jobs.read(job.id, owner="bob")


def test_remove_forgets_an_ended_job(jobs: Jobs) -> None:
    """Its owner may have a job forgotten before its time; one that has not ended has to be cancelled first."""
    job = submitted(jobs, "ann")

    with pytest.raises(NotFinished):
        jobs.remove(job.id, owner="ann")
    jobs.cancel(job.id, owner="ann")
    jobs.remove(job.id, owner="ann")

    with pytest.raises(JobExpired):
        jobs.read(job.id, owner="ann")


def test_cancel_twice_is_no_error(jobs: Jobs) -> None:
    """Whoever repeats a cancel that went through is told the same again."""
    job = submitted(jobs)

    assert jobs.cancel(job.id) == jobs.cancel(job.id)
