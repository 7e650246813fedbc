"""Call the callbacks of jobs that have ended, again and again until they are taken.

Source:
    Standard Webhooks 1.0: names of the headers, form of the secret, what is signed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

import structlog
from sqlalchemy import insert

from handlers.errors import AddressRefused, BadGateway
from handlers.jobs import callbacks
from handlers.jobs.callbacks import Callback
from handlers.jobs.records import Job
from handlers.jobs.service import Jobs
from handlers.jobs.tables import JobLogRow
from handlers.jobs.words import as_outcome, as_text
from handlers.storage.sql import now

SENDERS: Final = 8  # callbacks that one worker has under way
DEADLINE_S: Final = 10.0  # for one attempt
LEASE: Final = timedelta(seconds=30)  # for one attempt, the writing down included
LOOK_S: Final = 1.0  # longest wait between two looks for what is due
FACTOR: Final = 4  # each wait is so many times as long as the one before
LONGEST_S: Final = 6 * 3600.0

log = structlog.get_logger(__name__)


class Post(Protocol):
    """Sends a POST to an address of a stranger's."""

    def __call__(self, url: str, body: bytes, headers: dict[str, str], *, deadline_s: float) -> int:
        """Return the status of the answer.

        Raises:
            AddressRefused: The address is none that may be called.
            BadGateway: There is no answer.
        """


class Messenger:
    """Calls the callbacks of one store; any number of processes may do so at once."""

    def __init__(self, jobs: Jobs, post: Post) -> None:
        """Call for *jobs*, with *post*."""
        self.jobs = jobs
        self.settings = jobs.settings
        self.database = jobs.database
        self._post = post
        self._under_way: set[Future[None]] = set()

    def run(self, stop: threading.Event) -> None:
        """Call what is due until told to stop; a failure is logged, and the next look tries again."""
        pool = ThreadPoolExecutor(SENDERS, thread_name_prefix="callback")
        while not stop.wait(min(LOOK_S, self.settings.sweep_s)):
            try:
                self.look(pool.submit)
            except Exception:
                log.exception("callbacks failed")
        pool.shutdown(cancel_futures=True)

    def look(self, start: Callable[..., Future[None]]) -> None:
        """Have as many callbacks called as there are senders free."""
        self._under_way = {future for future in self._under_way if not future.done()}
        if free := SENDERS - len(self._under_way):
            self._under_way |= {start(self.call, callback) for callback in self.claim(now(), free)}

    def claim(self, time: datetime, most: int) -> list[Callback]:
        """Return callbacks that this process is to call now."""
        with self.database.read() as connection:
            if not callbacks.due(connection, time, 1):
                return []
        with self.database.write() as connection:
            return callbacks.claim(connection, time, LEASE, most)

    def call(self, callback: Callback) -> None:
        """Make one attempt and write down what came of it."""
        try:
            answer, delivered, hopeless = self.attempt(callback)
        except Exception:
            log.exception("callback failed", job=callback.job.id)
            raise
        time = now()
        with self.database.write() as connection:
            if delivered:
                callbacks.settle(connection, callback, answer, delivered=time)
            elif hopeless or callback.attempts >= self.settings.callback_attempts:
                callbacks.settle(connection, callback, answer)
                line = f"The callback is given up at attempt {callback.attempts}: {answer}"
                row = {"job": callback.job.id, "attempt": callback.job.attempt, "time": time, "line": line}
                connection.execute(insert(JobLogRow), row)
            else:
                callbacks.put_off(connection, callback, answer, time + self.pause(callback.attempts))
        log.info("callback", job=callback.job.id, attempts=callback.attempts, delivered=delivered, answer=answer)

    def attempt(self, callback: Callback) -> tuple[str, bool, bool]:
        """Call once; return what was met, whether it is delivered, and whether another attempt is hopeless."""
        body = json.dumps(message_of(callback.job)).encode()
        headers = signed(callback.job.id, body, self.jobs.callback_secret(callback.job), now())
        try:
            status = self._post(callback.url, body, headers, deadline_s=DEADLINE_S)
        except AddressRefused as refused:
            return refused.detail, False, True
        except BadGateway as missing:
            return missing.detail, False, False
        # 410 is how a receiver says that it wants no more of this.
        return f"It answered {status}.", 200 <= status < 300, status == 410

    def pause(self, attempts: int) -> timedelta:
        """Return how long to wait after so many attempts; not all who failed together try again together."""
        seconds = min(self.settings.callback_retry_s * FACTOR ** (attempts - 1), LONGEST_S)
        return timedelta(seconds=seconds * random.uniform(1.0, 1.2))  # noqa: S311 - nothing secret hangs on it


def message_of(job: Job) -> dict[str, Any]:
    """Return what a callback says: how a job ended."""
    return {"type": f"job.{job.status.value}", "timestamp": as_text(job.finished), "data": as_outcome(job)}


def signed(job_id: str, body: bytes, secret: str, time: datetime) -> dict[str, str]:
    """Return the headers of a callback: its id, the same at each attempt, the time, and a signature over all."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    name, seconds = f"job_{job_id}", str(int(time.timestamp()))
    mac = hmac.digest(key, f"{name}.{seconds}.".encode() + body, hashlib.sha256)
    return {
        "Content-Type": "application/json",
        "User-Agent": "Seamark",
        "webhook-id": name,
        "webhook-timestamp": seconds,
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }
