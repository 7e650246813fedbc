"""Algorithms that try to get at what is not theirs, or to take more than they may, as whole jobs."""

from __future__ import annotations

import json

import psutil
import pytest

from handlers.compute.statuses import Stage
from tests.compute.conftest import raw
from tests.compute.plant import planted
from tests.jobs.conftest import eventually
from tests.provider.conftest import PROVIDER_KEY

MIB = 1 << 20
BOUNDS = {
    "sandbox_memory_bytes": 128 * MIB,
    "sandbox_processes": 32,
    "sandbox_disk_bytes": 16 * MIB,
    "sandbox_log_bytes": 4096,
    "compute_time_s": 8,
}
SECRETS = """
import glob, os
found = [dict(os.environ)]
for path in ("/proc/*/environ", "/proc/*/cmdline", {home!r} + "/*", {home!r} + "/*/*", "/etc/seamark*"):
    for name in glob.glob(path):
        try: found.append(open(name, "rb").read())
        except OSError as error: found.append(error)
print(len(found), found)
"""
LEFT = "import subprocess; subprocess.Popen(['setsid', 'sh', '-c', 'sleep 98765 & sleep 98765']); print('over')"


@pytest.fixture(scope="module")
def plant(settings, upstream, tmp_path_factory):
    """A server with narrow bounds, and a worker."""
    with planted(tmp_path_factory.mktemp("bounds"), settings, upstream, **BOUNDS) as made:
        made.start_worker()
        yield made


def done(plant, code):
    """Run an algorithm and return how its job ended, and what its log holds."""
    job = plant.owner.ended(plant.owner.start(algorithmMeta=raw(code))["jobId"])
    log = plant.owner.client.get(job["algorithmLogUrl"].partition("localhost")[2])
    return job, log.text


def test_neither_key_nor_settings_can_be_found(plant):
    """Not in its environment, not in that of any process it sees, not in the files below our home."""
    job, log = done(plant, SECRETS.format(home=str(plant.settings.home)))

    assert Stage.COMPLETED == job["status"], (job, log)
    assert PROVIDER_KEY.removeprefix("0x")[:20] not in log
    assert "SEAMARK" not in log


@pytest.mark.parametrize(
    ("code", "status", "words"),
    [
        ("import socket, os; socket.create_connection(('127.0.0.1', 80))", 33, "exit code 1"),
        ("import socket; socket.socket(socket.AF_UNIX).connect('/run/docker.sock')", 33, "exit code 1"),
        ("import os\nwhile True:\n  try: os.fork()\n  except OSError: pass", 33, "processes"),
        ("blocks = []\nwhile True: blocks.append(b'x' * (1 << 22))", 33, "memory"),
        ("open('/data/outputs/x', 'wb').write(b'x' * (64 << 20))", 33, "wrote more than"),
        ("import time; time.sleep(60)", 33, "longer than"),
        ("open('/data/inputs/x', 'w')", 33, "exit code 1"),
        ("open('/usr/x', 'w')", 33, "exit code 1"),
        ("import os; os.symlink('/etc/passwd', '/data/outputs/passwd')", 34, "a symbolic link"),
        ("import os; os.mkfifo('/data/outputs/pipe')", 34, "a pipe"),
        ("import shutil; shutil.copytree('/data/inputs', '/data/outputs/all')", 34, "holds an input as it is"),
    ],
    ids=["socket", "engine", "forks", "memory", "disk", "time", "inputs", "system", "links", "pipe", "copies"],
)
def test_what_is_not_to_be_is_stopped_with_its_reason(plant, code, status, words):
    """The job says why; nothing leaves but the log."""
    job, log = done(plant, code)

    assert (status, []) == (job["status"], job["resultsUrls"]), (job, log)
    assert words in job["reason"], (job["reason"], log)


def test_what_is_left_behind_is_gone(plant):
    """A process in a session of its own ends with the job."""
    job, log = done(plant, LEFT)

    assert (Stage.COMPLETED, "over\n") == (job["status"], log), job
    eventually(
        lambda: not [one for one in psutil.process_iter(["cmdline"]) if "98765" in json.dumps(one.info["cmdline"])]
    )


def test_a_log_has_an_end(plant):
    """What is printed beyond the bound is counted and dropped; the algorithm comes to its end."""
    job, log = done(plant, "import sys\nfor _ in range(200): sys.stdout.write('x' * (1 << 20))")

    assert Stage.COMPLETED == job["status"], job
    assert f"[{200 * MIB - 4096} bytes more were not kept]" in log
    assert len(log) < 4300
