"""Idempotency-Keys: one request, one job, however often it is sent."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from handlers.errors import KeyReused
from handlers.jobs import keys, transitions
from handlers.jobs.keys import Key, key_of
from handlers.jobs.service import Job, Jobs
from handlers.jobs.tables import Status
from handlers.storage.sql import now
from tests.jobs.test_service import finished


def submit(jobs: Jobs, key: Key, owner: str | None = "ann") -> Job:
    """Submit a job with a key."""
    return jobs.submit("quick", "x", {"a": 1}, owner=owner, key=key)


def key(text: str = "k", request: object = "r", owner: str | None = "ann") -> Key:
    """Return a key."""
    return key_of(owner, text, request)


def test_the_same_key_gives_the_same_job(jobs: Jobs) -> None:
    """While it waits, while it runs, and when it has ended; it is queued once."""
    first = submit(jobs, key())
    waiting = submit(jobs, key())
    with jobs.database.write() as connection:
        running = transitions.claim(connection, first.id, "worker", now())

    assert first == waiting
    assert running == submit(jobs, key())
    assert (1, {first.id}) == (jobs.queue.depth(), jobs.queue.ids())


def test_another_request_under_the_key_is_refused(jobs: Jobs) -> None:
    """A key that was used by mistake must not hide that the second request was never carried out."""
    submit(jobs, key(request={"a": 1, "b": 2}))

    assert submit(jobs, key(request={"b": 2, "a": 1}))
    with pytest.raises(KeyReused):
        submit(jobs, key(request={"a": 1, "b": 3}))
    assert 1 == len(jobs.list(all_owners=True))


def test_keys_of_others_are_others_keys(jobs: Jobs) -> None:
    """Nobody gets, or notices, the job of somebody else who thought of the same key."""
    owners = ("ann", "bob", None, "", "ann k")

    ids = {submit(jobs, key(owner=owner, request=owner), owner=owner).id for owner in owners}

    assert len(owners) == len(ids)


def test_a_key_is_known_though_the_queue_is_full(jobs: Jobs) -> None:
    """Who asks again for what was accepted is not told to come back later."""
    jobs.settings = jobs.settings.model_copy(update={"queue_limit": 1})
    first = submit(jobs, key())

    assert first == submit(jobs, key())


def test_an_expired_job_frees_its_key(jobs: Jobs) -> None:
    """Keys are remembered for as long as their jobs are."""
    first = finished(jobs, "ann")
    with jobs.database.write() as connection:
        keys.remember(connection, key(), first.id, now())
        assert first == keys.recall(connection, key(), now())
        transitions.move(connection, first, expires=now())

    second = submit(jobs, key(request="other"))

    assert first.id != second.id
    assert Status.SCHEDULED == second.status
    assert second == submit(jobs, key(request="other"))


def test_two_hundred_at_once_with_twenty_keys_make_twenty_jobs(jobs: Jobs) -> None:
    """Whoever comes first, all who sent a key are told of one job."""
    with ThreadPoolExecutor(16) as pool:
        made = list(pool.map(lambda number: (number % 20, submit(jobs, key(str(number % 20))).id), range(200)))

    assert 20 == len(set(made)) == len({job_id for _, job_id in made})
    assert 20 == jobs.queue.depth() == len(jobs.list(all_owners=True))
