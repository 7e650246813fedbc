"""Ocean invoke with the operation in the path, as DEP 6 has it, and in the body."""

from __future__ import annotations

import hashlib
import json

import pytest

DIGEST = hashlib.sha3_256(b"abcd").hexdigest()
PATHS = ("/api/v1/invoke/{mode}/hash", "/invoke/invoke{mode}")


def send(client, path, mode, inputs, **options):
    """Invoke the operation `hash` in the manner of *path*."""
    body = inputs if "{mode}/" in path else {"operation": "hash", "params": inputs}
    return client.post(path.format(mode=mode), json=body, **options)


def test_operations_are_listed_under_the_hash_of_their_metadata(client):
    """The id is the SHA3-256 of the text that /meta/data gives, and that text is the metadata."""
    listed = client.get("/api/v1/invoke/operations").json["operations"]

    assert {"hash", "predict-class", "train-classifier"} <= {operation["name"] for operation in listed}
    for operation in listed:
        text = client.get(f"/api/v1/meta/data/{operation['id']}").data
        assert operation["id"] == hashlib.sha3_256(text).hexdigest()
        assert operation["metadata"] == json.loads(text)


def test_metadata_say_what_an_operation_takes_and_gives(client):
    """Names, kinds, places and modes are those of the spec."""
    listed = {each["name"]: each["metadata"] for each in client.get("/api/v1/invoke/operations").json["operations"]}

    assert ["sync", "async"] == listed["hash"]["operation"]["modes"]
    assert ["async"] == listed["train-classifier"]["operation"]["modes"]
    assert {
        "to_hash": {"type": "json", "position": 0, "required": True},
        "saved_model": {"type": "asset", "position": 1, "required": False},
    } == listed["hash"]["operation"]["inputs"]


@pytest.mark.parametrize("spell", [str, str.upper, "0x{}".format], ids=["plain", "capitals", "0x"])
def test_an_operation_has_a_name_and_an_id(client, spell):
    """Either leads to it, whatever the case of the id."""
    listed = client.get("/api/v1/invoke/operations").json["operations"]
    operation_id = next(each["id"] for each in listed if each["name"] == "hash")

    by_name = client.post("/api/v1/invoke/sync/hash", json={"to_hash": "abcd"})
    by_id = client.post(f"/api/v1/invoke/sync/{spell(operation_id)}", json={"to_hash": "abcd"})

    assert 200 == by_name.status_code, by_name.text
    assert by_name.json == by_id.json
    assert {"hash_val": DIGEST} == by_name.json["outputs"] == by_name.json["results"]


