"""What a caller is told of a job, in the words of DEP 6."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from handlers.jobs.records import Job
from handlers.jobs.tables import Status

NOT_PAID: Final = 8003
ASSET_UNREADABLE: Final = 8004
FAILED: Final = 8005
CODES: Final[Mapping[str, int]] = {
    "PaymentMissing": NOT_PAID,
    "Forbidden": ASSET_UNREADABLE,
    "AssetNotFound": ASSET_UNREADABLE,
    "TooLarge": ASSET_UNREADABLE,
}


def names(job: Job) -> dict[str, Any]:
    """Return the id of a job under each name that clients of this API read."""
    return {"jobid": job.id, "job-id": job.id, "jobId": job.id}


def as_state(job: Job) -> dict[str, Any]:
    """Return where a job stands."""
    times = {key: as_text(getattr(job, key)) for key in ("created", "started", "finished", "expires")}
    state = {"status": job.status.value, "progress": job.progress, "message": job.message}
    return names(job) | state | times | reason(job)


def as_outcome(job: Job) -> dict[str, Any]:
    """Return how a job ended."""
    outcome = names(job) | {"status": job.status.value} | reason(job)
    if job.status is Status.SUCCEEDED:
        outcome |= {"outputs": job.results, "results": job.results}
    return outcome


def as_text(moment: datetime | None) -> str | None:
    """Return a time as RFC 3339 has it, in UTC."""
    return moment.isoformat().replace("+00:00", "Z") if moment else None


def reason(job: Job) -> dict[str, Any]:
    """Return why a job failed; nothing if it did not."""
    if job.status is not Status.FAILED or job.problem is None:
        return {}
    kind = str(job.problem.get("type", "")).rpartition("/")[2]
    return {
        "error": job.problem,
        "errorcode": CODES.get(kind, FAILED),
        "description": job.problem.get("detail", job.problem.get("title", "")),
    }
