"""Handlers of specs/ops.yaml, the Open Prediction Service."""

from __future__ import annotations

import io
import secrets
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from generated import ops as api
from handlers.errors import AlreadyFinished, Fault, JobNotFound, NotFinished, Problem, Unprocessable
from handlers.files.content import Facts, Stored
from handlers.files.ranges import wanted
from handlers.jobs.records import Job, blobs_of
from handlers.jobs.tables import Status
from handlers.models import places, remote
from handlers.models.batches import KIND, SMALL_BYTES, as_json
from handlers.models.capabilities import capabilities, information
from handlers.models.condition import OK
from handlers.models.deployment import Wish
from handlers.models.document import document
from handlers.models.reading import kind_of
from handlers.models.records import Endpoint, Model
from handlers.models.registry import ENDPOINTS, MODELS
from handlers.models.sniffing import attachment
from handlers.models.targets import endpoint_in
from handlers.models.writing import TYPES
from handlers.services import services
from handlers.storage.files import copied
from handlers.wire import Reply, preferences, request

MOST_ITEMS: Final = 200  #: of one page


def get_capabilities() -> api.Capabilities:
    """Tell what the service is able to do."""
    return cast("api.Capabilities", capabilities(services().settings))


def get_info() -> api.ServerInfo:
    """Tell how the service is and what it runs on."""
    parts = services().models.condition.parts()
    info = {**information(), "parts": parts}
    if faults := [words for words in parts.values() if words != OK]:
        return {"status": "error", "error": " ".join(faults), "info": info}
    return {"status": "ok", "info": info}


def list_models(*, limit: int, offset: int, total_count: int | None = None) -> api.Models:
    """List the models, page by page."""
    check_page(limit, offset)
    registry = services().models.registry
    found = [as_model(model) for model in registry.models(limit=limit, offset=offset)]
    return {"models": found, "total_count": registry.count(MODELS) if total_count else 0}


def add_model(*, body: api.ModelCreation) -> tuple[api.Model, int, Mapping[str, str]]:
    """Add a model that has no endpoint yet."""
    return created(as_model(services().models.registry.add_model(body)))


def upload_model(*, body: api.SerializedModel) -> tuple[api.Model, int, Mapping[str, str]]:
    """Add a model and its endpoint from one file."""
    return created(as_model(services().models.deployment.add_model(as_wish(body))))


def add_remote(*, body: api.RemoteModel) -> tuple[api.Model, int, Mapping[str, str]]:
    """Add a model that stands for one of another server."""
    wish = remote.Wish(
        url=body["url"],
        protocol=body["protocol"],
        model=body["model"],
        name=body.get("name"),
        credentials=body.get("credentials"),
    )
    return created(as_model(services().models.proxies.add(wish)))


def get_model_by_id(*, model_id: str) -> api.Model:
    """Read one model."""
    return as_model(services().models.registry.model(model_id))


def upload_model_with_id(*, model_id: str, body: api.SerializedModel) -> tuple[api.Endpoint, int, Mapping[str, str]]:
    """Put a file of this model into service as a new endpoint."""
    return created(as_endpoint(services().models.deployment.add_endpoint(model_id, as_wish(body))))


def update_model_by_model_id(*, model_id: str, body: api.ModelUpdate) -> api.Model:
    """Change what is known of a model."""
    return as_model(services().models.change_model(model_id, body))


def delete_model_by_model_id(*, model_id: str) -> None:
    """Remove a model, its endpoints and its files."""
    services().models.remove_model(model_id)


def get_binary_by_id(*, model_id: str) -> Reply:
    """Download the file of a model."""
    models = services().models
    model, endpoint = models.with_file(model_id)
    return Reply(
        body=models.chunks(endpoint),
        length=endpoint.size,
        content_type="application/octet-stream",
        headers={"Content-Disposition": attachment(model.name, endpoint.format)},
    )


def get_metadata_by_id(*, model_id: str) -> api.AdditionalModelInfo:
    """Tell what kind of model the file of a model holds."""
    _, endpoint = services().models.with_file(model_id)
    return {"modelPackage": endpoint.format, "modelType": (endpoint.known or {}).get("kind", "other")}


def read_traffic(*, model_id: str) -> api.Traffic:
    """Tell which endpoint answers where the model alone is named."""
    return as_traffic(services().models.registry.model(model_id))


def change_traffic(*, model_id: str, body: api.TrafficChange) -> api.Traffic:
    """Promote an endpoint, or give one a share."""
    return as_traffic(services().models.traffic.change(model_id, body))


def refresh_model(*, model_id: str) -> api.Model:
    """Read again what a model is on its server."""
    return as_model(services().models.proxies.refresh(model_id))


def roll_back(*, model_id: str) -> api.Traffic:
    """Promote the endpoint that answered before."""
    return as_traffic(services().models.traffic.roll_back(model_id))


