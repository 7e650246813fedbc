"""Each entry of schemathesis.toml is needed: here is a request that shows it."""

from __future__ import annotations

import io
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.property.computing import PATHS
from tests.property.refused import BATCH, SHOWN_OF_MODELS, TABLE, broken_name, described, uploaded

ROOT = Path(__file__).parents[2]
USUAL = {"2xx", "401", "403", "404"}
REFUSED = {"400", "401", "403", "413", "415"}
DDO = "/api/v1/aquarius/assets/ddo"
DID = "did:op:" + "ab" * 32
PROVIDER = "/api/v1/services"
ADDRESS = "0x" + "12" * 20
ACCESS = {"type": "access", "index": 3, "attributes": {}}
METADATA = [{"type": "metadata", "index": 0, "attributes": {"main": {"type": "dataset", "files": []}}}]


def entries(check: str, usual: set[str]) -> set[tuple[str, str]]:
    """Return the pairs of operation and status that a check accepts beyond the usual ones."""
    config = tomllib.loads((ROOT / "schemathesis.toml").read_text())
    return {
        (operation["include-name"], status)
        for operation in config["operations"]
        for status in operation["checks"].get(check, {}).get("expected-statuses", ())
        if status not in usual
    }


def without_freeing() -> str:
    """Return a regular expression for the paths whose DELETE leaves something there."""
    return "|".join(one["include-path-regex"] for one in switched_off("use_after_free"))


def switched_off(check: str) -> list[dict[str, Any]]:
    """Return the entries that switch a check off."""
    config = tomllib.loads((ROOT / "schemathesis.toml").read_text())
    return [one for one in config["operations"] if not one["checks"].get(check, {}).get("enabled", True)]


def taken(client, headers):
    """Register a DID a second time."""
    return [client.post(DDO, json={"id": DID, "service": METADATA}, headers=headers) for _ in range(2)][-1]


def misnamed(client, headers):
    """Send the document of another asset."""
    return client.put(f"{DDO}/{DID}", json={"id": "did:op:" + "cd" * 32, "service": METADATA}, headers=headers)


def unfit(path, body):
    """Send inputs that the operation does not take."""
    return lambda client, headers: client.post(path, json=body, headers=headers)


def reused(path, *bodies, prefer=""):
    """Send one Idempotency-Key with two requests."""

    def send(client, headers):
        headers = headers | {"Idempotency-Key": path, "Prefer": prefer}
        return [client.post(path, json=body, headers=headers) for body in bodies][-1]

    return send


def too_late(path):
    """Cancel a job that has ended."""

    def send(client, headers):
        job = client.post("/invoke/hash/invokeasync", json={"to_hash": ""}, headers=headers | {"Prefer": "wait=30"})
        return client.delete(path.format(job.json["jobid"]), headers=headers)

    return send


def untrue(client, headers):
    """Send contents of which the metadata name another hash."""
    return filled(client, headers, {"name": "a", "contentHash": "00"}, b"a")


def full(client, headers):
    """Send other contents for an asset that has some."""
    filled(client, headers, {"name": "b"}, b"a")
    return filled(client, headers, {"name": "b"}, b"b")


def filled(client, headers, metadata, data):
    """Register metadata and send contents for them."""
    text = json.dumps(metadata)
    registered = client.post("/api/v1/meta/data", data=text, content_type="text/plain", headers=headers)
    files = {"file": (io.BytesIO(data), "file")}
    return client.post(f"/api/v1/assets/{registered.json}", data=files, headers=headers)


def no_metadata(client, headers):
    """Register a text that is no JSON."""
    return client.post("/api/v1/meta/data", data="a", content_type="text/plain", headers=headers)


def namesake(client, headers):
    """Make an account a second time."""
    body = {"name": "namesake", "password": "a good password", "scopes": ["invoke"]}
    return [client.post("/api/v1/manage/accounts", json=body, headers=headers) for _ in range(2)][-1]


def asked(path, **query):
    """Ask with parameters in the query."""
    return lambda client, headers: client.get(path, query_string=query, headers=headers)


