"""The rows of the callbacks: which address is to be called for which job, and when.

    waits for its job ──the job ends──> due ──claim──> due again, later ──delivered, or given up──> settled

A claim puts off what is due before anybody calls, so that of several workers one does, and a worker that dies while it
calls leaves the callback to be tried again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, select, update

from handlers.jobs.records import Job, job_from
from handlers.jobs.tables import CallbackRow, JobRow

ANSWER_CHARACTERS = 300


@dataclass(frozen=True, kw_only=True)
class Callback:
    """A callback that is due, and the job that has ended."""

    job: Job
    url: str
    attempts: int  #: those that were made, this one included once it is claimed
    due: datetime


def add(connection: Connection, job_id: str, url: str) -> None:
    """Store that *url* is to be called when a job has ended."""
    connection.execute(insert(CallbackRow).values(job=job_id, url=url, attempts=0, answer=""))


def make_due(connection: Connection, job_id: str, time: datetime) -> None:
    """Note that a job has ended; one that nobody wants to hear of has no row here."""
    connection.execute(update(CallbackRow).where(CallbackRow.job == job_id).values(due=time))


def claim(connection: Connection, time: datetime, lease: timedelta, most: int) -> list[Callback]:
    """Return callbacks that are due and now this caller's for as long as *lease*."""
    return [found for row in due(connection, time, most) if (found := _claimed(connection, row, time + lease))]


def due(connection: Connection, time: datetime, most: int) -> Sequence[Any]:
    """Return the rows that are due, those that wait longest first."""
    rows = select(CallbackRow.__table__).where(CallbackRow.due <= time).order_by(CallbackRow.due).limit(most)
    return connection.execute(rows).all()


def settle(connection: Connection, callback: Callback, answer: str, *, delivered: datetime | None = None) -> None:
    """Note that nothing is left to do: the callback was delivered, or it is given up."""
    values = {"due": None, "delivered": delivered, "answer": answer[:ANSWER_CHARACTERS]}
    connection.execute(update(CallbackRow).where(CallbackRow.job == callback.job.id).values(values))


def put_off(connection: Connection, callback: Callback, answer: str, until: datetime) -> None:
    """Note what an attempt met, and when there will be another."""
    values = {"due": until, "answer": answer[:ANSWER_CHARACTERS]}
    connection.execute(update(CallbackRow).where(CallbackRow.job == callback.job.id).values(values))


def _claimed(connection: Connection, row: Any, until: datetime) -> Callback | None:
    """Take one callback, unless somebody else was faster."""
    unseen = (CallbackRow.job == row.job, CallbackRow.due == row.due)
    values = {"due": until, "attempts": row.attempts + 1}
    if connection.execute(update(CallbackRow).where(*unseen).values(values)).rowcount != 1:
        return None
    job = connection.execute(select(JobRow.__table__).where(JobRow.id == row.job)).one()
    return Callback(job=job_from(job), url=row.url, attempts=row.attempts + 1, due=until)
