"""Short jobs that somebody waits for, beside the long one of a worker."""

from __future__ import annotations

import select
import signal
import subprocess
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from handlers.jobs import aside
from handlers.jobs.aside import Aside
from handlers.jobs.bell import Bell
from handlers.jobs.service import Jobs
from handlers.jobs.tables import Status
from tests.jobs.conftest import Workers, ended, eventually, running

LONG_S = 600


def busy(jobs: Jobs, tally: Path, seconds: float = LONG_S) -> str:
    """Give the only worker a long job, and return its id."""
    job = jobs.submit("slow", "x", {"seconds": seconds, "tally": str(tally)}, owner=None)
    return running(jobs, job.id).id


def urgent(jobs: Jobs, seconds: float = 0) -> str:
    """Submit a job that somebody waits for, and return its id."""
    return jobs.submit("urgent", "x", {"seconds": seconds}, owner=None, prompt=True).id


def under_way(jobs: Jobs, job_id: str) -> bool:
    """Tell whether a job runs."""
    return jobs.read(job_id).status is Status.RUNNING


def forkers(worker: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Return the processes that fork a worker's jobs, the one that is always there first."""
    return sorted(psutil.Process(worker.pid).children(), key=psutil.Process.create_time)


def test_it_does_not_wait_for_the_long_one(jobs: Jobs, workers: Workers, tally: Path) -> None:
    """It ends while the long one goes on; others wait as before, and an idle worker takes what comes by itself."""
    worker = workers.start()
    assert Status.SUCCEEDED == ended(jobs, urgent(jobs)).status
    assert 1 == len(forkers(worker))
    long = busy(jobs, tally)
    other = jobs.submit("quick", "x", {}, owner=None).id

    first, second = urgent(jobs), urgent(jobs)

    assert Status.SUCCEEDED == ended(jobs, first).status == ended(jobs, second).status
    assert under_way(jobs, long)
    assert Status.SCHEDULED == jobs.read(other).status
    jobs.cancel(long)
    assert Status.SUCCEEDED == ended(jobs, other).status


@pytest.mark.long
@pytest.mark.parametrize("dead", [0, 1], ids=["the long one's", "its own"])
def test_neither_ends_when_the_process_of_the_other_dies(jobs: Jobs, workers: Workers, tally: Path, dead: int) -> None:
    """What a forker has left behind is killed, and what is below the other one is not."""
    worker = workers.start()
    both = busy(jobs, tally, seconds=6), urgent(jobs, seconds=6)
    eventually(lambda: under_way(jobs, both[1]))

    forkers(worker)[dead].kill()

    attempts = [ended(jobs, one).attempt for one in both]
    assert [Status.SUCCEEDED] * 2 == [jobs.read(one).status for one in both]
    assert [2 - dead, 1 + dead] == attempts
    assert worker.poll() is None


@pytest.mark.long
def test_a_worker_that_stops_gives_it_back(jobs: Jobs, workers: Workers, tally: Path) -> None:
    """In the time in which it has to give back its own, and nothing is left below it."""
    worker = workers.start(drain_s=0.3)
    both = busy(jobs, tally), urgent(jobs, LONG_S)
    eventually(lambda: under_way(jobs, both[1]))
    below = psutil.Process(worker.pid).children(recursive=True)

    worker.send_signal(signal.SIGTERM)

    assert 0 == worker.wait(20)
    assert [Status.SCHEDULED] * 2 == [jobs.read(one).status for one in both]
    assert not any(process.is_running() for process in below)


@pytest.mark.long
def test_a_worker_that_stops_lets_it_end(jobs: Jobs, workers: Workers, tally: Path) -> None:
    """Where there is time, and takes up no further one."""
    worker = workers.start()
    long, first = busy(jobs, tally), urgent(jobs, 2)
    eventually(lambda: under_way(jobs, first))
    jobs.cancel(long)

    worker.send_signal(signal.SIGTERM)
    last = urgent(jobs)

    assert 0 == worker.wait(20)
    assert (Status.SUCCEEDED, 1) == ((job := jobs.read(first)).status, job.attempt)
    assert Status.SCHEDULED == jobs.read(last).status


@pytest.mark.long
def test_nothing_is_left_of_a_worker_that_is_killed(jobs: Jobs, workers: Workers, tally: Path) -> None:
    """Both processes end with it, and the next worker takes up both jobs."""
    worker = workers.start()
    both = busy(jobs, tally), urgent(jobs, seconds=5)
    eventually(lambda: under_way(jobs, both[1]))
    below = psutil.Process(worker.pid).children(recursive=True)

    worker.kill()
    worker.wait()

    eventually(lambda: not any(process.is_running() for process in below))
    workers.start()
    eventually(lambda: [2, 2] == [jobs.read(one).attempt for one in both])


class Hand:
    """Stands in for the supervisor of jobs that are run aside."""

    def __init__(self, bell: Bell) -> None:
        self.bell, self.stable, self.done, self.closed = bell, self, [], 0

    def run(self, job_id: str) -> None:
        self.done.append(job_id)

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def hired() -> list[Hand]:
    """All who were hired."""
    return []


@pytest.fixture
def worker() -> SimpleNamespace:
    """A worker that has a job."""
    return SimpleNamespace(busy=True, bell=Bell(), name="w")


@pytest.fixture
def beside(jobs: Jobs, worker: SimpleNamespace, hired: list[Hand], monkeypatch: pytest.MonkeyPatch) -> Aside:
    """What runs jobs beside those of a worker, and finds each of them late."""
    monkeypatch.setattr(aside, "LATE_S", 0)
    return Aside(jobs.database, {"urgent"}, worker, lambda bell: hired.append(Hand(bell)) or hired[-1])


def test_its_process_is_there_only_while_it_is_wanted(
    jobs: Jobs, worker: SimpleNamespace, beside: Aside, hired: list[Hand], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is started for the first such job of a busy worker, and ended after a rest."""
    job, worker.busy = urgent(jobs), False
    beside.look()
    assert [] == hired

    worker.busy = True
    beside.look()
    beside.look()
    assert [[job, job]] == [hand.done for hand in hired]

    jobs.cancel(job)
    beside.look()
    assert [0] == [hand.closed for hand in hired]
    monkeypatch.setattr(aside, "REST_S", 0)
    beside.look()
    assert [1] == [hand.closed for hand in hired]


def test_a_process_that_cannot_be_had_is_replaced(jobs: Jobs, beside: Aside, hired: list[Hand]) -> None:
    """Who finds that stops by itself; the worker goes on, and so do its other jobs."""
    job = urgent(jobs)
    beside.look()

    hired[0].run = lambda _: hired[0].bell.stop(0)
    beside.look()
    beside.look()

    assert [[job], [job]] == [hand.done for hand in hired]
    assert [1, 0] == [hand.closed for hand in hired]
    assert not beside.worker.bell.stopping()


def test_a_worker_that_is_told_to_stop_takes_up_no_more(
    jobs: Jobs, worker: SimpleNamespace, beside: Aside, hired: list[Hand]
) -> None:
    """Nor what was found before, if it is told while somebody is hired."""
    urgent(jobs)
    hire, beside.hire = beside.hire, lambda bell: worker.bell.stop(10) or hire(bell)

    beside.look()
    beside.look()

    assert [[]] == [hand.done for hand in hired]
    assert [1] == [hand.closed for hand in hired]


def test_whoever_hears_a_bell_hears_the_one_over_it() -> None:
    """A ring and a stop, of which the sooner counts; and what was told to the one over it is never taken back."""
    over = Bell()
    bell = Bell(over)

    over.ring()
    assert [bell] == select.select([bell], [], [], 0)[0]
    bell.hush()
    assert [] == select.select([bell], [], [], 0)[0]

    over.stop(100)
    bell.stop(1)
    assert bell.stop_by < over.stop_by
    assert [bell] == select.select([bell], [], [], 0)[0]
    bell.resume()
    assert bell.stop_by == over.stop_by
