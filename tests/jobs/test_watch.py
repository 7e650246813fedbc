"""Waiting for jobs to change, and how many may."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from handlers.errors import JobNotFound
from handlers.jobs import transitions
from handlers.jobs.service import Job, Jobs
from handlers.jobs.tables import JobRow, Status
from handlers.jobs.watch import Watch
from handlers.seats import Seats
from handlers.storage.sql import now
from tests.jobs.conftest import eventually


@pytest.fixture
def watch(jobs: Jobs) -> Watch:
    """A place to wait."""
    return Watch(jobs, Seats(8, jobs=4))


def submitted(jobs: Jobs) -> Job:
    """Submit a job."""
    return jobs.submit("quick", "x", {}, owner=None)


def soon(act: Callable[[], object]) -> threading.Timer:
    """Do something when somebody waits."""
    timer = threading.Timer(0.1, act)
    timer.start()
    return timer


def test_a_change_wakes_who_waits(jobs: Jobs, watch: Watch) -> None:
    """The job is returned as it is now, long before the time is over."""
    job = submitted(jobs)
    began = time.monotonic()
    timer = soon(lambda: jobs.cancel(job.id))

    found = watch.changed(job, 30)

    assert Status.CANCELLED == found.status
    assert time.monotonic() - began < 20
    timer.join()


def test_a_change_before_the_wait_is_noticed(jobs: Jobs, watch: Watch) -> None:
    """Nothing is missed between reading a job and waiting for it."""
    job = submitted(jobs)
    jobs.cancel(job.id)

    assert Status.CANCELLED == watch.changed(job, 30).status


def test_without_a_change_the_time_ends_the_wait(jobs: Jobs, watch: Watch) -> None:
    """The job is returned as it was; once nobody waits nobody looks any more."""
    job = submitted(jobs)

    assert job == watch.changed(job, 0.2)
    assert job == watch.ended(job, 0.2)
    eventually(lambda: watch._thread is None)


def test_progress_is_a_change_but_no_end(jobs: Jobs, watch: Watch) -> None:
    """Who waits for the end is not woken for less."""
    job = submitted(jobs)
    with jobs.database.write() as connection:
        claimed = transitions.claim(connection, job.id, "worker", now())
        assert claimed is not None

    def report() -> None:
        with jobs.database.write() as connection:
            transitions.move(connection, claimed, progress=50)

    timer = soon(report)
    assert 50 == watch.changed(claimed, 30).progress
    assert Status.RUNNING == watch.ended(claimed, 0.3).status
    timer.join()


def test_many_wait_for_many_with_one_thread(jobs: Jobs, watch: Watch) -> None:
    """Each is woken for the own job."""
    some = [submitted(jobs) for _ in range(20)]
    with ThreadPoolExecutor(40) as pool:
        waits = [pool.submit(watch.ended, job, 30) for job in some for _ in range(2)]
        eventually(lambda: len(watch._waiting) == 20)
        threads = [thread for thread in threading.enumerate() if thread.name == "watch"]
        for job in some:
            jobs.cancel(job.id)
        found = [wait.result() for wait in waits]

    assert 1 == len(threads)
    assert [job.id for job in some for _ in range(2)] == [job.id for job in found]
    assert {Status.CANCELLED} == {job.status for job in found}


def test_a_job_that_is_forgotten_meanwhile_is_not_found(jobs: Jobs, watch: Watch) -> None:
    """Who waits is told, rather than left waiting."""
    job = submitted(jobs)

    def forget() -> None:
        with jobs.database.write() as connection:
            connection.execute(JobRow.__table__.delete())

    timer = soon(forget)
    with pytest.raises(JobNotFound):
        watch.changed(job, 30)
    timer.join()


def test_whoever_has_waited_gives_the_seat_back(jobs: Jobs) -> None:
    """Where there is one seat, one caller after the other gets it, and no two at a time."""
    watch = Watch(jobs, Seats(4, jobs=1))

    for _ in range(2):
        with watch.seat() as first, watch.seat() as second:
            assert (True, False) == (first, second)
    assert watch.take_seat()
    watch.leave_seat()
