"""Compute jobs as they are kept, and found again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from handlers.assets.did import canonical
from handlers.compute import logs
from handlers.compute.statuses import Stage, stage_of
from handlers.compute.tables import ComputeRow, SpentRow
from handlers.errors import AssetNotFound
from handlers.jobs.records import Job
from handlers.jobs.tables import JobRow
from handlers.storage.sql import Database, now

TABLE: Final = ComputeRow.metadata.tables[ComputeRow.__tablename__]
SPENT: Final = SpentRow.metadata.tables[SpentRow.__tablename__]
JOBS: Final = JobRow.metadata.tables[JobRow.__tablename__]
NAMES: Final = tuple(column.name for column in TABLE.columns)
MOST: Final = 1000  # jobs that one answer tells of, the newest

PROVIDER: Final = "provider"
BRIZO: Final = "brizo"


@dataclass(frozen=True, kw_only=True)
class Which:
    """Which jobs a request means, and who signed it; empty where it does not say."""

    job: str = ""
    subject: str = ""  #: the asset's DID, or the agreement's id, as it was sent
    owner: str = ""  #: address
    order: str = ""  #: hash of the order's transaction
    signature: str = ""


@dataclass(frozen=True, kw_only=True)
class ComputeJob:
    """A compute job as it stood when it was read."""

    job: Job
    door: str
    owner: str  #: address in lower case
    shown: str  #: the same, checksummed
    did: str
    document: str
    agreement: str
    deleted: datetime | None
    logged: int  #: bytes of the log, where the job did not come to its own end; else 0

    @property
    def id(self) -> str:
        """Its id."""
        return self.job.id

    @property
    def stage(self) -> Stage:
        """Where it stands."""
        return stage_of(self.job, deleted=self.deleted is not None)

    @property
    def outcome(self) -> dict[str, Any]:
        """What it has left; nothing while it has not ended by itself."""
        found = self.job.results if isinstance(self.job.results, dict) else {}
        return {"reason": "", "files": [], "did": "", **found}

    @property
    def files(self) -> list[Any]:
        """What is known of each file that it has left; the log of one that was cut off has no blob."""
        if not self.logged:
            return list(self.outcome["files"])
        return [{"name": logs.NAME, "size": self.logged, "type": logs.TYPE, "kind": logs.KIND, "blob": ""}]


class Records:
    """The compute jobs of one store."""

    def __init__(self, database: Database) -> None:
        """Keep them in *database*."""
        self._database = database

    def add(self, connection: Connection, values: dict[str, Any]) -> None:
        """Store whose a job is, in the transaction that stores the job."""
        connection.execute(insert(TABLE).values(reference=reference_of(values["agreement"]), **values))

    def find(self, which: Which, door: str | None = None, *, owner: str | None) -> Sequence[ComputeJob]:
        """Return the jobs that match all that is said, newest first; those that were deleted only where one is named.

        Args:
            which: What the request says.
            door: Through which they came; None: either.
            owner: Address; None: anybody's.
        """
        where = [*conditions(which, door)]
        if owner is not None:
            where.append(TABLE.c.owner == owner.lower())
        if not which.job:
            where.append(TABLE.c.deleted.is_(None))
        where.append(or_(JOBS.c.expires.is_(None), JOBS.c.expires > now(), TABLE.c.deleted.is_not(None)))
        query = select(JOBS, logs.size().label("logged"), *(TABLE.c[name].label(f"compute_{name}") for name in NAMES))
        query = query.join(TABLE, TABLE.c.id == JOBS.c.id).where(*where)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(TABLE.c.created.desc(), TABLE.c.id).limit(MOST)).all()
        return [compute_job(row) for row in rows]

    def owners(self, which: Which, door: str | None, most: int) -> Sequence[str]:
        """Return whose the matching jobs are: some of the addresses."""
        query = select(TABLE.c.owner).where(*conditions(which, door)).distinct().limit(most)
        with self._database.read() as connection:
            return connection.execute(query).scalars().all()

    def log(self, job_id: str) -> bytes:
        """Return what a job has logged."""
        with self._database.read() as connection:
            return logs.read(connection, job_id)

    def count(self, agreement: str, most: int) -> int:
        """Return how many jobs there were under an agreement, counting no further than *most*."""
        query = select(TABLE.c.id).where(TABLE.c.reference == reference_of(agreement)).limit(most)
        with self._database.read() as connection:
            return len(connection.execute(query).all())

    def delete(self, job_id: str) -> None:
        """Note that the owner has deleted a job."""
        with self._database.write() as connection:
            connection.execute(update(TABLE).where(TABLE.c.id == job_id).values(deleted=now()))

    def spend(self, job_id: str, what: str) -> bool:
        """Note what is done to a job, which is done once; False: it was done before."""
        digest = hashlib.sha256(what.encode()).hexdigest()
        try:
            with self._database.write() as connection:
                connection.execute(insert(SPENT).values(job=job_id, digest=digest))
        except IntegrityError:
            return False
        return True


def conditions(which: Which, door: str | None) -> list[ColumnElement[bool]]:
    """Return what a job has to meet, but for its owner."""
    found: list[ColumnElement[bool]] = []
    if door is not None:
        found.append(TABLE.c.door == door)
    if which.job:
        # PostgreSQL takes no NUL, not even to compare with.
        found.append(TABLE.c.id == which.job.replace("\0", "?"))
    if which.subject and door == BRIZO:
        found.append(TABLE.c.reference == reference_of(which.subject))
    elif which.subject:
        found.append(TABLE.c.did == did_of(which.subject))
    if which.order:
        found.append(TABLE.c.reference == reference_of(which.order))
    return found


def did_of(sent: str) -> str:
    """Return a DID in the form in which it is kept; what is none is that of no job."""
    try:
        return canonical(sent)
    except AssetNotFound:
        return ""


def reference_of(sent: str) -> str:
    """Return the id of an agreement, or a transaction's, in the one form in which they are compared."""
    return sent.lower().removeprefix("0x").replace("\0", "?")[:128]


def compute_job(row: Row[Any]) -> ComputeJob:
    """Return a row as a value."""
    found = dict(row._mapping)
    mine = {name: found.pop(f"compute_{name}") for name in NAMES}
    names = ("door", "owner", "shown", "did", "document", "agreement", "deleted")
    logged = found.pop("logged")
    return ComputeJob(job=Job(**found), logged=logged, **{name: mine[name] for name in names})
