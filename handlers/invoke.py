"""Handlers of specs/invoke/*.yaml: run an operation, at once or as a job.

The gateway binds the four operations of every document to these four functions, with the operation's name fixed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

from handlers.errors import Unauthorized
from handlers.jobs.service import Job
from handlers.jobs.tables import ENDED, Status
from handlers.services import services
from handlers.wire import Caller, Reply, request

NOT_PAID: Final = 8003
ASSET_UNREADABLE: Final = 8004
FAILED: Final = 8005
CODES: Final[Mapping[str, int]] = {
    "PaymentMissing": NOT_PAID,
    "Forbidden": ASSET_UNREADABLE,
    "AssetNotFound": ASSET_UNREADABLE,
    "TooLarge": ASSET_UNREADABLE,
}
POLL_S: Final = 1


def invoke_sync(operation: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Run an operation now."""
    outputs = services().operations.run(operation, body, admitted())
    return {"status": Status.SUCCEEDED.value, "outputs": outputs, "results": outputs}


def invoke_async(operation: str, body: Mapping[str, Any]) -> Reply:
    """Queue one run of an operation."""
    job = services().operations.submit(operation, body, admitted())
    here = request()
    headers = {"Location": f"{here.base_url}{here.mount}/getstatus?jobid={job.id}"}
    # Clients of this API raise on a 202, so that only those get it who ask for it (RFC 7240).
    if "respond-async" in here.headers.get("prefer", "").replace(" ", "").split(","):
        return Reply(
            body=names(job), status=HTTPStatus.ACCEPTED, headers=headers | {"Preference-Applied": "respond-async"}
        )
    return Reply(body=names(job), status=HTTPStatus.CREATED, headers=headers)


def get_status(operation: str, jobid: str) -> Reply:
    """Tell how far a job has come."""
    job = services().operations.status(operation, jobid, admitted())
    headers = {} if job.status in ENDED else {"Retry-After": str(POLL_S)}
    return Reply(body=as_state(job), headers={"Cache-Control": "no-store"} | headers)


def get_result(operation: str, jobid: str) -> Reply:
    """Give the results of a job that has ended."""
    job = services().operations.result(operation, jobid, admitted())
    return Reply(body=as_outcome(job), headers={"Cache-Control": "no-store"})


def admitted() -> Caller:
    """Return the caller, if strangers may invoke or this is none.

    Raises:
        Unauthorized: A token is needed.
    """
    caller = request().caller
    if caller.local or caller.may("invoke") or services().settings.invoke_open:
        return caller
    raise Unauthorized("Invoke needs a token with the scope `invoke` from other machines.")


def names(job: Job) -> dict[str, Any]:
    """Return the id of a job under each name that clients of this API read."""
    return {"jobid": job.id, "job-id": job.id, "jobId": job.id}


def as_state(job: Job) -> dict[str, Any]:
    """Say in the words of DEP 6 where a job stands."""
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