def other_type(method, path, **more):
    """Want another type of service than the asset has."""

    def send(client, headers):
        client.post(DDO, json={"id": DID, "service": [*METADATA, ACCESS]}, headers=headers)
        client.put(f"{DDO}/{DID}", json={"id": DID, "service": [*METADATA, ACCESS]}, headers=headers)
        wanted = {"documentId": DID, "consumerAddress": ADDRESS, "serviceId": 3, "serviceType": "compute"} | more
        return client.open(path, method=method, query_string=wanted, headers=headers)

    return send


def nothing(method, path):
    """Ask for a job without saying which."""
    return lambda client, headers: client.open(path, method=method, json=None if method == "GET" else {})


def sent(path):
    """Send a file for no input of the pipeline."""
    return lambda client, headers: client.post(f"/konduit{path}", data={"none": (io.BytesIO(b"a"), "a.npy")})


COMPUTE = (*PATHS.values(), "/api/v1/compute")  # Provider's, Brizo's and both's
ONE, TWO = {"to_hash": "1"}, {"to_hash": "2"}
CALL_ONE, CALL_TWO, CALL_NONE = ({"operation": "hash", "params": params} for params in (ONE, TWO, {}))
SHOWN = {
    **SHOWN_OF_MODELS,
    ("POST /api/v1/aquarius/assets/ddo", "400"): unfit(DDO, {"id": DID, "service": []}),
    ("POST /api/v1/aquarius/assets/ddo", "409"): taken,
    ("POST /api/v1/aquarius/assets/ddo/validate-remote", "400"): unfit(
        f"{DDO}/validate-remote", {"id": DID, "service": []}
    ),
    ("PUT /api/v1/aquarius/assets/ddo/{did}", "400"): misnamed,
    ("POST /api/v1/services/nonce", "400"): unfit(f"{PROVIDER}/nonce", {}),
    ("POST /api/v1/services/encrypt", "400"): unfit(f"{PROVIDER}/encrypt", {}),
    ("GET /api/v1/services/encrypt", "400"): asked(
        f"{PROVIDER}/encrypt", documentId=DID, publisherAddress=ADDRESS, document="nothing"
    ),
    ("POST /api/v1/services/fileinfo", "400"): unfit(f"{PROVIDER}/fileinfo", {}),
    ("GET /api/v1/services/initialize", "400"): other_type("GET", f"{PROVIDER}/initialize"),
    ("POST /api/v1/services/initialize", "400"): other_type("POST", f"{PROVIDER}/initialize"),
    ("GET /api/v1/services/download", "400"): other_type("GET", f"{PROVIDER}/download", fileIndex=0, signature="0x"),
    ("POST /api/v1/services/download", "400"): other_type("POST", f"{PROVIDER}/download", fileIndex=0, signature="0x"),
    ("POST /api/v1/invoke/sync/{operation}", "400"): unfit("/api/v1/invoke/sync/hash", {}),
    ("POST /api/v1/invoke/async/{operation}", "400"): unfit("/api/v1/invoke/async/hash", {}),
    ("POST /api/v1/invoke/async/{operation}", "422"): reused("/api/v1/invoke/async/hash", ONE, TWO),
    ("POST /invoke", "400"): unfit("/invoke", CALL_NONE),
    ("POST /invoke", "422"): reused("/invoke", CALL_ONE, CALL_TWO, prefer="respond-async"),
    ("POST /invoke/invokesync", "400"): unfit("/invoke/invokesync", CALL_NONE),
    ("POST /invoke/invokeasync", "400"): unfit("/invoke/invokeasync", CALL_NONE),
    ("POST /invoke/invokeasync", "422"): reused("/invoke/invokeasync", CALL_ONE, CALL_TWO),
    ("POST /invokeasync", "400"): unfit("/invoke/hash/invokeasync?callbackUrl=ftp://a.example/", ONE),
    ("POST /invokeasync", "422"): reused("/invoke/hash/invokeasync", ONE, TWO),
    ("DELETE /job", "409"): too_late("/invoke/hash/job?jobid={}"),
    ("DELETE /api/v1/invoke/jobs/{job_id}", "409"): too_late("/api/v1/invoke/jobs/{}"),
    ("POST /api/v1/meta/data", "400"): no_metadata,
    ("POST /api/v1/assets/{asset_id}", "400"): untrue,
    ("POST /api/v1/assets/{asset_id}", "409"): full,
    ("GET /jobs", "400"): asked("/api/v1/manage/jobs", before="a"),
    ("POST /assets", "400"): broken_name("/api/v1/manage/assets"),
    ("POST /accounts", "409"): namesake,
    ("POST /dynamicschema", "400"): unfit(
        "/konduit/dynamicschema", {"schema": {"default": {"a": {"type": "Long"}}}, "values": {"default": {"b": 1}}}
    ),
    ("POST /array/indices/{arrayType}", "400"): unfit("/konduit/array/indices/json", [1000]),
    ("POST /array/range/{start}/{stop}/{arrayType}", "400"): unfit("/konduit/array/range/2/1/json", None),
    **{(f"POST /{word}/{{inputDataFormat}}", "400"): sent(f"/{word}/NUMPY") for word in ("NUMPY", "ND4J", "ARROW")},
    **{
        (f"POST /{{predictionType}}/{word}", status): unfit(f"/konduit/{kind}/{word}", {"none": "text"})
        for word in ("JSON", "json")
        for kind, status in (("RAW", "400"), ("RCNN", "501"))
    },
    ("POST /{predictionType}/{inputDataFormat}", "400"): sent("/RAW/NUMPY"),
    ("POST /{predictionType}/{inputDataFormat}", "501"): sent("/RCNN/NUMPY"),
    **{(f"GET {path}Result", "400"): asked(f"{path}Result", jobId="a", index=0) for path in PATHS.values()},
    **{
        (f"{method} {path}", "400"): nothing(method, path)
        for method in ("POST", "GET", "PUT", "DELETE")
        for path in COMPUTE
    },
}
EARLY = {"GET /getresult": "/invoke/hash/getresult", "GET /invoke/getresult": "/invoke/getresult"}


