"""Who may call what."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from handlers import wire
from tests.gateway.echo import echo_app


def whoami(**_: Any) -> dict[str, Any]:
    """Answer with the caller."""
    caller = wire.request().caller
    return {"name": caller.name, "scopes": sorted(caller.scopes)}


@pytest.fixture(scope="module")
def client():
    """Return a client whose handlers tell who calls."""
    return echo_app(handler=whoami).test_client()


def bearer(token: str) -> dict[str, str]:
    """Return the header of a bearer token."""
    return {"Authorization": f"Bearer {token}"}


def basic(password: str) -> dict[str, str]:
    """Return the header of a user name and *password*."""
    return {"Authorization": "Basic " + base64.b64encode(f"ann:{password}".encode()).decode()}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        (bearer("good"), 200),
        (bearer("wrong"), 401),
        ({"Authorization": "Bearer"}, 401),
        ({"Authorization": "Bearer "}, 401),
        ({"Authorization": "bearer good"}, 200),
        (basic("pw"), 401),
    ],
)
def test_a_token_is_needed(client, headers, status):
    """Without a valid token there is a 401 that says how to identify oneself."""
    response = client.get("/styles/secret", headers=headers)

    assert status == response.status_code
    assert (status == 401) == ("WWW-Authenticate" in response.headers)


@pytest.mark.parametrize(("token", "status"), [("good", 403), ("poor", 403), ("boss", 200)])
def test_scopes_are_needed(client, token, status):
    """`x-scopes` refuses a caller who is known but lacks one."""
    assert status == client.delete("/styles/secret", headers=bearer(token)).status_code


def test_an_optional_token_tells_who_calls(client):
    """A stranger may call; a token is looked at all the same."""
    assert {"name": None, "scopes": []} == client.put("/styles/secret").json
    assert {"name": "good", "scopes": ["read"]} == client.put("/styles/secret", headers=bearer("good")).json
    assert 401 == client.put("/styles/secret", headers=bearer("wrong")).status_code


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"X-Key": "k1"}, 401),
        (basic("pw"), 401),
        ({"X-Key": "k1"} | basic("no"), 401),
        ({"X-Key": "k1", "Authorization": "Basic !"}, 401),
        ({"X-Key": "k1"} | basic("pw"), {"name": "robot", "scopes": ["read"]}),
        (bearer("good"), {"name": "good", "scopes": ["read"]}),
        (bearer("poor"), 403),
    ],
)
def test_requirements_are_alternatives_and_their_schemes_belong_together(client, headers, expected):
    """A key and a password together, or an OAuth token with its scope."""
    response = client.get("/styles/key", headers=headers)

    assert expected == (response.status_code if isinstance(expected, int) else response.json)


def test_management_may_be_open_on_this_machine():
    """With SEAMARK_MANAGE_OPEN a local caller needs no token; others do, and so does a page in a browser."""
    client = echo_app(handler=whoami, manage_open=True).test_client()
    local, remote = {"REMOTE_ADDR": "127.0.0.1"}, {"REMOTE_ADDR": "192.0.2.1"}

    assert 200 == client.delete("/styles/secret", environ_overrides=local).status_code
    assert 401 == client.delete("/styles/secret", environ_overrides=remote).status_code
    page = {"Origin": "https://evil.example"}
    assert 401 == client.delete("/styles/secret", environ_overrides=local, headers=page).status_code
    rebound = {"Host": "evil.example"}
    assert 401 == client.delete("/styles/secret", environ_overrides=local, headers=rebound).status_code
