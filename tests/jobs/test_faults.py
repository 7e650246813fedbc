"""Kill any process at any moment: no job is lost, and none is finished twice."""

from __future__ import annotations

import functools
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from handlers.jobs.service import Jobs
from handlers.jobs.tables import Status
from tests.jobs.conftest import RedisServer, Workers, ended, eventually, running
from tests.jobs.test_worker import living


def test_a_killed_job_process_is_replaced_at_once(jobs: Jobs, workers: Workers, tally: Path) -> None:
    """The worker sees its job's process die, and the job starts anew without waiting for a sweep."""
    workers.start(sweep_s=600)
    job = jobs.submit("slow", "x", {"seconds": 0.5, "tally": str(tally)}, owner=None)
    running(jobs, job.id)

    psutil.Process(int(tally.read_text().split()[1])).kill()

    assert {"attempt": 2} == ended(jobs, job.id).results
    assert any("was ended by signal 9" in line.line for line in jobs.logs(job.id))


def test_a_killed_worker_loses_no_job(jobs: Jobs, workers: Workers, tally: Path) -> None:
    """Another worker takes the job over; nothing of the killed one's tree lives on."""
    worker = workers.start()
    job = jobs.submit("slow", "x", {"seconds": 1, "tally": str(tally)}, owner=None)
    running(jobs, job.id)
    below = psutil.Process(worker.pid).children(recursive=True)

    worker.kill()
    worker.wait()

    eventually(lambda: not any(process.is_running() for process in below))
    workers.start()
    assert {"attempt": 2} == ended(jobs, job.id).results
    eventually(lambda: not list((workers.settings.home / "work").glob(f"{job.id}-2")))


def test_a_killed_worker_takes_a_whole_tree_with_it(jobs: Jobs, workers: Workers, tally: Path) -> None:
    """A process that the job started in a session of its own does not outlive the worker."""
    worker = workers.start()
    jobs.submit("forking", "x", {"tally": str(tally)}, owner=None)
    eventually(lambda: len(living(tally)) == 2)

    worker.kill()

    eventually(lambda: not living(tally))


def test_a_killed_forker_is_replaced(jobs: Jobs, workers: Workers, tally: Path) -> None:
    """The worker survives the death of the process that forks, kills what that left, and tries the job again."""
    worker = workers.start()
    job = jobs.submit("forking", "x", {"tally": str(tally), "seconds": 3}, owner=None)
    eventually(lambda: len(living(tally)) == 2)
    before = living(tally)

    psutil.Process(worker.pid).children()[0].kill()

    job = ended(jobs, job.id)
    assert (Status.SUCCEEDED, 2) == (job.status, job.attempt)
    assert not any(map(psutil.pid_exists, before))


@pytest.mark.long
def test_a_job_fails_when_its_workers_keep_dying(jobs: Jobs, workers: Workers, tally: Path) -> None:
    """After `job_attempts` the job fails, and says why."""
    job = jobs.submit("slow", "x", {"seconds": 600, "tally": str(tally)}, owner=None)

    for attempt in (1, 2, 3):
        worker = workers.start()
        eventually(functools.partial(is_running, jobs, job.id, attempt))
        worker.kill()
        worker.wait()
    workers.start()

    job = ended(jobs, job.id)
    assert (Status.FAILED, 3) == (job.status, job.attempt)
    assert "fell silent, at the last of 3 attempts." in job.problem["detail"]


def test_a_wiped_redis_loses_no_job(jobs: Jobs, workers: Workers, tally: Path, redis_server: RedisServer) -> None:
    """Redis is killed and comes back empty: the job that runs ends, and those that waited are queued again."""
    workers.start()
    first = jobs.submit("slow", "x", {"seconds": 2, "tally": str(tally)}, owner=None)
    waiting = [jobs.submit("quick", "x", {}, owner=None) for _ in range(5)]
    running(jobs, first.id)

    redis_server.kill()
    unqueued = jobs.submit("quick", "x", {}, owner=None)
    redis_server.start()

    ends = [ended(jobs, job.id) for job in (first, *waiting, unqueued)]
    assert [(Status.SUCCEEDED, 1)] * 7 == [(job.status, job.attempt) for job in ends]


def test_two_workers_do_not_finish_a_job_twice(jobs: Jobs, workers: Workers, tally: Path) -> None:
    """An id that is dealt out to several workers is claimed by one."""
    for _ in range(2):
        workers.start()
    some = [jobs.submit("slow", "x", {"seconds": 0, "tally": str(tally)}, owner=None) for _ in range(10)]
    for job in some * 3:
        jobs.queue.put(job.id)

    ends = [ended(jobs, job.id) for job in some]

    eventually(lambda: jobs.queue.depth() == 0)
    assert [1] * 10 == [job.attempt for job in ends]
    assert 10 == len(tally.read_text().splitlines())


def test_a_cut_off_worker_cannot_finish_a_job_taken_over(jobs: Jobs, workers: Workers, tally: Path) -> None:
    """A worker that was frozen and comes back changes nothing, and goes on with other jobs."""
    frozen = workers.start()
    job = jobs.submit("slow", "x", {"seconds": 1, "tally": str(tally)}, owner=None)
    running(jobs, job.id)
    frozen.send_signal(signal.SIGSTOP)
    workers.start()
    eventually(lambda: jobs.read(job.id).attempt == 2)

    frozen.send_signal(signal.SIGCONT)

    assert {"attempt": 2} == ended(jobs, job.id).results
    assert ["1", "2"] == [line.split()[0] for line in tally.read_text().splitlines()]
    assert_works(frozen, jobs)
    assert {"attempt": 2} == jobs.read(job.id).results


def is_running(jobs: Jobs, job_id: str, attempt: int) -> bool:
    """Tell whether this attempt of a job runs."""
    job = jobs.read(job_id)
    return (job.status, job.attempt) == (Status.RUNNING, attempt)


def assert_works(worker: subprocess.Popen[bytes], jobs: Jobs) -> None:
    """Submit jobs until this worker does one."""
    ids = {process.pid for process in psutil.Process(worker.pid).children()}
    assert len(ids) == 1, "a worker has one forker"
    names = eventually(
        lambda: [
            job.worker
            for job in [ended(jobs, jobs.submit("quick", "x", {}, owner=None).id)]
            if f"-{worker.pid}-" in str(job.worker)
        ]
    )
    assert names
