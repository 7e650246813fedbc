"""Callbacks: signed, tried again across restarts, delivered by one worker, given up in the end."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from sqlalchemy import select, update

from handlers.errors import AddressRefused, BadGateway, OperationFailed
from handlers.jobs import callbacks, transitions
from handlers.jobs.messenger import LEASE, Messenger
from handlers.jobs.service import Job, Jobs
from handlers.jobs.tables import CallbackRow, Status
from handlers.settings import Settings
from handlers.storage.sql import now
from tests.jobs.conftest import RedisServer, Workers, ended, eventually

URL = "http://receiver.example/jobs"


class Receiver:
    """Takes callbacks on loopback, and answers them one after the other as it is told; then 200."""

    def __init__(self, *statuses: int) -> None:
        """Answer with *statuses* first."""
        self.statuses = list(statuses)
        self.seen: list[tuple[dict[str, str], bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.seen.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(receiver.statuses.pop(0) if receiver.statuses else 200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/jobs?a=b"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self) -> None:
        """Stop listening."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that fails twice."""
    receiver = Receiver(500, 503)
    yield receiver
    receiver.close()


class Line:
    """Stands for the network: answers as it is told, and remembers what was sent."""

    def __init__(self, *answers: int | Exception) -> None:
        """Answer with *answers*, one after the other; then 200."""
        self.answers = list(answers)
        self.sent: list[tuple[str, bytes, dict[str, str]]] = []

    def post(self, url: str, body: bytes, headers: dict[str, str], *, deadline_s: float) -> int:
        """Do as `Remote.post` does."""
        self.sent.append((url, body, headers))
        answer = self.answers.pop(0) if self.answers else 200
        if isinstance(answer, Exception):
            raise answer
        return answer


def now_at_once(call: Any, *args: Any) -> Future[None]:
    """Do what a pool of threads would do, here and now."""
    done: Future[None] = Future()
    done.set_result(call(*args))
    return done


def look(jobs: Jobs, line: Line) -> None:
    """Call what is due."""
    Messenger(jobs, line.post).look(now_at_once)


def over(jobs: Jobs, *, owner: str | None = "ann", status: Status = Status.SUCCEEDED, **values: Any) -> Job:
    """Return a job that has ended and whose end is to be told."""
    job = jobs.submit("quick", "hash", {}, owner=owner, callback=URL)
    time = now()
    values = {"finished": time, "expires": time + timedelta(days=1), "status": status} | values
    with jobs.database.write() as connection:
        claimed = transitions.claim(connection, job.id, "worker", time)
        assert claimed is not None
        assert transitions.end(connection, claimed, **values)
    return jobs.read(job.id, all_owners=True)


def row_of(jobs: Jobs, job: Job) -> Any:
    """Return the row of a job's callback."""
    with jobs.database.read() as connection:
        return connection.execute(select(CallbackRow.__table__).where(CallbackRow.job == job.id)).one()


def hasten(jobs: Jobs) -> None:
    """Let the time pass until what was put off is due."""
    with jobs.database.write() as connection:
        connection.execute(update(CallbackRow).where(CallbackRow.due.is_not(None)).values(due=now()))


