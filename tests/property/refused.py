"""Requests about models that keep to the schemas, and are refused all the same, since no schema can tell."""

from __future__ import annotations

import io
import json

from tests.models.peer import Peer
from tests.models.pmmlfiles import DATA

ENDPOINT = "/ops/endpoints/%(endpoint)s"
PREDICT = ENDPOINT + "/predict"
BATCH = "/ops/predictions/batch?endpoint_id=%(endpoint)s"
JOB = "/ops/predictions/batch/%(job)s"
INFER = "/v2/models/%(model)s/infer"
VERSION = "/v2/models/%(model)s/versions/%(endpoint)s/infer"
TRAFFIC = "/ops/models/%(model)s/traffic"
TABLE = {"data": "humidity\n1\n", "content_type": "text/csv"}
UNFIT_TABLE = {"data": "a\n1\n", "content_type": "text/csv"}
TENSOR = {"name": "humidity", "shape": [1], "datatype": "FP64"}
TARGET = [{"rel": "endpoint", "href": "/endpoints/%(endpoint)s"}]


def about(method, path, *, resting=False, **request):
    """Send a request about a model that was uploaded, the ids filled in; its endpoint may be out of service."""

    def send(client, headers):
        ids = uploaded(client, headers)
        if resting:
            body = {"status": "out_of_service"}
            client.patch(ENDPOINT % ids, json=body, headers=headers)
        sent = {name: json.loads(json.dumps(value) % ids) for name, value in request.items()}
        return client.open(path % ids, method=method, **sent, headers=headers)

    return send


def about_table(method, path, *, forgotten=False):
    """Ask about predictions of a table that cannot be made, and that may be forgotten by then."""

    def send(client, headers):
        ids = uploaded(client, headers)
        ids["job"] = client.post(BATCH % ids, **UNFIT_TABLE, headers=headers | {"Prefer": "respond-async"}).json["id"]
        while forgotten and 410 != client.get(JOB % ids, headers=headers).status_code:
            client.delete(JOB % ids, headers=headers)
        return client.open(path % ids, method=method, headers=headers)

    return send


def uploaded(client, headers):
    """Return the ids of a model and its endpoint."""
    model = described(client, headers)
    files = {"file": (io.BytesIO((DATA / "golf.pmml").read_bytes()), "golf.pmml")}
    answer = client.post(f"/ops/models/{model}", data=files, headers=headers)
    assert 201 == answer.status_code, answer.text
    return {"model": model, "endpoint": answer.json["id"]}


def described(client, headers):
    """Return the id of a model that has no file."""
    return client.post("/ops/models", json={"name": "m"}, headers=headers).json["id"]


def no_model(path):
    """Upload what is no model."""

    def send(client, headers):
        files = {"file": (io.BytesIO(b"a"), "a.pkl")}
        return client.post(path % {"model": described(client, headers)}, data=files, headers=headers)

    return send


def broken_name(path):
    """Send a form with a field whose name has a line break."""

    def send(client, headers):
        body = b'--b\r\nContent-Disposition: form-data; name="a\nb"\r\n\r\n1\r\n--b--\r\n'
        kind = "multipart/form-data; boundary=b"
        return client.post(path % {"model": described(client, headers)}, data=body, content_type=kind, headers=headers)

    return send


def remote(client, headers, **more):
    """Add a model of another server, which does not answer."""
    body = {"url": "http://127.0.0.1:9", "protocol": "v2", "model": "m"} | more
    return client.post("/ops/remotes", json=body, headers=headers)


def remote_with_nul(client, headers):
    """Add one of a server that answers, under a name that holds the character NUL."""
    peer = Peer()
    peer.paths["/v2/models/m"] = (200, {"name": "m", "inputs": []})
    try:
        return remote(client, headers, url=peer.url, name="\0")
    finally:
        peer.close()


SHOWN_OF_MODELS = {
    ("GET /models", "422"): about("GET", "/ops/models?limit=0"),
    ("GET /endpoints", "422"): about("GET", "/ops/endpoints?offset=-1"),
    ("POST /models", "400"): about("POST", "/ops/models", json={"name": "\0"}),
    ("PATCH /models/{model_id}", "400"): about("PATCH", "/ops/models/%(model)s", json={"name": "\0"}),
    ("PATCH /models/{model_id}", "409"): about("PATCH", "/ops/models/%(model)s", json={"credentials": None}),
    ("PATCH /models/{model_id}", "422"): about(
        "PATCH", "/ops/models/%(model)s", json={"input_schema": [{"name": "a", "order": 0, "type": "float"}]}
    ),
    ("PATCH /endpoints/{endpoint_id}", "400"): about("PATCH", ENDPOINT, json={"name": "\0"}),
    ("POST /upload", "400"): broken_name("/ops/upload"),
    ("POST /upload", "422"): no_model("/ops/upload"),
    ("POST /models/{model_id}", "400"): broken_name("/ops/models/%(model)s"),
    ("POST /models/{model_id}", "422"): no_model("/ops/models/%(model)s"),
    ("POST /remotes", "400"): remote_with_nul,
    ("POST /remotes", "422"): remote,
    ("POST /endpoints/{endpoint_id}/predict", "400"): about("POST", PREDICT, json={"other": 1}),
    ("POST /endpoints/{endpoint_id}/predict", "409"): about("POST", PREDICT, json={}, resting=True),
    ("POST /predictions", "400"): about("POST", "/ops/predictions", json={"target": [{}], "parameters": []}),
    ("POST /predictions", "409"): about(
        "POST", "/ops/predictions", json={"target": TARGET, "parameters": []}, resting=True
    ),
    ("POST /predictions/batch", "400"): about("POST", BATCH, **UNFIT_TABLE),
    ("POST /predictions/batch", "409"): about("POST", BATCH, **TABLE, resting=True),
    ("POST /predictions/batch", "422"): about("POST", BATCH, **TABLE | {"data": ""}),
    ("GET /predictions/batch/{job_id}", "410"): about_table("GET", JOB, forgotten=True),
    ("DELETE /predictions/batch/{job_id}", "410"): about_table("DELETE", JOB, forgotten=True),
    ("GET /predictions/batch/{job_id}/result", "409"): about_table("GET", JOB + "/result"),
    ("GET /predictions/batch/{job_id}/result", "410"): about_table("GET", JOB + "/result", forgotten=True),
    ("POST /v2/models/{model_name}/infer", "400"): about("POST", INFER, json={"inputs": [TENSOR]}),
    ("POST /v2/models/{model_name}/infer", "409"): about(
        "POST", INFER, json={"inputs": [TENSOR | {"data": [1]}]}, resting=True
    ),
    ("POST /v2/models/{model_name}/versions/{model_version}/infer", "400"): about(
        "POST", VERSION, json={"inputs": [TENSOR]}
    ),
    ("POST /v2/models/{model_name}/versions/{model_version}/infer", "409"): about(
        "POST", VERSION, json={"inputs": [TENSOR | {"data": [1]}]}, resting=True
    ),
    ("PUT /models/{model_id}/traffic", "400"): about(
        "PUT", TRAFFIC, json={"canary": {"endpoint": "%(endpoint)s", "share": 0.5}}
    ),
    ("PUT /models/{model_id}/traffic", "409"): about("PUT", TRAFFIC, json={"endpoint": "%(endpoint)s"}, resting=True),
}