def test_the_envelope_may_be_a_json_string(client):
    """The contract says "encoded as a JSON String"."""
    call = json.dumps({"operation": "hash", "params": {"to_hash": "abcd"}})

    for path in ("/invoke", "/invoke/invokesync"):
        assert DIGEST == client.post(path, json=call).json["outputs"]["hash_val"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("mode", ["sync", "async"])
def test_inputs_are_checked_against_the_operation(client, path, mode):
    """A wrong input is a 400 that names its place in the body, before there is a job."""
    answer = send(client, path, mode, {"to_hash": 1})

    place = "/to_hash" if "{mode}/" in path else "/params/to_hash"
    assert (400, [place]) == (answer.status_code, [fault["place"] for fault in answer.json["errors"]])


@pytest.mark.parametrize("path", ["/api/v1/invoke/sync/nothing", "/api/v1/invoke/async/nothing"])
def test_an_unknown_operation_is_not_there(client, path):
    """404, and the same where an operation lacks the mode."""
    assert 404 == client.post(path, json={}).status_code
    assert 404 == client.post("/invoke", json={"operation": "nothing"}).status_code
    assert 404 == client.post("/api/v1/invoke/sync/train-classifier", json={}).status_code


def test_a_job_is_found_where_its_location_says(client, here, hand):
    """The whole way of DEP 6: 201 with three names of the id, then its states, then its outputs."""
    submitted = client.post("/api/v1/invoke/async/hash", json={"to_hash": "abcd"})
    location = submitted.headers["Location"]
    waiting = client.get(location).json
    hand.end(hand.start(submitted.json["jobid"]), results={"hash_val": DIGEST})
    ended = client.get(location).json

    assert 201 == submitted.status_code
    assert location.endswith(f"/api/v1/invoke/jobs/{submitted.json['job-id']}")
    assert "scheduled" == waiting["status"]
    assert "outputs" not in waiting
    assert ("succeeded", {"hash_val": DIGEST}) == (ended["status"], ended["outputs"])


def test_the_envelope_has_jobs_too(client, hand):
    """`/invoke/invokeasync`, `/invoke/getstatus`, `/invoke/getresult`."""
    submitted = client.post("/invoke/invokeasync", json={"operation": "hash", "params": {"to_hash": "abcd"}})
    location = submitted.headers["Location"]
    early = client.get(location.replace("getstatus", "getresult"))
    hand.end(hand.start(submitted.json["jobid"]), results={"hash_val": DIGEST})
    status, result = client.get(location), client.get(location.replace("getstatus", "getresult"))

    assert (201, 409) == (submitted.status_code, early.status_code)
    assert "succeeded" == status.json["status"]
    assert {"hash_val": DIGEST} == result.json["outputs"]


def test_one_address_runs_at_once_or_as_a_job(client):
    """`POST /invoke` answers the outputs, or 202 and a job for who prefers that."""
    call = {"operation": "hash", "params": {"to_hash": "abcd"}}

    at_once = client.post("/invoke", json=call)
    later = client.post("/invoke", json=call, headers={"Prefer": "respond-async"})

    assert (200, DIGEST) == (at_once.status_code, at_once.json["outputs"]["hash_val"])
    assert (202, "respond-async") == (later.status_code, later.headers["Preference-Applied"])
    assert "scheduled" == client.get(later.headers["Location"]).json["status"]


def test_asset_outputs_have_the_dids_of_dep(client, here, hand, tmp_path):
    """An output of DEP 6 is `did:dep:<agent>/<id>`, and that is good as an input, too."""
    path = tmp_path / "model"
    path.write_bytes(b"model")
    asset = here.assets.add(path)
    job = here.jobs.submit("invoke", "train-classifier", {"inputs": {}, "scopes": []}, owner=None)
    hand.end(hand.start(job.id), results={"model": {"did": asset.did}, "metrics": {}})

    did = client.get(f"/api/v1/invoke/jobs/{job.id}").json["outputs"]["model"]["did"]
    again = client.post("/api/v1/invoke/sync/hash", json={"to_hash": "", "saved_model": {"did": did}})

    assert f"{here.agent.did}/{asset.did.removeprefix('did:op:')}" == did
    assert hashlib.sha3_256(b"model").hexdigest() == again.json["outputs"]["saved_model_hash_val"]


@pytest.mark.parametrize("path", ["/api/v1/invoke/sync/hash", "/invoke", "/invoke/hash/invokesync"])
def test_a_stranger_elsewhere_needs_a_token(client, here, path):
    """401 without; the token may be sent as `Bearer` or, on the addresses of DEP 6, as `token`."""
    from tests.invoke.conftest import ELSEWHERE

    body = {"operation": "hash", "params": {"to_hash": ""}} if path == "/invoke" else {"to_hash": ""}
    secret = here.tokens.new("ann", ["invoke"])[0]

    def status(**headers):
        return client.post(path, json=body, headers=headers, environ_base=ELSEWHERE).status_code

    assert [401, 401, 200] == [status(), status(Authorization="Bearer x"), status(Authorization=f"Bearer {secret}")]
    if "hash/" not in path:
        assert [401, 200] == [status(Authorization="token x"), status(Authorization=f"token {secret}")]