def verify(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """Check a signature as a receiver does (Standard Webhooks)."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    mac = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return hmac.compare_digest(f"v1,{mac}", headers["webhook-signature"])


def test_nobody_is_called_before_the_end(jobs: Jobs) -> None:
    """A callback is due when its job has ended, however it ends; a job without one calls nobody."""
    line = Line()
    jobs.submit("quick", "hash", {}, owner=None)
    waiting = jobs.submit("quick", "hash", {}, owner=None, callback=URL)

    look(jobs, line)
    assert [] == line.sent
    jobs.cancel(waiting.id)
    look(jobs, line)

    assert ["job.cancelled"] == [json.loads(body)["type"] for _, body, _ in line.sent]


def test_a_callback_says_how_the_job_ended_and_is_signed(jobs: Jobs) -> None:
    """The body is the job's outcome; id, time and body are signed with the secret of the job's owner."""
    line = Line()
    job = over(jobs, results={"hash_val": "00"})

    look(jobs, line)

    ((url, body, headers),) = line.sent
    message = json.loads(body)
    assert URL == url
    assert ("job.succeeded", job.id) == (message["type"], message["data"]["jobid"])
    assert {"hash_val": "00"} == message["data"]["outputs"]
    assert job.finished == datetime.fromisoformat(message["timestamp"])
    assert verify(jobs.callback_secret(job), headers, body)
    assert not verify(jobs.callback_secret(over(jobs, owner="bob")), headers, body)
    assert not verify(jobs.callback_secret(job), headers, body + b" ")
    assert abs(int(headers["webhook-timestamp"]) - now().timestamp()) < 60


def test_a_failed_job_is_told_with_its_reason(jobs: Jobs) -> None:
    """The problem is in the message."""
    line = Line()
    over(jobs, status=Status.FAILED, problem=OperationFailed("No such column.").as_document())

    look(jobs, line)

    data = json.loads(line.sent[0][1])["data"]
    assert ("failed", "No such column.") == (data["status"], data["description"])


def test_secrets_are_the_owners(jobs: Jobs, settings: Settings) -> None:
    """One owner has one secret, in every process; strangers have one for each job."""
    from tests.jobs.workshop import jobs_of

    first, second = over(jobs), over(jobs)
    stranger, other = over(jobs, owner=None), over(jobs, owner=None)
    elsewhere = jobs_of(settings)

    secrets = [jobs.callback_secret(job) for job in (first, second, stranger, other, over(jobs, owner="bob"))]

    assert secrets[0] == secrets[1] == elsewhere.callback_secret(first)
    assert 4 == len(set(secrets))
    elsewhere.queue.close()
    elsewhere.database.close()


def test_an_attempt_that_fails_is_made_again_later_and_later(jobs: Jobs) -> None:
    """Pauses grow by four; what is delivered is not sent again. The id stays, so that a receiver can tell."""
    line = Line(500, BadGateway("receiver.example did not answer."), 302)
    job = over(jobs)
    pauses = []

    for _ in range(3):
        look(jobs, line)
        pauses.append((row_of(jobs, job).due - now()).total_seconds())
        look(jobs, line)
        hasten(jobs)
    look(jobs, line)
    look(jobs, line)

    row = row_of(jobs, job)
    assert 4 == len(line.sent) == row.attempts
    assert 1 == len({headers["webhook-id"] for *_, headers in line.sent})
    assert (None, "It answered 200.") == (row.due, row.answer)
    assert row.delivered is not None
    retry = jobs.settings.callback_retry_s
    for pause, wanted in zip(pauses, (retry, retry * 4, retry * 16), strict=True):
        assert wanted * 0.8 < pause < wanted * 1.3


@pytest.mark.parametrize("answer", [410, AddressRefused("The address is not a public one.")])
def test_what_is_hopeless_is_given_up_at_once(jobs: Jobs, answer: int | Exception) -> None:
    """A receiver that says 410, or an address that turns out to be private; the job's log says so."""
    line = Line(answer)
    job = over(jobs)

    look(jobs, line)
    look(jobs, line)

    row = row_of(jobs, job)
    assert (1, None, None) == (len(line.sent), row.due, row.delivered)
    assert [f"The callback is given up at attempt 1: {row.answer}"] == [
        line.line for line in jobs.logs(job.id, all_owners=True)
    ]


def test_after_so_many_attempts_it_is_given_up(jobs: Jobs) -> None:
    """`callback_attempts` bounds them."""
    jobs.settings = jobs.settings.model_copy(update={"callback_attempts": 3})
    line = Line(500, 500, 500, 500)
    job = over(jobs)

    for _ in range(5):
        look(jobs, line)
        hasten(jobs)

    assert (3, None) == (len(line.sent), row_of(jobs, job).due)


def test_of_several_who_look_one_calls(jobs: Jobs) -> None:
    """A claim that was made is nobody else's until its lease is over; then a worker that died is made up for."""
    job = over(jobs)
    time = now()

    with jobs.database.write() as connection:
        first = callbacks.claim(connection, time, LEASE, 10)
        second = callbacks.claim(connection, time, LEASE, 10)
        after = callbacks.claim(connection, time + LEASE, LEASE, 10)

    assert ([job.id], [], [job.id]) == tuple([found.job.id for found in claimed] for claimed in (first, second, after))
    assert 2 == row_of(jobs, job).attempts


@pytest.mark.long
def test_a_receiver_that_fails_twice_is_called_a_third_time_after_a_restart(
    jobs: Jobs, settings: Settings, redis_server: RedisServer, receiver: Receiver
) -> None:
    """The worker that tried is killed; the one that comes after it delivers, and nobody is called a fourth time."""
    quick = settings.model_copy(update={"callback_retry_s": 0.5, "allowed_networks": "127.0.0.0/8"})
    workers = Workers(quick)
    try:
        worker = workers.start()
        job = jobs.submit("quick", "hash", {}, owner="ann", callback=receiver.url)
        ended(jobs, job.id)
        eventually(lambda: row_of(jobs, job).answer == "It answered 503.")
        worker.kill()
        worker.wait()
        assert 2 == len(receiver.seen)
        workers.start()
        eventually(lambda: row_of(jobs, job).delivered)
    finally:
        workers.end()

    assert 3 == len(receiver.seen) == row_of(jobs, job).attempts
    assert 1 == len({headers["webhook-id"] for headers, _ in receiver.seen})
    for headers, body in receiver.seen:
        assert verify(jobs.callback_secret(job), headers, body)
        assert "job.succeeded" == json.loads(body)["type"]


def test_loopback_is_not_called_unless_it_is_allowed(jobs: Jobs, workers: Workers, receiver: Receiver) -> None:
    """A real worker with the settings as they come refuses the address, and the receiver hears nothing."""
    job = jobs.submit("quick", "hash", {}, owner="ann", callback=receiver.url)

    workers.start()
    eventually(lambda: row_of(jobs, job).answer)

    assert [] == receiver.seen
    assert "The address is not a public one." == row_of(jobs, job).answer