def list_endpoints(
    *, limit: int, offset: int, total_count: int | None = None, model_id: str | None = None
) -> api.Endpoints:
    """List the endpoints, page by page."""
    check_page(limit, offset)
    registry = services().models.registry
    model = None if model_id is None else registry.model(model_id)
    found = [as_endpoint(one) for one in registry.endpoints(limit=limit, offset=offset, model=model)]
    return {"endpoints": found, "total_count": registry.count(ENDPOINTS, model) if total_count else 0}


def get_endpoint_by_id(*, endpoint_id: str) -> api.Endpoint:
    """Read one endpoint and its status."""
    return as_endpoint(services().models.registry.endpoint(endpoint_id))


def update_endpoint_by_endpoint_id(*, endpoint_id: str, body: api.EndpointUpdate) -> api.Endpoint:
    """Rename an endpoint, describe it, or take it in or out of service."""
    return as_endpoint(services().models.registry.change_endpoint(endpoint_id, body))


def delete_endpoint_by_id(*, endpoint_id: str) -> None:
    """Remove an endpoint and its file; the model stays."""
    services().models.remove_endpoint(endpoint_id)


def get_endpoint_document(*, endpoint_id: str) -> tuple[dict[str, Any], int, Mapping[str, str]]:
    """Read an OpenAPI document of one endpoint."""
    here, registry = request(), services().models.registry
    endpoint = registry.endpoint(endpoint_id)
    url = f"{here.base_url}{here.mount}/endpoints/{endpoint.id}"
    found = document(endpoint, registry.model(endpoint.model), url)
    return found, HTTPStatus.OK, {"Cache-Control": "no-cache", "Vary": "Host"}


def predict_by_endpoint_id(*, endpoint_id: str, body: api.NamedValues) -> api.PredictionResponse:
    """Ask an endpoint for a prediction, with a plain object."""
    return {"result": dict(services().models.predictor.predict_values(endpoint_id, body))}


def prediction(*, body: api.Prediction) -> api.PredictionResponse:
    """Ask an endpoint for a prediction."""
    here = request()
    endpoint_id = endpoint_in(cast("Sequence[Mapping[str, str]]", body["target"]), here.base_url, here.mount)
    return {"result": dict(services().models.predictor.predict(endpoint_id, body["parameters"]))}


def check_page(limit: int, offset: int) -> None:
    """Refuse a page that is outside the range.

    Raises:
        Unprocessable: It is.
    """
    faults = []
    if not 1 <= limit <= MOST_ITEMS:
        faults.append(Fault("query", "limit", f"It is not between 1 and {MOST_ITEMS}."))
    if not 0 <= offset < 1 << 31:
        faults.append(Fault("query", "offset", f"It is not between 0 and {(1 << 31) - 1}."))
    if faults:
        raise Unprocessable("Requested offset/limit is not valid", faults=faults)


def as_wish(body: api.SerializedModel) -> Wish:
    """Return what was sent."""
    return Wish(
        upload=body["file"],
        filename=body.get("fileName", ""),
        format=body.get("format"),
        takes=body.get("input_data_structure", "auto"),
        gives=body.get("output_data_structure", "auto"),
    )


def created(document: Any) -> tuple[Any, int, Mapping[str, str]]:
    """Return the answer for a new thing, and where it is: its first link says so."""
    return document, HTTPStatus.CREATED, {"Location": document["links"][0]["href"]}


def as_model(model: Model) -> api.Model:
    """Return a model; what is not set is left out."""
    own = [("self", "models", model.id), *(("endpoint", "endpoints", one) for one in model.endpoints)]
    document: dict[str, Any] = {
        "id": model.id,
        "name": model.name,
        "version": model.version,
        "input_schema": model.input_schema,
        "output_schema": model.output_schema,
        "metadata": model.about,
        "links": [*(link(*one) for one in own), *(model.links or ())],
        "created_at": model.created.isoformat(timespec="microseconds"),
        "modified_at": model.modified.isoformat(timespec="microseconds"),
    }
    return cast("api.Model", {key: value for key, value in document.items() if value is not None})


def as_traffic(model: Model) -> api.Traffic:
    """Return who answers for a model."""
    share = {"endpoint": model.canary, "share": model.share} if model.canary in model.endpoints else None
    answers = services().models.traffic.current(model).id if model.endpoints else None
    previous = model.previous if model.previous in model.endpoints else None
    return cast("api.Traffic", {"endpoint": answers, "previous": previous, "canary": share})


