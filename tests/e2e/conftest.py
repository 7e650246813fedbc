"""Real servers for the end-to-end tests."""

import csv
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

START_S = 30
SEAMARK = Path(sys.executable).with_name("seamark")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


def wait_for(condition, within_s=START_S, every_s=0.05):
    """Return the first true value of *condition*, or fail."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(every_s)
    pytest.fail(f"still waiting for {condition} after {within_s} s")


class Server:
    """A `seamark up` of its own: home folder, port and processes."""

    def __init__(self, home: Path, **settings: str) -> None:
        self.home = home
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = os.environ | {
            "SEAMARK_HOME": str(home),
            "SEAMARK_JOB_HEARTBEAT_S": "0.2",
            "SEAMARK_JOB_STALE_S": "1.5",
            "SEAMARK_SWEEP_S": "0.3",
            **{f"SEAMARK_{name.upper()}": value for name, value in settings.items()},
        }
        self.client = httpx.Client(base_url=self.url, timeout=30)
        self.process: subprocess.Popen[str] | None = None
        self.before: list[str] = []  # of the command, as `nice` would be

    def start(self, *arguments: str) -> "Server":
        """Start it, with further *arguments* of `up`, and wait until it is ready to take jobs."""
        self.log = (self.home.parent / f"{self.home.name}.log").open("a")
        command = [*self.before, str(SEAMARK), "up", "--port", str(self.port), *arguments]
        self.process = subprocess.Popen(command, env=self.environment, stdout=self.log, stderr=self.log, text=True)
        wait_for(self.ready)
        return self

    def ready(self) -> bool:
        """Tell whether it is ready."""
        assert self.process is not None
        assert self.process.poll() is None, Path(self.log.name).read_text()
        try:
            return self.client.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def stop(self) -> int:
        """Stop it as Ctrl-C does and return its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(60)
        self.log.close()
        return code

    def run(self, *arguments: str) -> str:
        """Run the `seamark` command against the server's home and return what it printed."""
        done = subprocess.run(
            [str(SEAMARK), *arguments], env=self.environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def add(self, path: Path, *arguments: str) -> str:
        """Store a file as an asset and return its DID."""
        return re.search(r"did:op:[0-9a-f]{64}", self.run("asset", "add", str(path), *arguments))[0]

    def submit(self, operation: str, **inputs) -> str:
        """Submit a job and return its id."""
        response = self.client.post(f"/invoke/{operation}/invokeasync", json=inputs)
        assert response.status_code == 201, response.text
        return response.json()["jobid"]

    def status(self, operation: str, job: str) -> dict:
        """Return how far a job has come."""
        response = self.client.get(f"/invoke/{operation}/getstatus", params={"jobid": job})
        assert response.status_code == 200, response.text
        return response.json()

    def ended(self, operation: str, job: str, within_s: float = 60) -> dict:
        """Wait for a job's end and return its result."""
        last = ("succeeded", "failed", "cancelled")
        wait_for(lambda: self.status(operation, job)["status"] in last, within_s)
        return self.client.get(f"/invoke/{operation}/getresult", params={"jobid": job}).json()

    def processes(self, words: str) -> list[psutil.Process]:
        """Return the server's processes whose command line has *words* in it."""
        assert self.process is not None
        found = []
        for child in psutil.Process(self.process.pid).children(recursive=True):
            try:
                if words in " ".join(child.cmdline()):
                    found.append(child)
            except psutil.NoSuchProcess:
                continue
        return found


@contextmanager
def running(home: Path, *arguments: str, **settings: str) -> Iterator[Server]:
    """Give a running server with an empty home and *settings*; leave nothing of it."""
    made = Server(home, **settings)
    try:
        yield made.start(*arguments)
    finally:
        if made.process is not None and made.process.poll() is None:
            made.stop()
        made.client.close()


@pytest.fixture
def server(tmp_path):
    """A running server of the test's own, to be killed and stopped as it likes."""
    with running(tmp_path / "home") as made:
        yield made


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A running server that the tests of a module share: they only talk to it."""
    with running(tmp_path_factory.mktemp("shared") / "home") as made:
        yield made


@pytest.fixture(scope="session")
def digits(tmp_path_factory) -> Path:
    """Handwritten digits, 8 x 8 pixels a row, as a CSV file."""
    from sklearn.datasets import load_digits

    data = load_digits()
    path = tmp_path_factory.mktemp("data") / "digits.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*data.feature_names, "digit"])
        writer.writerows([*map(int, row), int(label)] for row, label in zip(data.data, data.target, strict=True))
    return path


@pytest.fixture(scope="session")
def many_digits(digits, tmp_path_factory) -> Path:
    """The same, so often that training takes some seconds."""
    return repeated(digits, 6, tmp_path_factory.mktemp("data") / "many.csv")


@pytest.fixture(scope="session")
def countless_digits(digits, tmp_path_factory) -> Path:
    """The same, so often that nobody waits for the end of their training."""
    return repeated(digits, 100, tmp_path_factory.mktemp("data") / "countless.csv")


def repeated(table: Path, times: int, path: Path) -> Path:
    """Write the rows of a table so many times."""
    header, _, rows = table.read_text().partition("\n")
    path.write_text(header + "\n" + rows * times)
    return path
