"""Each entry of schemathesis.toml is needed: here is a request that shows it."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
USUAL = {"2xx", "401", "403", "404"}
DDO = "/api/v1/aquarius/assets/ddo"
DID = "did:op:" + "ab" * 32


def entries() -> set[tuple[str, str]]:
    """Return the pairs of operation and status that are accepted beyond the usual ones."""
    config = tomllib.loads((ROOT / "schemathesis.toml").read_text())
    return {
        (operation["include-name"], status)
        for operation in config["operations"]
        for status in operation["checks"]["positive_data_acceptance"]["expected-statuses"]
        if status not in USUAL
    }


def taken(client, headers):
    """Register a DID a second time."""
    client.post(DDO, json={"id": DID, "service": []}, headers=headers)
    return client.post(DDO, json={"id": DID, "service": []}, headers=headers)


def misnamed(client, headers):
    """Send the document of another asset."""
    return client.put(f"{DDO}/{DID}", json={"id": "did:op:" + "cd" * 32, "service": []}, headers=headers)


SHOWN = {
    ("POST /api/v1/aquarius/assets/ddo", "409"): taken,
    ("PUT /api/v1/aquarius/assets/ddo/{did}", "400"): misnamed,
}


def test_every_entry_is_shown_by_a_request():
    """An entry that nothing needs any more fails here."""
    assert entries() == {*SHOWN, ("GET /getresult", "409")}


@pytest.mark.parametrize("entry", SHOWN, ids=str)
def test_the_request_gets_the_accepted_status(entry, app, manager):
    """The request keeps to the schemas, and the answer has the status of the entry."""
    answer = SHOWN[entry](app.test_client(), {"Authorization": f"Bearer {manager}"})

    assert entry[1] == str(answer.status_code)


def test_a_result_asked_for_at_once_is_a_conflict(app, here, settings):
    """A job that no worker has taken up yet has no result."""
    here.queue.put = lambda job_id: None  # the worker is not told, and the sweeper waits for longer than this test
    try:
        job = here.jobs.submit("invoke", "hash", {"inputs": {"to_hash": ""}, "scopes": []}, owner=None)
        answer = app.test_client().get("/invoke/hash/getresult", query_string={"jobid": job.id})
    finally:
        del here.queue.put

    assert 409 == answer.status_code


def test_a_text_beyond_its_length_may_be_beyond_the_bound_of_the_body(app, settings):
    """413 comes before the schema is looked at."""
    body = json.dumps({"to_hash": "x" * settings.body_limit_bytes})

    answer = app.test_client().post("/invoke/hash/invokesync", data=body, content_type="application/json")

    assert 413 == answer.status_code
