"""What a worker process makes of a job."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import psutil
import pytest

from handlers.errors import AlreadyFinished
from handlers.jobs.service import Jobs
from handlers.jobs.tables import Status
from tests.jobs.conftest import RedisServer, Workers, ended, eventually, running


def test_a_quick_job_succeeds(shared_jobs: Jobs) -> None:
    """What was submitted comes back as results, with all its times in order."""
    job = shared_jobs.submit("quick", "echo", {"a": ["ü", None, 1.5]}, owner="ann")

    job = ended(shared_jobs, job.id)
    assert Status.SUCCEEDED == job.status, job.problem
    assert {"a": ["ü", None, 1.5]} == job.results["inputs"]
    assert (1, 100) == (job.attempt, job.progress)
    assert job.started is not None
    assert job.finished is not None
    assert job.created <= job.started <= job.finished


@pytest.mark.parametrize(
    ("how", "title", "detail"),
    [
        ("problem", "OperationFailed", "The column is missing."),
        ("bug", "InternalError", "The job failed on the server; its log and the server's say more."),
        ("exit", "InternalError", "The job failed on the server; its log and the server's say more."),
        ("values", "InternalError", "The job failed on the server; its log and the server's say more."),
        ("nan", "InternalError", "The job failed on the server; its log and the server's say more."),
    ],
)
def test_a_job_that_raises_fails(shared_jobs: Jobs, how: str, title: str, detail: str) -> None:
    """A problem is shown as it was raised; of anything else the caller learns no more than that it happened."""
    job = ended(shared_jobs, shared_jobs.submit("failing", how, {"how": how}, owner=None).id)

    assert (Status.FAILED, 1) == (job.status, job.attempt)
    assert title == job.problem["type"].rpartition("/")[2]
    assert detail == job.problem["detail"]
    assert "secret" not in str(job)


def test_a_job_whose_process_dies_is_tried_again(shared_jobs: Jobs) -> None:
    """A process that ends without an answer is tried `job_attempts` times; then the job fails and says why."""
    job = ended(shared_jobs, shared_jobs.submit("failing", "dying", {"how": "dies"}, owner=None).id)

    assert (Status.FAILED, 3) == (job.status, job.attempt)
    assert (
        "The process of the job ended without an answer (exit code 7), at each of 3 attempts." == job.problem["detail"]
    )


def test_an_unknown_kind_fails(shared_jobs: Jobs) -> None:
    """A job that no worker knows how to do ends, rather than waiting for ever."""
    job = ended(shared_jobs, shared_jobs.submit("nonsense", "x", None, owner=None).id)

    assert (Status.FAILED, "This worker knows no jobs of the kind nonsense.") == (job.status, job.problem["detail"])


def test_progress_is_seen_while_the_job_runs(shared_jobs: Jobs, tally: Path) -> None:
    """What a job reports can be read before it ends."""
    job = running(shared_jobs, shared_jobs.submit("slow", "x", {"seconds": 0.6, "tally": str(tally)}, owner=None).id)

    assert (50, "attempt 1") == (job.progress, job.message)
    assert {"attempt": 1} == ended(shared_jobs, job.id).results


def test_what_a_job_prints_goes_to_its_log(shared_jobs: Jobs) -> None:
    """Lines that it logs, prints and has programs print are there, each once; the printed ones in order."""
    job = ended(shared_jobs, shared_jobs.submit("printing", "x", {"lines": 3}, owner=None).id)

    lines = [line.line for line in shared_jobs.logs(job.id)]
    assert Status.SUCCEEDED == job.status
    assert ["from a program", "line 0", "line 1", "line 2", "no newline"] == [
        line for line in lines if line != "logged"
    ]
    assert 1 == lines.count("logged")


def test_the_log_of_a_job_is_bounded(jobs: Jobs, workers: Workers) -> None:
    """A job that prints without end is neither stopped nor does it fill the store; its log says that it was cut."""
    workers.start(job_log_bytes=10_000)

    job = ended(jobs, jobs.submit("printing", "x", {"lines": 100_000}, owner=None).id)

    lines = [line.line for line in jobs.logs(job.id)]
    assert Status.SUCCEEDED == job.status
    assert sum(map(len, lines)) < 10_000
    assert "The log has reached its bound of 10000 bytes; the rest is left out." == lines[-1]


def test_logs_continue_where_the_last_call_ended(shared_jobs: Jobs) -> None:
    """Whoever reads a log page by page sees each line once."""
    job = ended(shared_jobs, shared_jobs.submit("printing", "x", {"lines": 8}, owner=None).id)
    whole = shared_jobs.logs(job.id)

    first = shared_jobs.logs(job.id, limit=4)
    second = shared_jobs.logs(job.id, after=first[-1].id)

    assert list(whole) == [*first, *second]


def test_a_kept_file_stays_and_the_work_folder_goes(shared_jobs: Jobs) -> None:
    """What a job keeps is a blob that names the job and the attempt; its folder is removed once it has ended."""
    job = ended(shared_jobs, shared_jobs.submit("keeping", "x", {}, owner=None).id)

    assert f"jobs/{job.id}/1/result.txt" == job.results["blob"]
    with shared_jobs.blobs.open(job.results["blob"]) as blob:
        assert b"kept" == blob.read()
    eventually(lambda: not Path(job.results["directory"]).exists())


def test_a_job_that_outlives_its_time_fails(jobs: Jobs, workers: Workers, tally: Path) -> None:
    """After `job_timeout_s` the job is ended, with all that it started, and not tried again."""
    workers.start(job_timeout_s=0.7)

    job = ended(jobs, jobs.submit("forking", "x", {"tally": str(tally)}, owner=None).id)

    assert (Status.FAILED, 1) == (job.status, job.attempt)
    assert "TimedOut" == job.problem["type"].rpartition("/")[2]
    assert not living(tally)


def test_cancel_kills_the_whole_tree(shared_jobs: Jobs, tally: Path) -> None:
    """A grandchild that left the session ends with the job, and the worker goes on to the next."""
    job = shared_jobs.submit("forking", "x", {"tally": str(tally)}, owner=None)
    eventually(lambda: len(living(tally)) == 2)

    cancelled = shared_jobs.cancel(job.id)

    assert Status.CANCELLED == cancelled.status
    eventually(lambda: not living(tally))
    assert Status.SUCCEEDED == ended(shared_jobs, shared_jobs.submit("quick", "x", {}, owner=None).id).status
    assert Status.CANCELLED == shared_jobs.read(job.id).status
    with pytest.raises(AlreadyFinished):
        shared_jobs.cancel(shared_jobs.list()[0].id)


def test_cancel_reaches_the_worker_without_redis_at_its_next_heartbeat(
    jobs: Jobs, workers: Workers, tally: Path, redis_server: RedisServer
) -> None:
    """The message over Redis only makes it sooner."""
    workers.start()
    job = jobs.submit("forking", "x", {"tally": str(tally)}, owner=None)
    eventually(lambda: len(living(tally)) == 2)
    redis_server.kill()

    jobs.cancel(job.id)

    eventually(lambda: not living(tally), within_s=5)


def test_what_a_job_left_running_ends_with_it(shared_jobs: Jobs, tally: Path) -> None:
    """A job that succeeds cannot leave a process behind."""
    job = shared_jobs.submit("forking", "x", {"tally": str(tally), "seconds": 0.5}, owner=None)
    eventually(lambda: len(living(tally)) == 2)

    assert Status.SUCCEEDED == ended(shared_jobs, job.id).status
    assert not living(tally)


def test_a_cancelled_job_that_waits_never_runs(jobs: Jobs, workers: Workers) -> None:
    """Its id is dealt out all the same, and nobody can claim it."""
    job = jobs.submit("quick", "x", {}, owner=None)
    jobs.cancel(job.id)
    workers.start()

    ended(jobs, jobs.submit("quick", "x", {}, owner=None).id)

    job = jobs.read(job.id)
    assert (Status.CANCELLED, 0) == (job.status, job.attempt)


def test_a_worker_that_is_told_to_stop_finishes_its_job(jobs: Jobs, workers: Workers, tally: Path) -> None:
    """SIGTERM lets a job end that needs less than `drain_s`."""
    worker = workers.start()
    job = jobs.submit("slow", "x", {"seconds": 1, "tally": str(tally)}, owner=None)
    running(jobs, job.id)

    worker.send_signal(signal.SIGTERM)

    assert 0 == worker.wait(20)
    job = jobs.read(job.id)
    assert (Status.SUCCEEDED, 1) == (job.status, job.attempt)


@pytest.mark.long
def test_a_worker_that_must_stop_gives_its_job_back(jobs: Jobs, workers: Workers, tally: Path) -> None:
    """After `drain_s` the job is scheduled again, and another worker does it."""
    worker = workers.start(drain_s=0.3)
    job = jobs.submit("slow", "x", {"seconds": 2, "tally": str(tally)}, owner=None)
    running(jobs, job.id)

    worker.send_signal(signal.SIGTERM)

    assert 0 == worker.wait(20)
    assert Status.SCHEDULED == jobs.read(job.id).status
    workers.start()
    assert {"attempt": 2} == ended(jobs, job.id).results


def test_an_idle_worker_stops_at_once(workers: Workers) -> None:
    """SIGTERM to a worker that waits does not wait for `drain_s`."""
    worker = workers.start(drain_s=600)

    worker.send_signal(signal.SIGTERM)

    assert 0 == worker.wait(20)


def living(tally: Path) -> list[int]:
    """Return which of the processes that a job noted still live."""
    noted = re.findall(r"\d+", tally.read_text()) if tally.exists() else []
    return [pid for pid in map(int, noted) if psutil.pid_exists(pid)]
