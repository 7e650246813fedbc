"""A whole web application in this process, over real stores; the tests themselves are the worker."""

from __future__ import annotations

from datetime import timedelta

import pytest

from handlers import services
from handlers.app import create_app
from handlers.jobs import transitions
from handlers.jobs.tables import Status
from handlers.settings import Settings
from handlers.storage import migrate
from handlers.storage.sql import now
from tests.jobs.conftest import RedisServer

LOCAL = {"REMOTE_ADDR": "127.0.0.1"}
ELSEWHERE = {"REMOTE_ADDR": "198.51.100.7"}


@pytest.fixture(scope="session")
def redis(tmp_path_factory):
    """A queue that nobody takes from."""
    server = RedisServer(tmp_path_factory.mktemp("r"))
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def settings(tmp_path_factory, redis):
    """Settings of a server whose answers are checked against the spec."""
    home = tmp_path_factory.mktemp("home")
    return Settings(home=home, redis_url=redis.url, validate_responses=True, queue_limit=1000)


@pytest.fixture(scope="session")
def here(settings):
    """The services of this process."""
    started = services.start(settings)
    migrate.upgrade(started.database)
    yield started
    started.close()


@pytest.fixture(scope="session")
def app(here, settings):
    """The web application."""
    return create_app(settings)


@pytest.fixture
def client(app):
    """A caller on this machine."""
    return app.test_client()


class Hand:
    """Does by hand what a worker does."""

    def __init__(self, jobs):
        self.jobs = jobs

    def start(self, job_id):
        """Take a job up."""
        with self.jobs.database.write() as connection:
            return transitions.claim(connection, job_id, "hand", now())

    def report(self, job, percent, message=""):
        """Say how far it has come."""
        with self.jobs.database.write() as connection:
            assert transitions.move(connection, job, progress=percent, message=message)

    def end(self, job, status=Status.SUCCEEDED, **values):
        """End it."""
        time = now()
        values = {"results": {"hash_val": "0" * 64}} | values if status is Status.SUCCEEDED else values
        with self.jobs.database.write() as connection:
            values |= {"finished": time, "expires": time + timedelta(days=1), "status": status}
            assert transitions.end(connection, job, **values)


@pytest.fixture
def hand(here):
    """A worker's hand."""
    return Hand(here.jobs)
