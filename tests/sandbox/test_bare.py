"""Programs without a sandbox, which takes a setting."""

import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from handlers.errors import SandboxUnavailable
from handlers.sandbox import bare
from handlers.sandbox.runner import Sandbox
from handlers.sandbox.values import Mount, Outcome, Program, Reason
from handlers.settings import Settings
from tests.parts import missing
from tests.sandbox.conftest import KEEPERS, SMALL, python
from tests.sandbox.test_runner import ALONE, AS_NOBODY, ROOT

pytestmark = pytest.mark.timeout(120)
needs_cgroup = pytest.mark.skipif(
    os.geteuid() == 0 and "cgroup" not in KEEPERS, reason="As root a program without a sandbox needs a cgroup."
)


def run(folder: Path, script: str, **bounds: float) -> tuple[Outcome, bytes]:
    """Run a shell script without a sandbox; return how it came out, and what it printed."""
    said: list[bytes] = []
    sandbox = Sandbox(Settings(home=folder / "home", sandbox_off=True))
    mounts = [Mount(source=folder, target="/data/outputs", writable=True)]
    environment = {"OUTPUTS": "/data/outputs", "OTHER": "/data/outputs2 /x/data/outputs"}
    program = Program(argv=["/bin/sh", "-c", script], mounts=mounts, environment=environment, directory="/data/outputs")
    return sandbox.start(program, replace(SMALL, **bounds), said.append).wait(), b"".join(said)


@needs_cgroup
def test_places_are_those_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Wherever one is named, and nowhere else; of our environment nothing is there all the same."""
    monkeypatch.setenv("SEAMARK_PROVIDER_KEY", "0xdeadbeef")

    outcome, said = run(tmp_path, "pwd; echo x > /data/outputs/y; echo $OUTPUTS; echo $OTHER; env; exit 3")

    assert (Reason.EXITED, 3) == (outcome.reason, outcome.exit_code)
    assert [str(tmp_path), str(tmp_path), "/data/outputs2 /x/data/outputs"] == said.decode().splitlines()[:3]
    assert "x\n" == (tmp_path / "y").read_text()
    assert b"deadbeef" not in said


@needs_cgroup
@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("trap '' TERM; sleep 1000 & sleep 1000", Reason.TIME),
        ("setsid sh -c 'sleep 1000 & sleep 1000' & sleep 0.2; exit 0", Reason.EXITED),
        ("for n in $(seq 30); do sleep 1000 & done; wait", Reason.PROCESSES),
        ("yes > /data/outputs/y", Reason.DISK),
        ("x=x; while :; do x=$x$x; done", Reason.MEMORY),
    ],
)
def test_bounds_hold_and_nothing_is_left(tmp_path: Path, script: str, reason: Reason):
    """As in a sandbox."""
    outcome, _ = run(tmp_path, script, wall_s=1 if reason is Reason.TIME else 30)

    assert reason is outcome.reason
    assert [] == [
        one for one in psutil.process_iter(["cmdline"]) if str(tmp_path) in " ".join(one.info["cmdline"] or [])
    ]


def test_as_root_something_has_to_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A program that nobody could stop is not started."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(SandboxUnavailable, match="cannot be bounded"):
        bare.BareCell(Program(argv=[python()]), SMALL, None, 1)


def test_an_ordinary_user_needs_no_cgroup(tmp_path: Path):
    """The kernel counts what the user has at the time, and what the program may have beside it."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        missing("Only root, with setpriv, can be somebody else.")

    done = subprocess.run([*AS_NOBODY, *ALONE, "unbound"], cwd=ROOT, capture_output=True, text=True, check=True)

    assert {"reason": "processes", "left": 0} == json.loads(done.stdout)
