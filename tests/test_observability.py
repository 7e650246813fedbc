"""Logs and metrics."""

import io
import json
import logging
import os
import subprocess
import sys

import pytest
import structlog

from handlers import observability
from handlers.settings import Settings

COUNT_IN_A_FORK = """
import os
from handlers import observability
from handlers.settings import Settings

observability.start_metrics(Settings())
observability.count_job("hash", "succeeded", 0.2)
for _ in range(2):
    if (child := os.fork()) == 0:
        observability.count_job("hash", "succeeded", 0.2)
        os._exit(0)
    os.waitpid(child, 0)
"""


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """Settings with folders of their own."""
    monkeypatch.delenv("SEAMARK_PROCESS", raising=False)
    return Settings(home=tmp_path / "home", log_format="json")


@pytest.fixture
def lines(settings):
    """The log of this process as a list of JSON objects, read when called."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    observability.start_logs(settings, "web", stream)
    observability.bind()  # a request that an earlier test sent in this process may still be bound
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:] = before
    root.setLevel(level)


def count(settings, **names):
    """Start processes one after the other, each of which counts three jobs, under the *names* given."""
    environment = os.environ | {"SEAMARK_HOME": str(settings.home)} | names
    subprocess.run([sys.executable, "-c", COUNT_IN_A_FORK], check=True, env=environment)


def test_a_line_names_the_ids_that_are_bound(lines):
    """Every line inside names the request and the job, and no line after does."""
    with observability.bound(request="r1"), observability.bound(job="j1"):
        logging.getLogger("seamark").info("Inside.", extra={"size": 3})
    logging.getLogger("seamark").info("Outside.")

    inside, outside = lines()

    assert ("Inside.", "web", "r1", "j1", 3) == tuple(
        inside[key] for key in ("message", "role", "request", "job", "size")
    )
    assert not {"request", "job"} & set(outside)


def test_no_line_shows_a_credential(lines):
    """Passwords in URLs and bearer tokens are left out of messages and tracebacks."""
    try:
        raise ValueError("redis://user:secret@host/0 and Bearer secret and sea_0123456789ab_secret")
    except ValueError:
        logging.getLogger("seamark").exception("postgresql://user:secret@host/db")

    assert "secret" not in json.dumps(lines())


def test_structlog_speaks_through_the_same_lines(lines):
    """What structlog is told stands in the line as members, its level is obeyed, a traceback is kept."""
    log = structlog.get_logger("seamark")
    log.debug("Too quiet.")
    try:
        raise ValueError("why")
    except ValueError:
        log.warning("Loud.", job="j1", exc_info=True)

    (line,) = lines()

    assert ("Loud.", "j1", "warning", "seamark") == tuple(line[key] for key in ("message", "job", "level", "logger"))
    assert "ValueError: why" in line["traceback"]


def test_nobody_forges_a_line_of_text(settings):
    """A line end in a message is shown, not written."""
    record = logging.makeLogRecord({"msg": "one\ntwo", "levelname": "INFO"})

    assert 1 == len(observability.TextLines("web").format(record).splitlines())


def test_counts_add_up_over_processes_and_their_forks(settings):
    """What several processes, their successors and their forks counted is one number, and names bound the files."""
    count(settings, SEAMARK_PROCESS="worker-1")
    count(settings, SEAMARK_PROCESS="worker-1")
    count(settings)
    observability.start_metrics(settings)
    observability.count_request("hash", "hash_sync", 200, 0.1)

    text = observability.metrics().exposition().decode()

    assert 'seamark_job_seconds_count{outcome="succeeded",subject="hash"} 9.0' in text
    assert 'seamark_request_seconds_count{api="hash",operation="hash_sync",status="200"} 1.0' in text
    assert (settings.runtime_dir / "metrics" / f"histogram_worker-1-{os.getpid()}.db").is_file()


def test_a_new_supervisor_forgets_the_dead(settings):
    """Files of processes and of supervisors that are no more go; those of the living stay."""
    folder = settings.runtime_dir / "metrics"
    folder.mkdir(parents=True)
    for name in ("", "worker-1-"):
        for number in (999999999, os.getpid()):
            (folder / f"histogram_{name}{number}.db").touch()

    observability.forget_dead(folder)

    living = {f"histogram_{os.getpid()}.db", f"histogram_worker-1-{os.getpid()}.db"}
    assert living == {file.name for file in folder.iterdir()}
