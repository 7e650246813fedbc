"""`seamark backup` and `seamark restore`, with servers that run."""

import json
import re

import httpx
import pytest

from tests.cli.conftest import Up, environment_for, seamark, wait_for

pytestmark = pytest.mark.long


@pytest.fixture
def table(tmp_path):
    """A small CSV file."""
    path = tmp_path / "table.csv"
    path.write_text("a,b\n1,\n,\n")
    return path


def invoke(server, operation, **inputs):
    """Run an operation as a job and return its result."""
    job = httpx.post(f"{server.url}/invoke/{operation}/invokeasync", json=inputs).json()["jobid"]
    return job, wait_for(lambda: result_of(server, operation, job))


def result_of(server, operation, job):
    """Return what came of a job; nothing while it has not ended."""
    answer = httpx.get(f"{server.url}/invoke/{operation}/getresult", params={"jobid": job})
    return answer.json() if 200 == answer.status_code else None


def test_a_server_is_backed_up_while_it_runs_and_lives_on_elsewhere(server, table, tmp_path):
    """Assets with their files, jobs with their results and tokens are there on the other server; nothing later is."""
    did = seamark(server.environment, "asset", "add", table).stdout.strip()
    job, result = invoke(server, "filter-rows", dataset={"did": did}, max_empty_columns=1)
    token = seamark(server.environment, "token", "new", "ann", "--scopes", "manage").stdout.strip()

    done = seamark(server.environment, "backup", tmp_path / "state.tar.gz", "--json")
    assert 0 == done.returncode, done.stderr
    later = seamark(server.environment, "asset", "add", table).stdout.strip()

    elsewhere = tmp_path / "elsewhere"
    restored = seamark(environment_for(elsewhere), "restore", tmp_path / "state.tar.gz")
    assert 0 == restored.returncode, restored.stderr
    assert [] == json.loads(done.stdout)["missing"]
    other = Up(elsewhere)
    try:
        assert result == wait_for(lambda: result_of(other, "filter-rows", job))
        listed = httpx.get(f"{other.url}/api/v1/manage/assets", headers={"Authorization": f"Bearer {token}"}).json()
        dids = {asset["did"] for asset in listed["assets"]}
        assert {did, result["outputs"]["filtered_dataset"]["did"]} <= dids
        assert later not in dids
        wait_for(other.ready)
        assert 1 == invoke(other, "filter-rows", dataset={"did": did}, max_empty_columns=1)[1]["outputs"]["rows"]
    finally:
        other.stop()


def test_a_running_server_is_not_replaced(server, tmp_path):
    """Neither with force nor without; the server that runs is named."""
    assert 0 == seamark(server.environment, "backup", tmp_path / "state.tar").returncode

    for force in ([], ["--force"]):
        done = seamark(server.environment, "restore", tmp_path / "state.tar", *force)

        assert 1 == done.returncode
        assert server.url in done.stderr


def test_workers_elsewhere_are_not_pulled_the_store_from_under(server, tmp_path):
    """Another home with the same queue: its workers are alive, so nothing is changed."""
    assert 0 == seamark(server.environment, "backup", tmp_path / "state.tar").returncode
    wait_for(server.ready)
    socket = next((tmp_path.parent / server.environment["SEAMARK_HOME"]).glob("run/redis.sock"))
    environment = environment_for(tmp_path / "other", redis_url=f"unix://{socket}")

    done = seamark(environment, "restore", tmp_path / "state.tar")

    assert (1, True) == (done.returncode, "1 worker" in done.stderr), done.stderr


def test_what_is_there_is_replaced_only_if_that_is_wanted(table, tmp_path):
    """Without force the refusal says what there is; with it the state is that of the backup."""
    environment = environment_for(tmp_path / "home")
    first = seamark(environment, "asset", "add", table).stdout.strip()
    assert 0 == seamark(environment, "backup", tmp_path / "state.tar").returncode
    second = seamark(environment, "asset", "add", table).stdout.strip()

    refused = seamark(environment, "restore", tmp_path / "state.tar")
    looked = seamark(environment, "restore", tmp_path / "state.tar", "--check")
    assert (1, 0) == (refused.returncode, looked.returncode)
    assert "--force" in refused.stderr
    assert second in seamark(environment, "asset", "list").stdout

    done = seamark(environment, "restore", tmp_path / "state.tar", "--force")
    assert 0 == done.returncode, done.stderr
    listed = seamark(environment, "asset", "list").stdout
    assert (True, False) == (first in listed, second in listed)


def test_an_existing_file_is_not_overwritten(table, tmp_path):
    """A backup of yesterday, or something else altogether, survives a mistake in the name."""
    environment = environment_for(tmp_path / "home")
    seamark(environment, "asset", "add", table)

    assert 1 == seamark(environment, "backup", table).returncode
    assert "a,b\n1,\n,\n" == table.read_text()
    assert 0 == seamark(environment, "backup", table, "--force").returncode


@pytest.mark.parametrize("arguments", [["backup", "state.tar"], ["restore", "table.csv"]])
def test_what_cannot_be_is_one_line(arguments, table, tmp_path):
    """A database without tables, and a file that is no backup."""
    arguments = [arguments[0], tmp_path / arguments[1]]

    done = seamark(environment_for(tmp_path / "home"), *arguments)

    assert 1 == done.returncode
    assert re.fullmatch(r"Error: .*\n", done.stderr), done.stderr