def as_endpoint(endpoint: Endpoint) -> api.Endpoint:
    """Return an endpoint; what is not set is left out."""
    document: dict[str, Any] = {
        "id": endpoint.id,
        "name": endpoint.name,
        "status": endpoint.status.value,
        "metadata": endpoint.about,
        "links": [
            link("self", "endpoints", endpoint.id),
            link("model", "models", endpoint.model),
            *(endpoint.links or ()),
        ],
        "deployed_at": endpoint.deployed.isoformat(timespec="microseconds"),
        "problem": endpoint.problem,
        "written_by": (endpoint.known or {}).get("writer"),
    }
    return cast("api.Endpoint", {key: value for key, value in document.items() if value is not None})


def link(rel: str, kind: str, identifier: str) -> dict[str, str]:
    """Return a link to a model or an endpoint, as clients see this server."""
    here = request()
    return {"rel": rel, "href": f"{here.base_url}{here.mount}/{kind}/{identifier}"}


def batch_prediction(
    *, endpoint_id: str, body: BinaryIO | list[dict[str, Any]], output: api.TableFormat | None = None
) -> Reply | tuple[api.BatchJob, int, Mapping[str, str]]:
    """Ask an endpoint for the predictions of a whole table."""
    here, batches = request(), services().models.batches
    kind = kind_of(here.headers.get("content-type", ""))
    given = output or kind
    services().models.registry.endpoint(endpoint_id)
    scratch = places.scratch(services().settings)
    with tempfile.TemporaryDirectory(prefix="seamark-batch-", dir=scratch) as folder:
        table, predictions = Path(folder, "table"), Path(folder, "predictions")
        stream = io.BytesIO(as_json(body)) if isinstance(body, list) else body
        size, _ = copied(stream, table)
        later = size > SMALL_BYTES or preferences(here.headers.get("prefer", "")).respond_async
        if not later and batches.at_once(endpoint_id, table, kind, predictions, given):
            return Reply(body=predictions.read_bytes(), content_type=TYPES[given])
        batches.check(table, kind)
        return accepted(submitted(endpoint_id, table, kind, given))


def read_batch(*, job_id: str) -> api.BatchJob:
    """Tell how far the predictions of a table have come."""
    return as_batch(batch(job_id))


def cancel_batch(*, job_id: str) -> None:
    """Stop the predictions of a table."""
    job, jobs = batch(job_id), services().jobs
    if not job.ended:
        with suppress(AlreadyFinished):  # it has ended just now, and is forgotten
            jobs.cancel(job.id, all_owners=True)
            return
    jobs.remove(job.id, all_owners=True)


def read_batch_result(*, job_id: str) -> Reply:
    """Fetch the predictions of a table."""
    job = batch(job_id)
    if job.status is not Status.SUCCEEDED:
        raise NotFinished(f"There are no predictions: the job is {job.status.value}.")
    found, here = job.results, request()
    name, kind = f"predictions.{found['output']}", TYPES[found["output"]]
    facts = Facts(length=found["size"], content_type=kind, name=name).or_else()
    source = Stored(facts, lambda: services().blobs.open(found["blob"]))
    return source.open(wanted(here.headers.get("range", "")), here.headers.get("if-range", "")).as_reply(facts)


def submitted(endpoint_id: str, table: Path, kind: str, given: str) -> Job:
    """Store a table and a job that predicts it."""
    here, caller, job_id = services(), request().caller, secrets.token_hex(16)
    here.limits.job(caller, request().remote_address)
    blob = f"{blobs_of(job_id)}/table"
    here.blobs.put(blob, table)
    try:
        inputs = {"blob": blob, "format": kind, "output": given}
        return here.jobs.submit(KIND, endpoint_id, inputs, owner=caller.name, job_id=job_id)
    except Problem:
        here.blobs.remove(blob)
        raise


def accepted(job: Job) -> tuple[api.BatchJob, int, Mapping[str, str]]:
    """Return the answer for a table that has become a job."""
    document = as_batch(job)
    return document, HTTPStatus.ACCEPTED, {"Location": document["links"][0]["href"]}


def batch(job_id: str) -> Job:
    """Return the job of a table that the caller may know of.

    Raises:
        JobNotFound: There is none.
    """
    caller = request().caller
    job = services().jobs.read(job_id, owner=caller.name, all_owners=caller.may("manage"))
    if job.kind != KIND:
        raise JobNotFound(f"There is no job {job_id[:64]}.")
    return job


def as_batch(job: Job) -> api.BatchJob:
    """Return the job of a table."""
    done = job.status is Status.SUCCEEDED
    links = [link("self", "predictions/batch", job.id)]
    links += [link("result", "predictions/batch", f"{job.id}/result")] if done else []
    document: dict[str, Any] = {
        "id": job.id,
        "status": job.status.value,
        "progress": job.progress,
        "message": job.message,
        "links": links,
    }
    document |= {"rows": job.results["rows"]} if done else {}
    document |= {"problem": job.problem} if job.problem else {}
    return cast("api.BatchJob", document)