def test_every_entry_is_shown_by_a_request():
    """An entry that nothing needs any more fails here."""
    compute = [*(f"POST {path}" for path in COMPUTE), *(f"GET {path}Result" for path in PATHS.values())]
    assert entries("positive_data_acceptance", USUAL) == {*SHOWN, *((name, "409") for name in (*EARLY, *compute))}
    assert entries("negative_data_rejection", REFUSED) == {("POST /assets", "2xx")}


@pytest.mark.parametrize("entry", SHOWN, ids=str)
def test_the_request_gets_the_accepted_status(entry, app, manager):
    """The request keeps to the schemas, and the answer has the status of the entry."""
    answer = SHOWN[entry](app.test_client(), {"Authorization": f"Bearer {manager}"})

    assert entry[1] == str(answer.status_code)


@pytest.mark.parametrize("path", EARLY.values(), ids=list(EARLY))
def test_a_result_asked_for_at_once_is_a_conflict(path, app, here, settings):
    """A job that no worker has taken up yet has no result."""
    here.queue.put = lambda job_id, **_: None  # the worker is not told, and the sweeper waits for longer than this test
    try:
        job = here.jobs.submit("invoke", "hash", {"inputs": {"to_hash": ""}, "scopes": []}, owner=None)
        answer = app.test_client().get(path, query_string={"jobid": job.id})
    finally:
        del here.queue.put

    assert 409 == answer.status_code


@pytest.mark.parametrize("path", COMPUTE)
def test_a_job_that_is_not_stopped_is_not_started_again(path, app, compute_market):
    """It has been done, and what it has left is there."""
    brizo = "brizo" in path
    signed = compute_market.naming(brizo, compute_market.done[brizo])

    answer = app.test_client().post(path, json=signed)

    assert 409 == answer.status_code


