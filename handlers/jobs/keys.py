"""Idempotency-Keys: a request that is sent again with its key gets the job that it got before.

Source:
    The Idempotency-Key HTTP Header Field (draft-ietf-httpapi-idempotency-key-header).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from handlers.errors import KeyReused
from handlers.jobs import transitions
from handlers.jobs.records import Job
from handlers.jobs.tables import JobKeyRow, JobRow


@dataclass(frozen=True)
class Key:
    """A key, and the request that it stands for."""

    digest: str
    request: str


def key_of(owner: str | None, text: str, request: Any) -> Key:
    """Return the key that *owner* sent with *request*, a JSON value; those of two owners are never the same."""
    return Key(digest([owner, text]), digest(request))


def recall(connection: Connection, key: Key, time: datetime) -> Job | None:
    """Return the job that was made with *key*; None: there is none, or it has expired.

    Raises:
        KeyReused: The key was sent with another request.
    """
    known = connection.execute(select(JobKeyRow.__table__).where(JobKeyRow.digest == key.digest)).one_or_none()
    job = transitions.find(connection, known.job) if known else None
    if known is None or job is None or (job.expires is not None and job.expires <= time):
        return None
    if known.request != key.request:
        raise KeyReused("The Idempotency-Key was sent before, with another body, query or address.")
    return job


def remember(connection: Connection, key: Key, job_id: str, time: datetime) -> None:
    """Store that *key* made a job, in place of one that has expired.

    Raises:
        IntegrityError: Somebody else was faster.
    """
    # Only what has expired may go: what another transaction has stored since `recall` is not to be touched.
    expired = select(JobRow.id).where(JobRow.expires <= time)
    connection.execute(delete(JobKeyRow).where(JobKeyRow.digest == key.digest, JobKeyRow.job.in_(expired)))
    connection.execute(insert(JobKeyRow).values(digest=key.digest, request=key.request, job=job_id))


def digest(value: Any) -> str:
    """Return the SHA-256 of a JSON value, however its members are ordered."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
