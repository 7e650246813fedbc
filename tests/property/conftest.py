"""One whole server in this process, with a real queue and a real worker, for the property tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from handlers import services
from handlers.app import create_app
from handlers.settings import Settings
from handlers.storage import migrate
from tests.jobs.conftest import RedisServer


@pytest.fixture(scope="session")
def settings(tmp_path_factory) -> Settings:
    """Settings of a server with a home of its own; answers are checked against the spec."""
    home = tmp_path_factory.mktemp("home")
    return Settings(home=home, redis_url=f"unix://{home}/s", validate_responses=True, sync_timeout_s=20)


@pytest.fixture(scope="session")
def redis(settings):
    """The queue's Redis."""
    server = RedisServer(Path(settings.home))
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def here(settings, redis):
    """The services of this process, over a migrated database."""
    started = services.start(settings)
    migrate.upgrade(started.database)
    yield started
    started.close()


@pytest.fixture(scope="session")
def worker(here, settings):
    """A worker process that takes the jobs."""
    environment = os.environ | {"SEAMARK_HOME": str(settings.home), "SEAMARK_REDIS_URL": settings.redis_url}
    command = [sys.executable, "-c", "from handlers import worker; worker.work()"]
    process = subprocess.Popen(command, env=environment)
    yield process
    process.terminate()
    process.wait(30)


@pytest.fixture(scope="session")
def app(here, worker, settings):
    """The web application."""
    return create_app(settings)


@pytest.fixture(scope="session")
def manager(here) -> str:
    """A token that may do everything."""
    return here.tokens.new("manager", ["manage"])[0]
