"""How a job moves from state to state: one conditional UPDATE each.

    scheduled ──claim──> running ──> succeeded | failed | cancelled
        │  ^                │
        │  └──given back────┘
        └──> cancelled ──restart──> scheduled

Whoever moves a job says in which state and attempt it was seen. If somebody else was faster, nothing happens and the
mover is told, so that a worker which was cut off cannot finish a job that another has taken over.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, func, insert, select, update

from handlers.jobs import callbacks
from handlers.jobs.records import Job, job_from
from handlers.jobs.tables import ENDED, JobRow, Status

MOVES: Final[Mapping[Status, frozenset[Status]]] = {
    Status.SCHEDULED: frozenset({Status.SCHEDULED, Status.RUNNING, Status.CANCELLED}),
    Status.RUNNING: frozenset(Status),
    **{status: frozenset({status}) for status in ENDED},
    Status.CANCELLED: frozenset({Status.CANCELLED, Status.SCHEDULED}),
}


def add(connection: Connection, values: Mapping[str, Any]) -> Job:
    """Store a new job; what *values* leaves out is as for one that nobody has touched yet."""
    untouched = dict.fromkeys(column.name for column in JobRow.__table__.columns)
    fields = untouched | {"status": Status.SCHEDULED, "attempt": 0, "progress": 0, "message": ""} | dict(values)
    connection.execute(insert(JobRow), fields)
    return Job(**fields)


def find(connection: Connection, job_id: str) -> Job | None:
    """Return a job as it stands; None: there is none."""
    row: Row[Any] | None = connection.execute(select(JobRow.__table__).where(JobRow.id == job_id)).one_or_none()
    return job_from(row) if row else None


def claim(connection: Connection, job_id: str, worker: str, now: datetime) -> Job | None:
    """Make a scheduled job this worker's; None: it is not there to be had."""
    row: Row[Any] | None = connection.execute(
        update(JobRow)
        .where(JobRow.id == job_id, JobRow.status == Status.SCHEDULED)
        .values(
            status=Status.RUNNING,
            attempt=JobRow.attempt + 1,
            worker=worker,
            progress=0,
            message="",
            started=now,
            heartbeat=now,
        )
        .returning(JobRow.__table__)
    ).one_or_none()
    return job_from(row) if row else None


def move(connection: Connection, job: Job, *only_if: ColumnElement[bool], **values: Any) -> bool:
    """Change a job that still is in the state and the attempt in which *job* was seen.

    Args:
        connection: In a transaction.
        job: As it was seen.
        only_if: Further conditions.
        values: The columns to change; `status` may be among them.

    Returns:
        Whether it was so, and the change is made.
    """
    assert values.get("status", job.status) in MOVES[job.status], f"{job.status} -> {values['status']} is no move"
    unmoved = (JobRow.id == job.id, JobRow.status == job.status, JobRow.attempt == job.attempt)
    moved = connection.execute(update(JobRow).where(*unmoved, *only_if).values(**values)).rowcount == 1
    if moved and values.get("status") in ENDED:
        callbacks.make_due(connection, job.id, values["finished"])
    return moved


def schedule_again(connection: Connection, job: Job, now: datetime, *only_if: ColumnElement[bool]) -> bool:
    """Give a running job back, for any worker to take up."""
    return move(connection, job, *only_if, status=Status.SCHEDULED, worker=None, queued=now)


def end(connection: Connection, job: Job, *only_if: ColumnElement[bool], **values: Any) -> bool:
    """End a job: *values* hold `status`, `finished`, `expires`, and `results` or `problem`."""
    assert values["status"] in ENDED, f"{values['status']} is no end"
    return move(connection, job, *only_if, **values)


def count_waiting(connection: Connection, most: int) -> int:
    """Return how many jobs wait for a worker, counting no further than *most*."""
    waiting = select(JobRow.id).where(JobRow.status == Status.SCHEDULED).limit(most).subquery()
    return connection.execute(select(func.count()).select_from(waiting)).scalar_one()
