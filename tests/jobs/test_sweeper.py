"""What a sweep mends, and what it leaves alone."""

from __future__ import annotations

import os
import threading
from datetime import timedelta

from handlers.jobs import transitions
from handlers.jobs.service import Job, Jobs
from handlers.jobs.sweeper import Sweeper
from handlers.jobs.tables import Status
from handlers.settings import Settings
from handlers.storage.sql import now
from tests.jobs.conftest import RedisServer
from tests.jobs.workshop import jobs_of

LATER = timedelta(seconds=10)


def claimed(jobs: Jobs, job: Job) -> Job:
    """Claim a job as a worker would."""
    with jobs.database.write() as connection:
        found = transitions.claim(connection, job.id, "worker", now())
    assert found is not None
    return found


def test_a_job_that_waits_in_redis_is_left_alone(jobs: Jobs) -> None:
    """However long the queue is, no id is added to it that it holds."""
    job = jobs.submit("quick", "x", {}, owner=None)

    Sweeper(jobs).sweep(now() + LATER)

    assert 1 == jobs.queue.depth()
    assert job.queued == jobs.read(job.id).queued


def test_an_id_that_was_dealt_out_and_never_claimed_is_queued_again(jobs: Jobs) -> None:
    """A worker may die between taking an id and claiming its job."""
    job = jobs.submit("quick", "x", {}, owner=None)
    jobs.queue._redis.blmove(jobs.queue._queue.key, jobs.queue._queue.intermediate_queue_key, 1)

    Sweeper(jobs).sweep(now() + LATER)

    assert {job.id} == jobs.queue.ids()


def test_a_job_that_was_just_queued_is_not_queued_again(jobs: Jobs) -> None:
    """A worker that was dealt an id this moment has the time to claim it."""
    jobs.submit("quick", "x", {}, owner=None)
    jobs.queue._redis.flushall()

    Sweeper(jobs).sweep(now())

    assert 0 == jobs.queue.depth()


def test_a_silent_job_is_scheduled_again_and_a_lively_one_is_not(jobs: Jobs) -> None:
    """Only the time of the last heartbeat decides."""
    job = claimed(jobs, jobs.submit("quick", "x", {}, owner=None))
    assert job.heartbeat is not None

    stale = timedelta(seconds=jobs.settings.job_stale_s)
    Sweeper(jobs).sweep(job.heartbeat + stale / 2)
    lively = jobs.read(job.id)
    Sweeper(jobs).sweep(job.heartbeat + stale * 2)
    silent = jobs.read(job.id)

    assert (Status.RUNNING, "worker") == (lively.status, lively.worker)
    assert (Status.SCHEDULED, 1, None) == (silent.status, silent.attempt, silent.worker)
    assert ["The worker worker fell silent; the job is tried again."] == [line.line for line in jobs.logs(job.id)]


def test_sweepers_in_step_queue_an_id_once(jobs: Jobs, settings: Settings) -> None:
    """Of several sweepers that find the same lost id, one queues it."""
    some = {jobs.submit("quick", "x", {}, owner=None).id for _ in range(20)}
    jobs.queue._redis.flushall()
    time = now() + LATER
    others = [jobs_of(settings) for _ in range(4)]
    threads = [threading.Thread(target=Sweeper(other).sweep, args=(time,)) for other in others]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert some == jobs.queue.ids()
    assert 20 == jobs.queue.depth()
    for other in others:
        other.queue.close()
        other.database.close()


def test_the_work_folders_of_the_dead_are_removed(jobs: Jobs) -> None:
    """A folder goes once nobody works in it; that of a running attempt stays."""
    job = claimed(jobs, jobs.submit("quick", "x", {}, owner=None))
    root = jobs.settings.home / "work"
    for name in (f"{job.id}-1", f"{job.id}-0", "unknown-1"):
        (root / name).mkdir(parents=True)
        os.utime(root / name, (0, 0))

    Sweeper(jobs).tidy()

    assert [f"{job.id}-1"] == [folder.name for folder in root.iterdir()]


def test_without_redis_a_sweep_does_the_rest(jobs: Jobs, redis_server: RedisServer) -> None:
    """Jobs are taken over and expire while Redis is away."""
    job = claimed(jobs, jobs.submit("quick", "x", {}, owner=None))
    redis_server.kill()

    Sweeper(jobs).sweep(now() + LATER)

    assert Status.SCHEDULED == jobs.read(job.id).status
