"""`asset`, `job` and `token`, on the configured store and on a server: the same commands, the same outcome."""

import json
import re

import httpx
import pytest

from tests.cli.conftest import seamark, wait_for


@pytest.fixture(params=[pytest.param("store", marks=pytest.mark.long), "server"])
def run(request, server):
    """Run a command on the server's store, or on the server with its first token; return what it wrote."""
    with open(f"{server.environment['SEAMARK_HOME']}/token") as file:
        token = file.read().strip()
    there = {"SEAMARK_URL": server.url, "SEAMARK_TOKEN": token} if request.param == "server" else {}

    def command(*arguments, code=0):
        done = seamark(server.environment | there, *arguments)
        assert code == done.returncode, done.stderr
        return done.stdout if code == 0 else done.stderr

    return command


@pytest.fixture
def job(server):
    """The id of a job that has ended."""
    made = httpx.post(f"{server.url}/invoke/hash/invokeasync", json={"to_hash": "hello"}).json()["jobid"]
    address = f"{server.url}/invoke/hash/getstatus"
    wait_for(lambda: "succeeded" == httpx.get(address, params={"jobid": made}).json()["status"])
    return made


def test_an_asset_comes_and_goes(run, tmp_path):
    """What was added is listed and shown, and once it is removed it is no longer there."""
    path = tmp_path / "table.csv"
    path.write_text("a,b\n1,2\n")

    did = run("asset", "add", path, "--name", "a table", "--author", "ann").strip()

    assert re.fullmatch(r"did:op:[0-9a-f]{64}", did)
    assert f"{did}  a table  text/csv  8" in run("asset", "list")
    shown = json.loads(run("asset", "show", did, "--json"))
    assert ("a table", 8, did) == (shown["name"], shown["size"], shown["ddo"]["id"])
    run("asset", "rm", did)
    assert "There is no asset" in run("asset", "show", did, code=1)
    assert did not in run("asset", "list")


def test_a_price_that_is_none_is_refused(run, tmp_path):
    """A mistake is one line and exit code 1."""
    path = tmp_path / "file"
    path.touch()

    words = run("asset", "add", path, "--price", "much", code=1)

    assert 1 == len(words.splitlines())
    assert words.startswith("Error: ")


def test_jobs_are_listed_page_by_page(run, job, server):
    """The newest comes first, and the end of a page says how to go on."""
    httpx.post(f"{server.url}/invoke/hash/invokeasync", json={"to_hash": "newer"})

    first = run("job", "list", "--limit", 1)
    cursor = re.search(r"More: --before (\S+)", first)[1]

    assert job not in first
    assert job in run("job", "list", "--before", cursor)


def test_a_job_is_shown_with_its_results(run, job):
    """For people and for programs."""
    assert "succeeded" in run("job", "show", job)
    assert {"hash_val"} == set(json.loads(run("job", "show", job, "--json"))["results"])


def test_the_log_of_a_job_is_followed_to_its_end(run, server, tmp_path):
    """What the job reports on the way can be read; --follow ends with the job."""
    rows = "\n".join(f"{n % 7},{n % 5},{n % 2}" for n in range(400))
    path = tmp_path / "table.csv"
    path.write_text(f"a,b,c\n{rows}\n")
    did = run("asset", "add", path).strip()
    inputs = {"dataset": {"did": did}, "target": "c"}
    job = httpx.post(f"{server.url}/invoke/train-classifier/invokeasync", json=inputs).json()["jobid"]

    lines = run("job", "logs", job, "--follow").splitlines()

    assert lines
    assert len(lines) == len(run("job", "logs", job, "--json").splitlines())


def test_a_job_that_has_ended_cannot_be_cancelled(run, job):
    """The refusal says how it ended."""
    assert "already succeeded" in run("job", "cancel", job, code=1)
    assert "There is no job" in run("job", "cancel", "none", code=1)


def test_a_token_comes_and_goes(run, server):
    """Its secret opens what its scopes say, until it is revoked; lists never show it."""
    made = json.loads(run("token", "new", "ann", "--scopes", "invoke", "--expires", "30d", "--json"))
    headers = {"Authorization": f"Bearer {made['secret']}"}
    address = f"{server.url}/api/v1/manage/jobs"

    assert 403 == httpx.get(address, headers=headers).status_code
    listed = run("token", "list")
    assert made["id"] in listed
    assert made["secret"] not in listed
    run("token", "revoke", made["id"])
    assert 401 == httpx.get(address, headers=headers).status_code
    assert "There is no token" in run("token", "revoke", made["id"], code=1)


@pytest.mark.parametrize("arguments", [["--expires", "soon"], ["--scopes", "all"], ["--scopes", ""]])
def test_a_token_that_cannot_be_is_refused(run, arguments):
    """An unknown scope or time makes no token."""
    run("token", "new", "ann", *arguments, code=2 if arguments[0] == "--expires" else 1)


def test_management_needs_a_token(server):
    """Without a token, or with a wrong one, the server refuses, and the command says where to get one."""
    for token in ({}, {"SEAMARK_TOKEN": "sea_0_wrong"}):
        done = seamark(server.environment | {"SEAMARK_URL": server.url} | token, "job", "list")

        assert 1 == done.returncode
        assert "--token or SEAMARK_TOKEN" in done.stderr


def test_a_server_that_is_not_there_is_named(server):
    """An address that nobody listens on is one clear line."""
    done = seamark(server.environment, "job", "list", "--url", "http://127.0.0.1:1")

    assert 1 == done.returncode
    assert "cannot be reached" in done.stderr
    assert 1 == len(done.stderr.splitlines())
