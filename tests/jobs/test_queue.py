"""The queue over a real Redis, and without one."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest
from redis import Redis
from rq.exceptions import StopRequested

from handlers.errors import QueueUnavailable, TooManyRequests
from handlers.jobs.bell import Bell
from handlers.jobs.queue import Worker
from handlers.jobs.service import Jobs
from tests.jobs.conftest import RedisServer, Workers, ended, eventually


def test_ids_wait_in_the_order_in_which_they_came(jobs: Jobs) -> None:
    """An id is there from `put` on, and an unknown one is not."""
    for job_id in ("b", "a"):
        jobs.queue.put(job_id)

    assert ["b", "a"] == jobs.queue._queue.get_job_ids()
    assert (2, True, False) == (jobs.queue.depth(), jobs.queue.holds("a"), jobs.queue.holds("c"))


def test_what_is_prompt_goes_before_all_that_wait(jobs: Jobs) -> None:
    """However many these are: somebody waits for it."""
    jobs.settings = jobs.settings.model_copy(update={"queue_limit": 1})
    waits = jobs.submit("invoke", "hash", {}, owner=None)

    prompt = jobs.submit("invoke", "hash", {}, owner=None, prompt=True)

    assert [prompt.id, waits.id] == jobs.queue._queue.get_job_ids()
    with pytest.raises(TooManyRequests):
        jobs.submit("invoke", "hash", {}, owner=None)


@pytest.mark.parametrize("call", ["ping", "depth", "ids", "workers"])
def test_without_redis_the_queue_is_unavailable_soon(jobs: Jobs, redis_server: RedisServer, call: str) -> None:
    """Nobody waits long for a server that is not there."""
    redis_server.kill()

    began = time.monotonic()
    with pytest.raises(QueueUnavailable):
        getattr(jobs.queue, call)()

    assert time.monotonic() - began < 5


def test_tell_without_redis_is_no_error(jobs: Jobs, redis_server: RedisServer) -> None:
    """To tell a worker is a courtesy."""
    redis_server.kill()

    jobs.queue.tell("worker", "a")


@pytest.fixture
def handlers_kept() -> Iterator[None]:
    """The handlers of signals are afterwards what they were."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    kept = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, kept, strict=True):
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers_kept")
def test_a_signal_between_two_jobs_is_heard(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where RQ has just looked whether there was one, and is about to wait for the next job."""
    done: list[str] = []

    def wait_s(_: Worker) -> int:
        if done:
            os.kill(os.getpid(), signal.SIGTERM)
        return 1

    monkeypatch.setattr(Worker, "dequeue_timeout", property(wait_s))
    jobs.queue.put("first")
    late = threading.Timer(10, jobs.queue.put, ["late"])  # would end whoever has not heard it
    late.start()

    jobs.queue.work("worker", done.append, Bell())

    late.cancel()
    assert ["first"] == done


def test_who_takes_leave_is_not_kept_from_it(jobs: Jobs, redis_server: RedisServer) -> None:
    """A signal more means now, to what is still being given back, and is no exception."""
    bell = Bell()
    with Redis.from_url(redis_server.url) as connection:
        worker = Worker(connection, "worker", print, bell, drain_s=100)
        with pytest.raises(StopRequested):
            worker.request_stop(signal.SIGTERM, None)
        worker.teardown()

        worker.request_stop(signal.SIGTERM, None)

    assert bell.stop_by <= time.monotonic()


@pytest.mark.long
def test_workers_are_counted_while_they_live(jobs: Jobs, workers: Workers) -> None:
    """One that ends takes its leave, and one is enough."""
    first = workers.start()
    workers.start()
    assert 2 == jobs.queue.workers()

    first.terminate()

    eventually(lambda: jobs.queue.workers() == 1)


def test_a_worker_comes_back_to_a_redis_that_was_away(jobs: Jobs, workers: Workers, redis_server: RedisServer) -> None:
    """An idle worker that loses its queue announces itself anew, and works."""
    worker = workers.start()
    redis_server.kill()
    time.sleep(0.5)
    redis_server.start()

    eventually(lambda: jobs.queue.workers() == 1)

    assert ended(jobs, jobs.submit("quick", "x", {}, owner=None).id).results
    assert None is worker.poll()
