"""Handlers of specs/invoke/*.yaml: run an operation, at once or as a job.

The gateway binds the operations of every document to these functions, with the operation's name fixed.
"""

# ruff: noqa: N803 - the spec names the arguments.

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handlers.jobs.tables import Status
from handlers.jobs.words import as_outcome, as_state
from handlers.operations.replies import accepted, admitted, events, finished, state
from handlers.services import services
from handlers.wire import Reply, preferences, request


def invoke_sync(operation: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Run an operation now."""
    outputs = services().operations.run(operation, body, admitted(services().settings))
    return {"status": Status.SUCCEEDED.value, "outputs": outputs, "results": outputs}


def invoke_async(operation: str, body: Mapping[str, Any], callbackUrl: str | None = None) -> Reply:
    """Queue one run of an operation."""
    here, at = request(), services()
    asked, key = preferences(here.headers.get("prefer", "")), here.headers.get("idempotency-key")
    caller = admitted(at.settings)
    at.limits.job(caller, here.remote_address)
    job = at.operations.submit(operation, body, caller, key=key, callback=callbackUrl)
    secret = at.jobs.callback_secret(job) if callbackUrl else None
    location = f"{here.base_url}{here.mount}/getstatus?jobid={job.id}"
    return finished(job, at.watch, as_outcome, asked) or accepted(job, location, asked, secret=secret)


def get_status(operation: str, jobid: str) -> Reply:
    """Tell how far a job has come."""
    job = services().operations.status(operation, jobid, admitted(services().settings))
    return state(job, services().watch, as_state, request())


def get_events(operation: str, jobid: str) -> Reply:
    """Tell how far a job has come, again whenever that changes."""
    job = services().operations.status(operation, jobid, admitted(services().settings))
    return events(job, services().watch, as_state, request())


def get_result(operation: str, jobid: str) -> Reply:
    """Give the results of a job that has ended."""
    job = services().operations.result(operation, jobid, admitted(services().settings))
    return Reply(body=as_outcome(job), headers={"Cache-Control": "no-store"})


def cancel_job(operation: str, jobid: str) -> dict[str, Any]:
    """End a job that has not ended."""
    return as_state(services().operations.cancel(operation, jobid, admitted(services().settings)))
