"""The answers about jobs that several documents give in the same form."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

from handlers.errors import JobExpired, JobNotFound, Unauthorized, Unavailable
from handlers.jobs.records import Job
from handlers.jobs.watch import Watch
from handlers.jobs.words import names
from handlers.settings import Settings
from handlers.wire import Caller, Preferences, Reply, Request, preferences, request

Document = Mapping[str, Any]
Write = Callable[[Job], Document]

POLL_S: Final = 1  # what a caller who polls is told to wait
SEAT_S: Final = 5  # what a caller who found no seat is told to wait
WAIT_S: Final = 60  # longest that a request waits, whatever its caller prefers
HEARTBEAT_S: Final = 5.0  # between two signs of life of a stream
STREAM_S: Final = 3600.0  # after this the client has to ask again, and does
RECONNECT_MS: Final = 2000


def admitted(settings: Settings) -> Caller:
    """Return the caller, if strangers may invoke or this is none.

    Raises:
        Unauthorized: A token is needed.
    """
    caller = request().caller
    if caller.local or caller.may("invoke") or settings.invoke_open:
        return caller
    raise Unauthorized("Invoke needs a token with the scope `invoke` from other machines.")


def accepted(job: Job, location: str, asked: Preferences, *, secret: str | None = None) -> Reply:
    """Return the answer to a submission; *secret* signs the callback, where one was asked for."""
    headers = {"Location": location, "Retry-After": str(POLL_S)}
    body = names(job) | ({"callbackSecret": secret} if secret else {})
    # Clients of this API raise on a 202, so that only those get it who ask for it (RFC 7240).
    if asked.respond_async:
        headers["Preference-Applied"] = "respond-async"
        return Reply(body=body, status=HTTPStatus.ACCEPTED, headers=headers)
    return Reply(body=body, status=HTTPStatus.CREATED, headers=headers)


def finished(job: Job, watch: Watch, write: Write, asked: Preferences) -> Reply | None:
    """Wait for a job as long as its caller prefers; return how it ended, or None if it has not."""
    job, applied = awaited(job, watch, asked)
    return Reply(body=write(job), headers={"Cache-Control": "no-store"} | applied) if applied and job.ended else None


def state(job: Job, watch: Watch, write: Write, here: Request) -> Reply:
    """Return where a job stands, when it has ended or as soon as the caller prefers; 304 where that is known."""
    job, applied = awaited(job, watch, preferences(here.headers.get("prefer", "")))
    document = write(job)
    tag = f'"{mark(document)}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"} | applied
    if not job.ended:
        headers["Retry-After"] = str(POLL_S)
    if knows(here.headers.get("if-none-match", ""), tag):
        return Reply(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Reply(body=document, headers=headers)


def awaited(job: Job, watch: Watch, asked: Preferences) -> tuple[Job, dict[str, str]]:
    """Wait for a job's end as long as the caller prefers; return it, and the header that says so.

    A preference is not a demand: where all seats are taken nobody waits, and the answer does not say that they did.
    """
    if not asked.wait_s:
        return job, {}
    wait_s = min(asked.wait_s, WAIT_S)
    with watch.seat() as seated:
        return (watch.ended(job, wait_s), {"Preference-Applied": f"wait={wait_s}"}) if seated else (job, {})


def events(job: Job, watch: Watch, write: Write, here: Request) -> Reply:
    """Return where a job stands, now and whenever that changes, as server-sent events until it has ended.

    Raises:
        Unavailable: All seats are taken.
    """
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    last = here.headers.get("last-event-id", "")
    if job.ended and last == mark(write(job)):
        # There is nothing more to come, and this is how a client is told not to ask again.
        return Reply(status=HTTPStatus.NO_CONTENT, headers=headers)
    if not watch.take_seat():
        raise Unavailable(
            "As many callers as this server lets wait for events are waiting already; ask for the status instead.",
            headers={"Retry-After": str(SEAT_S)},
        )
    return Reply(body=Events(job, watch, write, last), headers=headers, content_type="text/event-stream")


class Events(Iterator[bytes]):
    """The events of one job; `close` gives the seat back, also where nothing was ever read."""

    def __init__(self, job: Job, watch: Watch, write: Write, last: str) -> None:
        """Begin with how *job* stands, unless *last*, the id of an event, says that this is known."""
        self._watch = watch
        self._seated = True
        self._chunks = chunks(job, watch, write, last)

    def __next__(self) -> bytes:
        """Return the next event, or a sign of life; the end gives the seat back, and so does a failure."""
        try:
            return next(self._chunks)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give the seat back."""
        if self._seated:
            self._seated = False
            self._watch.leave_seat()


def chunks(job: Job, watch: Watch, write: Write, last: str) -> Iterator[bytes]:
    """Yield the events of a job, and comments in between, until it has ended or is there no longer."""
    yield f"retry: {RECONNECT_MS}\n\n".encode()
    end = time.monotonic() + STREAM_S
    while True:
        document = write(job)
        if (name := mark(document)) != last:
            last = name
            yield event(name, document)
        else:
            yield b": \n\n"
        if job.ended or time.monotonic() > end:
            return
        try:
            job = watch.changed(job, HEARTBEAT_S)
        except (JobNotFound, JobExpired):
            return


def event(name: str, document: Document) -> bytes:
    """Return one event in the form of the HTML standard; JSON in one line needs no escaping."""
    return f"id: {name}\ndata: {json.dumps(document)}\n\n".encode()


def mark(document: Document) -> str:
    """Return a short text that is another one for another document."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:32]


def knows(header: str, tag: str) -> bool:
    """Tell whether an If-None-Match header names *tag*, by the weak comparison of RFC 9110."""
    return any(part.strip().removeprefix("W/") in (tag, "*") for part in header.split(","))
