"""A server of a test's own that computes, its workers, and the gates in their jobs."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path

import psutil

from handlers import services
from handlers.app import create_app
from handlers.settings import Settings
from handlers.storage import migrate
from tests.compute.conftest import SOON, Computing, offer
from tests.compute.gated import Gates
from tests.jobs.conftest import RedisServer
from tests.provider.conftest import reader
from tests.served import environment


class Plant:
    """A server, and its workers."""

    def __init__(self, folder, settings, **changed):
        """Change what the settings of all have in common."""
        ours = {
            "redis_url": f"unix://{folder}/s",
            "database_url": f"sqlite:///{folder}/database",
            "home": folder / "home",
        }
        self.settings = Settings(**settings.model_dump() | ours | changed)
        self.settings.home.mkdir()
        self.gates = Gates(folder / "gates")
        self.gates.folder.mkdir()
        self.workers = []

    def start_worker(self, before=()):
        """Start a worker."""
        command = [*before, sys.executable, "-m", "tests.compute.gated"]
        variables = environment(self.settings, **SOON) | {"GATES": str(self.gates.folder)}
        process = subprocess.Popen(command, env=variables, cwd=Path(__file__).parents[2])
        self.workers.append(process)
        return process

    def end(self):
        """Kill all workers with what is below them."""
        for process in self.workers:
            if process.poll() is None:
                for child in psutil.Process(process.pid).children(recursive=True):
                    child.kill()
                process.kill()
            process.wait()


@contextlib.contextmanager
def planted(folder, settings, upstream, **changed):
    """Give a server with a database, a queue and files of its own below *folder*."""
    plant = Plant(folder, settings, **changed)
    redis, before = RedisServer(folder), services.services()
    redis.start()
    plant.here = services.start(plant.settings)
    migrate.upgrade(plant.here.database)
    offer(plant.here, upstream)
    plant.owner = Computing(reader(create_app(plant.settings)))
    yield plant
    plant.end()
    plant.here.close()
    services._services = before
    redis.kill()
