"""The jobs: submit, read, list, cancel, remove.

The row is committed before its id is queued. If the queue cannot be reached the row stays scheduled, and the sweeper
queues it when it can.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import ColumnElement, Connection, and_, delete, or_, select
from sqlalchemy.exc import IntegrityError

from handlers.errors import (
    AlreadyFinished,
    Conflict,
    Fault,
    InputInvalid,
    JobExpired,
    JobNotFound,
    NotFinished,
    QueueUnavailable,
    TooManyRequests,
)
from handlers.jobs import callbacks, keys, transitions
from handlers.jobs.keys import Key
from handlers.jobs.queue import Queue
from handlers.jobs.records import Job, LogLine, blobs_of, job_from
from handlers.jobs.tables import JobLogRow, JobRow, Status
from handlers.observability import count_job
from handlers.settings import Settings
from handlers.storage import facts, room
from handlers.storage.blobs import Blobs
from handlers.storage.sql import Database, now

__all__ = ["Job", "Jobs", "LogLine"]

RETRY_AFTER_S = 10  # what a caller is told to wait while too many jobs wait already
CANCEL_TRIES = 10  # a job may change its state between our look and our move, but not for ever

log = structlog.get_logger(__name__)


class Jobs:
    """The jobs of this server.

    Whoever asks gives the *owner* that they are; a job of somebody else does not exist for them, and a job without an
    owner is anybody's who knows its id. With *all_owners* the owner does not matter.
    """

    def __init__(self, database: Database, queue: Queue, blobs: Blobs, settings: Settings) -> None:
        """Keep the rows in *database*, the waiting ids in *queue* and the results' files in *blobs*."""
        self.database = database
        self.queue = queue
        self.blobs = blobs
        self.settings = settings

    def submit(
        self,
        kind: str,
        subject: str,
        inputs: Any,
        *,
        owner: str | None,
        job_id: str | None = None,
        key: Key | None = None,
        callback: str | None = None,
        beside: Callable[[Connection, Job], None] | None = None,
        prompt: bool = False,
    ) -> Job:
        """Store a job and queue it.

        Args:
            kind: Which runner does it.
            subject: What is run.
            inputs: A JSON value.
            owner: Whose job it is; None: anybody's who knows its id.
            job_id: Makes a second submission of the same job return the first; by default a new id.
            key: Makes a second submission of the same request return the first job.
            callback: URL to call when the job has ended; whether it may be called was checked.
            beside: Stores, in the same transaction, what belongs to the job.
            prompt: Whether somebody waits for it: it goes before all others, however many these are, and where it
                cannot be queued now it is cancelled, and what is beside it is for the caller to remove.

        Raises:
            QueueUnavailable: It is to be prompt, and the queue cannot be reached.
            TooManyRequests: `queue_limit` jobs wait already.
            InsufficientStorage: The disks have no more than what is kept in reserve.
            Conflict: The id is that of another job.
            KeyReused: The key was used for another request.
        """
        if prompt:
            self.queue.ping()
        room.demand(self.settings.home, 0, self.settings.disk_reserve_bytes)
        self.blobs.demand(0)
        time = now()
        values = {"id": job_id or secrets.token_hex(16), "kind": kind, "subject": subject, "inputs": inputs}
        try:
            with self.database.write() as connection:
                if key is not None and (earlier := keys.recall(connection, key, time)) is not None:
                    return earlier
                if not prompt:
                    self._demand_place(connection)
                job = transitions.add(connection, values | {"owner": owner, "created": time, "queued": time})
                if key is not None:
                    keys.remember(connection, key, job.id, time)
                if callback is not None:
                    callbacks.add(connection, job.id, callback)
                if beside is not None:
                    beside(connection, job)
        except IntegrityError:
            return self._earlier(values, owner, key)
        self._queue(job.id, prompt=prompt)
        return job

    def read(self, job_id: str, *, owner: str | None = None, all_owners: bool = False) -> Job:
        """Return a job.

        Raises:
            JobNotFound: There is none with this id that is this owner's.
            JobExpired: It was here, and its time is over.
        """
        with self.database.read() as connection:
            # PostgreSQL takes no NUL, not even to compare with.
            job = None if "\0" in job_id else transitions.find(connection, job_id)
        if job is None or not (all_owners or job.owner in (None, owner)):
            raise JobNotFound(f"There is no job {job_id[:64]}.")
        if job.expires is not None and job.expires <= now():
            raise JobExpired(f"The job {job_id} ended, and its results are no longer kept.")
        return job

    def cancel(self, job_id: str, *, owner: str | None = None, all_owners: bool = False) -> Job:
        """End a job that has not ended; cancelling it twice is no error.

        The row comes first; the worker kills the job's processes when it is told, or at its next heartbeat.

        Raises:
            AlreadyFinished: It has succeeded or failed.
            JobNotFound, JobExpired: As for `read`.
        """
        for _ in range(CANCEL_TRIES):
            job = self.read(job_id, owner=owner, all_owners=all_owners)
            if job.status is Status.CANCELLED:
                return job
            if job.ended:
                raise AlreadyFinished(f"The job has already {job.status.value}.")
            if self._cancelled(job):
                return self.read(job_id, all_owners=True)
        raise Conflict("The job keeps changing; try again.")

    def restart(self, job_id: str, *, owner: str | None = None, all_owners: bool = False) -> Job:
        """Schedule a cancelled job again, with its id and its inputs.

        Raises:
            Conflict: It is not cancelled, or somebody else was faster.
            TooManyRequests, InsufficientStorage: As for `submit`.
            JobNotFound, JobExpired: As for `read`.
        """
        job = self.read(job_id, owner=owner, all_owners=all_owners)
        room.demand(self.settings.home, 0, self.settings.disk_reserve_bytes)
        fresh = {"worker": None, "progress": 0, "message": "", "started": None, "finished": None, "expires": None}
        with self.database.write() as connection:
            self._demand_place(connection)
            done = job.status is Status.CANCELLED and transitions.move(
                connection, job, status=Status.SCHEDULED, queued=now(), **fresh
            )
        if not done:
            raise Conflict(f"Only a job that was stopped starts again; this one is {job.status.value}.")
        self._queue(job.id)
        return self.read(job.id, all_owners=True)

    def remove(self, job_id: str, *, owner: str | None = None, all_owners: bool = False) -> None:
        """Forget the inputs, the results and the log of a job that has ended; it then counts as expired.

        Raises:
            NotFinished: It has not ended; cancel it first.
            JobNotFound, JobExpired: As for `read`.
        """
        job = self.read(job_id, owner=owner, all_owners=all_owners)
        if not job.ended:
            raise NotFinished("The job has not ended; cancel it first.")
        self.purge(job, now())

    def callback_secret(self, job: Job) -> str:
        """Return the secret with which the callback of a job is signed, in the form of Standard Webhooks.

        That of all jobs of one owner is the same, so that a receiver needs to be told once.
        """
        root = facts.settled(self.database, "callback-key", lambda: secrets.token_hex(32))
        whose = f"job {job.id}" if job.owner is None else f"owner {job.owner}"
        secret = hmac.digest(bytes.fromhex(root), whose.encode(errors="surrogatepass"), hashlib.sha256)
        return f"whsec_{base64.b64encode(secret).decode()}"

    def purge(self, job: Job, time: datetime) -> None:
        """Remove all of an ended job but a row that says that it was here."""
        self.blobs.remove_all(blobs_of(job.id))
        with self.database.write() as connection:
            # The row first: a worker with lines to store then sees it purged, or they are there to be deleted.
            transitions.move(connection, job, inputs=None, results=None, problem=None, expires=time, purged=time)
            connection.execute(delete(JobLogRow).where(JobLogRow.job == job.id))

    def logs(
        self, job_id: str, *, after: int = 0, limit: int = 1000, owner: str | None = None, all_owners: bool = False
    ) -> Sequence[LogLine]:
        """Return the lines that a job logged after the line with the id *after*, oldest first.

        Raises:
            JobNotFound, JobExpired: As for `read`.
        """
        self.read(job_id, owner=owner, all_owners=all_owners)
        columns = (JobLogRow.id, JobLogRow.attempt, JobLogRow.time, JobLogRow.line)
        lines = select(*columns).where(JobLogRow.job == job_id, JobLogRow.id > after).order_by(JobLogRow.id)
        with self.database.read() as connection:
            return [LogLine(**row._mapping) for row in connection.execute(lines.limit(limit))]

    def waiting(self) -> int:
        """Return how many jobs wait for a worker, counting no further than `queue_limit`."""
        with self.database.read() as connection:
            return transitions.count_waiting(connection, self.settings.queue_limit)

    def list(
        self, *, owner: str | None = None, all_owners: bool = False, limit: int = 50, before: str | None = None
    ) -> Sequence[Job]:
        """Return the jobs of one owner, or of all, the newest first.

        Args:
            owner: Whose.
            all_owners: Whether the owner does not matter.
            limit: Most jobs to return.
            before: `cursor` of the last job of the page before.

        Raises:
            InputInvalid: *before* is no cursor.
        """
        jobs = select(JobRow.__table__).where(or_(JobRow.expires.is_(None), JobRow.expires > now()))
        if not all_owners:
            jobs = jobs.where(JobRow.owner == owner)
        if before is not None:
            jobs = jobs.where(older_than(before))
        jobs = jobs.order_by(JobRow.created.desc(), JobRow.id.desc()).limit(limit)
        with self.database.read() as connection:
            return [job_from(row) for row in connection.execute(jobs)]

    def _demand_place(self, connection: Connection) -> None:
        """Raise TooManyRequests unless one more job may wait."""
        if transitions.count_waiting(connection, self.settings.queue_limit) >= self.settings.queue_limit:
            raise TooManyRequests("Too many jobs wait already.", headers={"Retry-After": str(RETRY_AFTER_S)})

    def _cancelled(self, job: Job) -> bool:
        """Try to cancel a job as it was seen, and tell its worker."""
        time = now()
        expires = time + timedelta(seconds=self.settings.job_retention_s)
        with self.database.write() as connection:
            done = transitions.end(connection, job, status=Status.CANCELLED, finished=time, expires=expires)
        if done:
            count_job(job.subject, Status.CANCELLED.value, job.ran_s(time))
        if done and job.worker is not None:
            self.queue.tell(job.worker, job.id)
        return done

    def _earlier(self, values: dict[str, Any], owner: str | None, key: Key | None) -> Job:
        """Return the job that has this id or this key already, if it is the same one."""
        if key is not None:
            with self.database.read() as connection:
                if (earlier := keys.recall(connection, key, now())) is not None:
                    return earlier
        earlier = self.read(values["id"], all_owners=True)
        if (earlier.kind, earlier.subject, earlier.owner) != (values["kind"], values["subject"], owner):
            raise Conflict("There is another job with this id.")
        return earlier

    def _queue(self, job_id: str, *, prompt: bool = False) -> None:
        """Queue an id, or leave that to the sweeper, unless it is to be prompt."""
        try:
            self.queue.put(job_id, first=prompt)
        except QueueUnavailable:
            if prompt:
                self.cancel(job_id, all_owners=True)
                raise
            log.warning("job waits for the queue to come back", job=job_id)


def older_than(cursor: str) -> ColumnElement[bool]:
    """Select the jobs that a list, newest first, has after the job with this cursor.

    Raises:
        InputInvalid: It is no cursor.
    """
    text, _, job_id = cursor.partition("/")
    try:
        created = datetime.fromisoformat(text)
    except ValueError:
        created = None
    if created is None or created.tzinfo is None:
        raise InputInvalid("The cursor is not one of this list.", faults=[Fault("query", "before", "is no cursor")])
    # The first comparison alone bounds the index range; the second takes apart what has the same time.
    return and_(JobRow.created <= created, or_(JobRow.created < created, JobRow.id < job_id))
