"""A server for tests: its services in this process, over a real Redis server, and workers beside it."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager

from pydantic import SecretStr

from handlers import services
from handlers.storage import migrate
from tests.jobs.conftest import RedisServer

WORK = [sys.executable, "-c", "from handlers import worker; worker.work()"]


@contextmanager
def serving(settings):
    """The services of this process; after them it has those again that it had before."""
    redis, before = RedisServer(settings.home), services._services
    redis.start()
    started = services.start(settings)
    migrate.upgrade(started.database)
    yield started
    started.close()
    services._services = before
    redis.kill()


@contextmanager
def working(settings, **more):
    """A worker process."""
    process = start_worker(settings, **more)
    yield process
    process.terminate()
    process.wait(30)


def start_worker(settings, **more):
    """Start a worker process."""
    return subprocess.Popen(WORK, env=environment(settings, **more))


def environment(settings, **more):
    """Return the environment of a process with these settings, as far as they were given, and *more*."""
    found = {name: getattr(settings, name) for name in settings.model_fields_set}
    given = {name: value for name, value in (found | more).items() if value is not None}
    return os.environ | {f"SEAMARK_{name.upper()}": as_text(value) for name, value in given.items()}


def as_text(value):
    """Return a setting as its variable has it."""
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
