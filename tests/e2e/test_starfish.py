"""The published Python client of the DEP ecosystem does its invoke cycle against a server of ours."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import Server
from tests.e2e.environments import python_with

pytestmark = pytest.mark.long

STORY = Path(__file__).parent / "clients" / "starfish_story.py"
# starfish-py leaves the version of convex-api-py open, and newer ones have lost what it imports.
PACKAGES = ("starfish-py==0.17.16", "convex-api-py==0.2.6")
PASSWORD = "correct horse battery staple"


@pytest.fixture(scope="session")
def starfish() -> Path:
    """A Python that has the client."""
    return python_with("starfish-py", PACKAGES)


def account(server: Server, name: str) -> None:
    """Make an account."""
    body = {"name": name, "password": PASSWORD, "scopes": ["invoke", "assets"]}
    token = (server.home / "token").read_text().strip()
    made = server.client.post("/api/v1/manage/accounts", json=body, headers={"Authorization": f"Bearer {token}"})
    assert 201 == made.status_code, made.text


def test_starfish_py_does_its_invoke_cycle(server, starfish):
    """Login, metadata by their hashes, a run at once, jobs, uploads, and results as assets; it is not changed."""
    account(server, "ann")

    done = subprocess.run(
        [str(starfish), str(STORY), server.url, "ann", PASSWORD],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert 0 == done.returncode, done.stderr
    story = json.loads(done.stdout)
    expected = story["expected"]
    assert [True, True] == story["modes"]
    assert {"hash_val": expected["text"]} == story["by name"] == story["by asset"] == story["by token"]
    assert story["asset"].startswith(story["agent"] + "/")
    assert ("succeeded", expected["rows"]) == (story["job"][0], story["job"][1]["saved_model_hash_val"])
    assert "a,b,c\n1,2,3\n4,,\n5,6,7\n" == story["downloaded"]
    assert "a,b,c\n1,2,3\n5,6,7\n" == story["filtered"].replace("\r", "")
    assert story["same token"]
    assert "status 401" in story["refused"]
