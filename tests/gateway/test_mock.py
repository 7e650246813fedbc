"""With `--mock` every operation is answered from its examples, and requests are validated as ever."""

from __future__ import annotations

import pytest
from werkzeug.test import Client

from handlers import wire
from handlers.app import create_app
from handlers.gateway.compilation import compile_apis
from handlers.gateway.endpoint import Endpoint
from handlers.gateway.mock import Mock, MockResolver
from handlers.settings import Settings
from handlers.spec.documents import read_apis
from handlers.spec.shape import operations

SETTINGS = Settings(mock=True, validate_responses=True)
ENDPOINTS = compile_apis(read_apis(), SETTINGS, mounts={}, resolver=MockResolver)


@pytest.fixture(scope="module")
def client() -> Client:
    """Return a client of everything that is served, mocked."""
    return create_app(SETTINGS).test_client()


def test_every_operation_is_there(client: Client) -> None:
    """Nothing is missing, built or not."""
    assert sum(len(list(operations(api.document))) for api in read_apis()) == len(ENDPOINTS)
    assert 501 not in {client.get("/ops/info").status_code, client.get("/konduit/config").status_code}


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
def test_every_answer_is_what_the_spec_says(endpoint: Endpoint) -> None:
    """Each answer of each operation, failures among them, passes the check of answers."""
    mock = endpoint.handler.__self__
    assert isinstance(mock, Mock)
    assert endpoint.check is not None

    for code in ("", *(code.replace("XX", "00") for code in mock.codes if code != "default")):
        wire.enter(wire.Request(id="", method="", path="", base_url="", headers={"prefer": f"code={code}"}))
        answer = endpoint.replies.encode(endpoint.handler())
        endpoint.check.check(answer)
        assert code in ("", str(answer.status))


def test_the_examples_are_answered(client: Client) -> None:
    """The first success is answered with the example of its schema."""
    answer = client.post("/invoke/hash/invokesync", json={"to_hash": "abcd"})

    assert 200 == answer.status_code
    digest = "6f6f129471590d2c91804c812b5750cd44cbdfb7238541c451e1ea2bc0193177"
    assert {"hash_val": digest} == answer.json["outputs"]


def test_requests_are_validated(client: Client) -> None:
    """What the real server would refuse is refused."""
    answer = client.post("/invoke/hash/invokesync", json={"to_hash": 5})

    assert 400 == answer.status_code
    assert "/to_hash" == answer.json["errors"][0]["place"]
    assert 405 == client.get("/invoke/hash/invokesync").status_code


def test_the_caller_chooses_the_answer(client: Client) -> None:
    """A failure is answered on demand; what the operation does not have is not."""
    body = {"to_hash": "abcd"}

    asked = client.post("/invoke/hash/invokesync", json=body, headers={"Prefer": "code=403"})
    other = client.post("/invoke/hash/invokesync", json=body, headers={"Prefer": "code=999"})

    assert (403, "application/problem+json") == (asked.status_code, asked.content_type)
    assert 200 == other.status_code


def test_security_is_asked_for(client: Client) -> None:
    """Who brings no token where one is needed gets a 401; any token opens everything."""
    assert 401 == client.get("/api/v1/manage/tokens").status_code
    assert 200 == client.get("/api/v1/manage/tokens", headers={"Authorization": "Bearer any"}).status_code


RESPONSES = {
    "200": {
        "description": "",
        "headers": {"X-Left": {"schema": {"type": "integer", "minimum": 3}}},
        "content": {"text/*": {"schema": {}, "examples": {"one": {"value": "1"}, "two": {"value": "2"}}}},
    },
    "4XX": {"description": "", "content": {"*/*": {"schema": {"type": "object", "properties": {"a": {"enum": [5]}}}}}},
    "204": {"description": ""},
}


@pytest.mark.parametrize(
    ("prefer", "status", "kind", "body"),
    [
        ("", 200, "text/x-mock", "1"),
        ("example=two", 200, "text/x-mock", "2"),
        ('example="two"', 200, "text/x-mock", "2"),
        ("example=three", 200, "text/x-mock", "1"),
        ("code=418", 418, "application/json", {"a": 5}),
        ("respond-async, code=204", 204, "application/json", None),
        ("code=503", 200, "text/x-mock", "1"),
    ],
)
def test_preferences(prefer: str, status: int, kind: str, body: object) -> None:
    """Named examples, ranges of statuses and of media types are understood; what is not there is not insisted on."""
    wire.enter(wire.Request(id="", method="", path="", base_url="", headers={"prefer": prefer}))

    reply = Mock({}, RESPONSES).answer()

    assert (status, kind, body) == (reply.status, reply.content_type, reply.body)
    assert ({"X-Left": "3"} if status == 200 else {}) == reply.headers
