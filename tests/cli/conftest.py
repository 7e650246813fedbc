"""Servers of the tests' own."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil
import pytest

SEAMARK = str(Path(sys.executable).with_name("seamark"))
START_S = 60


def wait_for(condition, within_s=START_S):
    """Return the first true value of *condition*, or fail."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.05)
    pytest.fail(f"still waiting for {condition} after {within_s} s")


def environment_for(home, **settings):
    """Return the environment of a server in *home*."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SEAMARK_")}
    ours = {f"SEAMARK_{name.upper()}": str(value) for name, value in ({"home": home} | settings).items()}
    return inherited | ours


def seamark(environment, *arguments, typed=None):
    """Run the command to its end; *typed* comes in."""
    command, more = [SEAMARK, *map(str, arguments)], {"capture_output": True, "text": True, "timeout": 60}
    return subprocess.run(command, env=environment, input=typed, check=False, **more)


class Up:
    """A `seamark up`."""

    def __init__(self, home, *arguments, **settings):
        """Start it; `banner` waits until it serves."""
        self.environment = environment_for(home, **settings)
        command = [SEAMARK, "up", "--port", "0", *arguments]
        with home.with_suffix(".log").open("a") as log:
            self.process = subprocess.Popen(
                command, env=self.environment, stdout=subprocess.PIPE, stderr=log, text=True
            )
        self.banner = self.read_banner()
        self.url = re.search(r"http://\S+", self.banner)[0] if self.banner else ""

    def read_banner(self):
        """Return what it says once it serves; nothing if it ends before."""
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if line.startswith("Ctrl-C"):
                return "".join(lines)
        return ""

    def ready(self):
        """Tell whether it is ready for jobs."""
        try:
            return 200 == httpx.get(f"{self.url}/readyz").status_code
        except httpx.TransportError:
            return False

    def find(self, words):
        """Return the processes below it whose command line has *words*."""
        found = []
        for child in psutil.Process(self.process.pid).children(recursive=True):
            try:
                if words in " ".join(child.cmdline()):
                    found.append(child)
            except psutil.NoSuchProcess:
                continue
        return found

    def stop(self, number=signal.SIGINT):
        """Stop it and return its exit code."""
        self.process.send_signal(number)
        code = self.process.wait(60)
        self.process.stdout.close()
        return code


def alive(processes):
    """Return those that still run; a zombie does not."""
    return [one for one in processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server that the tests of a module share."""
    up = Up(tmp_path_factory.mktemp("up") / "home")
    wait_for(up.ready)
    yield up
    up.stop()
