"""Handlers of specs/dep6.yaml: Ocean invoke with the operation in the path, or in the body."""

# ruff: noqa: N803 - the spec names the arguments.

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from generated import dep6 as api
from handlers.jobs.records import Job
from handlers.jobs.words import as_outcome, as_state
from handlers.operations.replies import accepted, admitted, events, finished, state
from handlers.services import services
from handlers.wire import Reply, preferences, request

Values = Mapping[str, Any]


def list_operations() -> api.OperationList:
    """List the operations and their metadata."""
    at = services()
    return {
        "operations": [
            {"id": found.id, "name": name, "did": at.agent.did_of(found.id), "metadata": dict(found.metadata)}
            for name, found in sorted(at.operations.descriptions.by_name.items())
        ]
    }


def run_operation(operation: str, body: Values) -> api.Outcome:
    """Run an operation now."""
    return run(operation, body, write=in_dep)


def submit_operation(operation: str, body: Values, callbackUrl: str | None = None) -> Reply:
    """Run an operation as a job."""
    return submit(operation, body, callbackUrl, job_address, as_dep_outcome)


def read_job(job_id: str) -> Reply:
    """Tell how far a job has come."""
    job = services().operations.status(None, job_id, admitted(services().settings))
    return state(job, services().watch, as_job, request())


def cancel_job(job_id: str) -> Reply:
    """End a job that has not ended."""
    return Reply(body=as_job(services().operations.cancel(None, job_id, admitted(services().settings))))


def follow_job(job_id: str) -> Reply:
    """Tell how far a job has come, again whenever that changes."""
    job = services().operations.status(None, job_id, admitted(services().settings))
    return events(job, services().watch, as_job, request())


def call(body: api.Call, callbackUrl: str | None = None) -> Reply:
    """Run the operation that the body names, or queue it for a caller that would rather not wait."""
    if preferences(request().headers.get("prefer", "")).respond_async:
        return call_async(body, callbackUrl)
    return Reply(body=call_sync(body))


def call_sync(body: api.Call) -> api.Outcome:
    """Run the operation that the body names."""
    return run(body["operation"], body.get("params", {}), place="/params")


def call_async(body: api.Call, callbackUrl: str | None = None) -> Reply:
    """Run the operation that the body names as a job."""
    inputs = body.get("params", {})
    return submit(body["operation"], inputs, callbackUrl, status_address, as_outcome, place="/params")


def call_status(jobid: str) -> Reply:
    """Tell how far a job has come."""
    job = services().operations.status(None, jobid, admitted(services().settings))
    return state(job, services().watch, as_state, request())


def call_result(jobid: str) -> Reply:
    """Give the results of a job that has ended."""
    job = services().operations.result(None, jobid, admitted(services().settings))
    return Reply(body=as_outcome(job), headers={"Cache-Control": "no-store"})


def run(
    word: str, inputs: Values, *, place: str = "", write: Callable[[str, Values], Values] = lambda _, outputs: outputs
) -> api.Outcome:
    """Run an operation now; *write* says how its outputs are told."""
    at, caller = services(), admitted(services().settings)
    name = at.operations.find(word, "sync").operation
    at.operations.check(name, inputs, place)
    outputs = dict(write(name, at.operations.run(name, inputs, caller)))
    return {"status": "succeeded", "outputs": outputs, "results": outputs}


def submit(
    word: str,
    inputs: Values,
    callback: str | None,
    address: Callable[[Job], str],
    write: Callable[[Job], Values],
    *,
    place: str = "",
) -> Reply:
    """Queue one run of an operation; *address* is where its job is told of, and *write* how its end is."""
    here, at, caller = request(), services(), admitted(services().settings)
    asked, key = preferences(here.headers.get("prefer", "")), here.headers.get("idempotency-key")
    name = at.operations.find(word, "async").operation
    at.operations.check(name, inputs, place)
    at.limits.job(caller, here.remote_address)
    job = at.operations.submit(name, inputs, caller, key=key, callback=callback)
    secret = at.jobs.callback_secret(job) if callback else None
    return finished(job, at.watch, write, asked) or accepted(job, address(job), asked, secret=secret)


def job_address(job: Job) -> str:
    """Return where DEP 6 has a job."""
    return f"{request().base_url}{request().mount}/api/v1/invoke/jobs/{job.id}"


def status_address(job: Job) -> str:
    """Return where the contract's second mode has the status of a job."""
    return f"{request().base_url}{request().mount}/invoke/getstatus?jobid={job.id}"


def as_job(job: Job) -> dict[str, Any]:
    """Return where a job stands and what came of it."""
    return as_state(job) | as_dep_outcome(job)


def as_dep_outcome(job: Job) -> dict[str, Any]:
    """Return how a job ended, its assets under the DIDs that DEP 6 knows."""
    outcome = as_outcome(job)
    if job.results is not None:
        outcome["outputs"] = outcome["results"] = in_dep(job.subject, job.results)
    return outcome


def in_dep(operation: str, outputs: Values) -> dict[str, Any]:
    """Return outputs with assets under the DIDs that DEP 6 knows."""
    at = services()
    found = at.operations.catalogue.operations.get(operation)
    assets = found.asset_outputs if found else frozenset()
    return {
        key: {**value, "did": at.agent.did_of(value["did"])} if key in assets else value
        for key, value in outputs.items()
    }