@pytest.mark.parametrize("brizo", PATHS)
def test_a_job_that_waits_has_no_results(brizo, app, here, compute_market):
    """Whoever asks for a file of it too early is told so."""
    here.queue.put = lambda job_id, **_: None
    try:
        job = compute_market.started(brizo)
        answer = app.test_client().get(f"{PATHS[brizo]}Result", query_string=compute_market.file(brizo, job, 0))
    finally:
        del here.queue.put

    assert 409 == answer.status_code


def test_a_job_that_was_deleted_is_still_told_of(app, compute_market):
    """And without its id DELETE means those that match, of which there may be none any more."""
    client, path = app.test_client(), PATHS[False]
    job = compute_market.started(False)

    deleted = client.delete(path, query_string=compute_market.naming(False, job))
    again = client.get(path, query_string=compute_market.naming(False, job))

    assert re.search(without_freeing(), path)
    assert [8, 8] == [deleted.json[0]["status"], again.json[0]["status"]]


def test_predictions_of_a_table_that_were_stopped_are_still_there(app, here, manager):
    """DELETE stops them, and forgets them only once they have ended."""
    client, headers = app.test_client(), {"Authorization": f"Bearer {manager}"}
    path = BATCH % uploaded(client, headers)
    here.queue.put = lambda job_id, **_: None  # so that they have not ended before they are stopped
    try:
        job = client.post(path, **TABLE, headers=headers | {"Prefer": "respond-async"}).json["id"]
    finally:
        del here.queue.put

    stopped = client.delete(f"/ops/predictions/batch/{job}", headers=headers)

    assert re.search(without_freeing(), f"/predictions/batch/{job}")
    assert 204 == stopped.status_code
    assert "cancelled" == client.get(f"/ops/predictions/batch/{job}", headers=headers).json["status"]


@pytest.mark.parametrize("path", ["/models/{model_id}/download", "/models/{model_id}/metadata"])
def test_a_model_that_was_described_has_no_file(path, app, manager):
    """It is there, and its file is not."""
    client, headers = app.test_client(), {"Authorization": f"Bearer {manager}"}
    model = described(client, headers)

    assert f"GET {path}" in {one["include-name"] for one in switched_off("ensure_resource_availability")}
    assert 200 == client.get(f"/ops/models/{model}", headers=headers).status_code
    assert 404 == client.get("/ops" + path.format(model_id=model), headers=headers).status_code


def test_a_job_that_was_cancelled_is_still_there(app, here, manager):
    """So that its owner can see how it ended: DELETE does not make it unknown."""
    client, headers = app.test_client(), {"Authorization": f"Bearer {manager}"}
    here.queue.put = lambda job_id, **_: None  # so that it has not ended before it is cancelled
    try:
        job = here.jobs.submit("invoke", "hash", {"inputs": {"to_hash": ""}, "scopes": []}, owner=None).id
        where = f"/api/v1/invoke/jobs/{job}"
        cancelled = client.delete(where, headers=headers)
    finally:
        del here.queue.put

    assert re.search(without_freeing(), where)
    assert 200 == cancelled.status_code
    assert "cancelled" == client.get(where, headers=headers).json["status"]


def test_a_number_in_a_form_is_a_text(app, manager):
    """There is nothing else in a form, so that whoever sends numbers is not refused."""
    form = {"file": (io.BytesIO(b"a"), "a"), "name": 1, "author": 2}

    answer = app.test_client().post("/api/v1/manage/assets", data=form, headers={"Authorization": f"Bearer {manager}"})

    assert 201 == answer.status_code
    assert "1" == answer.json["name"]


def test_a_text_beyond_its_length_may_be_beyond_the_bound_of_the_body(app, settings):
    """413 comes before the schema is looked at."""
    body = json.dumps({"to_hash": "x" * settings.body_limit_bytes})

    answer = app.test_client().post("/invoke/hash/invokesync", data=body, content_type="application/json")

    assert 413 == answer.status_code
