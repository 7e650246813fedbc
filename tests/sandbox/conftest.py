"""A sandbox for tests, with bounds so small that no test harms the machine."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from handlers.sandbox import cgroups, users
from handlers.sandbox.bubblewrap import FOUND_IN
from handlers.sandbox.runner import Run, Sandbox
from handlers.sandbox.values import Limits, Mount, Outcome, Program
from handlers.settings import Settings
from tests.parts import missing

MIB = 1 << 20
SMALL = Limits(
    memory_bytes=96 * MIB,
    cpus=1,
    processes=24,
    open_files=64,
    disk_bytes=4 * MIB,
    scratch_bytes=8 * MIB,
    wall_s=60,
    log_bytes=64 * 1024,
)
#: Where this machine lets us make cgroups, everything is shown with them and without.
KEEPERS = ["cgroup", "watchdog"] if cgroups.find() else ["watchdog"]

GONE_S = 10


class Bench:
    """Runs small programs in a sandbox that has inputs and outputs."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox = sandbox
        self.log = b""
        self.inputs, self.outputs = folder / "inputs", folder / "outputs"
        for path in (self.inputs, self.outputs):
            path.mkdir(mode=0o700)

    def start(self, argv: Sequence[str], listener: Callable[[bytes], None] | None = None, **bounds: float) -> Run:
        """Start a program within `SMALL` bounds, but for *bounds*."""
        mounts = [
            Mount(source=self.inputs, target="/data/inputs"),
            Mount(source=self.outputs, target="/data/outputs", writable=True),
        ]
        program = Program(argv=argv, mounts=mounts, directory="/data")
        return self.sandbox.start(program, replace(SMALL, **bounds), listener or self.hear)

    def hear(self, data: bytes) -> None:
        """Keep what the program prints."""
        self.log += data

    def sh(self, script: str, **bounds: float) -> Outcome:
        """Run a shell script to its end."""
        return self.start(["/bin/sh", "-c", script], **bounds).wait()

    def python(self, script: str, **bounds: float) -> Outcome:
        """Run a Python script to its end."""
        return self.start([python(), "-c", script], **bounds).wait()


def python() -> str:
    """Return a Python of the system's, which everybody may start."""
    return shutil.which("python3", path=FOUND_IN) or missing("There is no python3 below /usr.")


@pytest.fixture(params=KEEPERS)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """A bench whose bounds are kept by a cgroup, and one where there is none; afterwards no process is left."""
    if shutil.which("bwrap", path=FOUND_IN) is None:
        missing("bubblewrap is not installed.")
    sandbox = Sandbox(Settings(home=tmp_path / "home"))
    if request.param == "watchdog":
        sandbox.cgroups = None
    yield Bench(sandbox, tmp_path)
    end = time.monotonic() + GONE_S
    while left() and time.monotonic() < end:  # what was killed is gone once the kernel has cleared it up
        time.sleep(0.05)
    assert [] == left()


def left() -> list[str]:
    """Return the names of the processes that run in sandboxes of this process; other tests have theirs at the time."""
    children = {child.pid for child in psutil.Process().children(recursive=True)}
    return [
        one.info["name"]
        for one in psutil.process_iter(["name", "status", "uids"])
        if one.info["status"] != psutil.STATUS_ZOMBIE and one.info["uids"]
        if (ours(one.info["uids"].real) if os.geteuid() == 0 else one.pid in children)
    ]


def ours(uid: int) -> bool:
    """Tell whether a user is one of those that programs of this process get."""
    first = Settings.model_fields["sandbox_uid"].default
    return uid >= first and (uid - first - os.getpid() * users.SLOTS) % users.RANGE < users.SLOTS
