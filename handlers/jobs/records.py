"""What is known of a job."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from handlers.jobs.tables import ENDED, Status


@dataclass(frozen=True, kw_only=True)
class Job:
    """One job as it stood when it was read; the fields are those of `tables.JobRow`."""

    id: str
    kind: str
    subject: str
    inputs: Any
    owner: str | None
    status: Status
    attempt: int
    worker: str | None
    progress: int
    message: str
    results: Any
    problem: Any
    created: datetime
    queued: datetime
    started: datetime | None
    heartbeat: datetime | None
    finished: datetime | None
    expires: datetime | None
    purged: datetime | None

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.status in ENDED

    def ran_s(self, until: datetime) -> float:
        """Return how many seconds its last attempt took until then; 0 if no worker took it up."""
        return (until - self.started).total_seconds() if self.started else 0.0

    @property
    def cursor(self) -> str:
        """Where a list that continues after this job begins."""
        return f"{self.created.isoformat().replace('+00:00', 'Z')}/{self.id}"

    @property
    def blobs(self) -> str:
        """Prefix of the blobs that this attempt keeps; those of a lost attempt are never looked at."""
        return f"{blobs_of(self.id)}/{self.attempt}"


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """One line that a job logged."""

    id: int  #: grows with every line; what `Jobs.logs` continues after
    attempt: int
    time: datetime
    line: str


def job_from(row: Row[Any]) -> Job:
    """Return a row of the jobs table as a job."""
    return Job(**row._mapping)


def blobs_of(job_id: str) -> str:
    """Prefix of the blobs of all attempts of a job."""
    return f"jobs/{job_id}"
