"""Tables of the jobs."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Enum, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from handlers.storage.sql import Base, Instant


class Status(enum.StrEnum):
    """Where a job stands.

    It only ever moves down this list, but for a re-queued attempt, running -> scheduled, and for one that its owner
    starts again, cancelled -> scheduled.
    """

    SCHEDULED = "scheduled"  #: stored, waiting for a worker
    RUNNING = "running"  #: a worker is at it
    SUCCEEDED = "succeeded"  #: results are stored
    FAILED = "failed"  #: `problem` says why
    CANCELLED = "cancelled"  #: stopped by its owner


ENDED = frozenset({Status.SUCCEEDED, Status.FAILED, Status.CANCELLED})


class JobRow(Base):
    """One job: what is to be done, for whom, and how far it has come."""

    __tablename__ = "jobs"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))  #: which runner does it: "invoke", later "compute" and others
    subject: Mapped[str] = mapped_column(String(200))  #: what is run: the name of an operation
    inputs: Mapped[Any] = mapped_column(JSON)
    owner: Mapped[str | None] = mapped_column(String(200))  #: None: whoever knows the id
    status: Mapped[Status] = mapped_column(
        Enum(Status, native_enum=False, length=16, values_callable=lambda states: [state.value for state in states])
    )
    attempt: Mapped[int] = mapped_column(Integer, default=0)  #: counts the times a worker took it up
    worker: Mapped[str | None] = mapped_column(String(200))
    progress: Mapped[int] = mapped_column(Integer, default=0)  #: percent, 0 to 100
    message: Mapped[str] = mapped_column(Text, default="")
    results: Mapped[Any | None] = mapped_column(JSON(none_as_null=True))
    problem: Mapped[Any | None] = mapped_column(JSON(none_as_null=True))  #: problem document of a failed job
    created: Mapped[datetime] = mapped_column(Instant)
    queued: Mapped[datetime] = mapped_column(Instant)  #: when its id was last put into the queue
    started: Mapped[datetime | None] = mapped_column(Instant)
    heartbeat: Mapped[datetime | None] = mapped_column(Instant)
    finished: Mapped[datetime | None] = mapped_column(Instant)
    expires: Mapped[datetime | None] = mapped_column(Instant)  #: when an ended job's results go
    purged: Mapped[datetime | None] = mapped_column(Instant)  #: when they went; the row stays a while as a tombstone

    __table_args__ = (
        Index("ix_jobs_created", "created"),
        Index("ix_jobs_owner_created", "owner", "created"),
        Index("ix_jobs_status_queued", "status", "queued"),
        Index("ix_jobs_status_heartbeat", "status", "heartbeat"),
        Index("ix_jobs_purged_expires", "purged", "expires"),
    )


class JobLogRow(Base):
    """One line that a job logged."""

    __tablename__ = "job_log"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    job: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), index=True)
    attempt: Mapped[int] = mapped_column(Integer)
    time: Mapped[datetime] = mapped_column(Instant)
    line: Mapped[str] = mapped_column(Text)


class JobKeyRow(Base):
    """An Idempotency-Key, and the job that the first request with it made."""

    __tablename__ = "job_keys"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)  #: SHA-256 of the owner and the key
    request: Mapped[str] = mapped_column(String(64))  #: SHA-256 of what was asked for
    job: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), index=True)


class CallbackRow(Base):
    """An address to call when a job has ended."""

    __tablename__ = "callbacks"

    job: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    url: Mapped[str] = mapped_column(String(2048))
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    due: Mapped[datetime | None] = mapped_column(Instant, index=True)  #: None: the job runs, or nothing is left to do
    delivered: Mapped[datetime | None] = mapped_column(Instant)
    answer: Mapped[str] = mapped_column(String(300), default="")  #: what the last attempt met
