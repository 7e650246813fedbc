"""A worker that is killed, and a disk that is full, in each stage of a job: it ends once, in its documented state."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from sqlalchemy import func, select

from handlers import services
from handlers.app import create_app
from handlers.assets.tables import AssetRow
from handlers.compute.statuses import Stage
from handlers.settings import Settings
from handlers.storage import migrate
from tests.compute.conftest import Computing, environment, offer, raw
from tests.compute.gated import Gates
from tests.jobs.conftest import RedisServer, eventually
from tests.parts import missing
from tests.provider.conftest import reader

STAGES = [Stage.CONFIGURING, Stage.RUNNING, Stage.FILTERING, Stage.PUBLISHING]
DISK_BYTES = 24 << 20
RESERVE_BYTES = 4 << 20
WRITE = "import os; open(os.environ['OUTPUTS'] + '/big', 'wb').write(os.urandom(6 << 20)); print('written')"
OWN = ("database_url", "disk_reserve_bytes")
MOUNT = 'mount -t tmpfs -o size="$1" none "$2" && shift 2 && exec "$@"'


class Plant:
    """A server of the test's own, its workers, and the gates in their jobs."""

    def __init__(self, folder, settings):
        self.settings = settings
        self.gates = Gates(folder / "gates")
        self.gates.folder.mkdir()
        self.workers = []

    def start_worker(self, before=()):
        """Start a worker."""
        ours = {f"SEAMARK_{name.upper()}": str(getattr(self.settings, name)) for name in OWN}
        command = [*before, sys.executable, "-m", "tests.compute.gated"]
        variables = environment(self.settings) | ours | {"GATES": str(self.gates.folder)}
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


@pytest.fixture
def plant(settings, upstream, tmp_path):
    """A server with a database, a queue and files of its own."""
    home = tmp_path / "home"
    home.mkdir()
    changed = {
        "home": home,
        "redis_url": f"unix://{tmp_path}/s",
        "database_url": f"sqlite:///{tmp_path}/database",
        "disk_reserve_bytes": RESERVE_BYTES,
    }
    made = Plant(tmp_path, Settings(**settings.model_dump() | changed))
    redis, before = RedisServer(tmp_path), services.services()
    redis.start()
    made.here = services.start(made.settings)
    migrate.upgrade(made.here.database)
    offer(made.here, upstream)
    made.owner = Computing(reader(create_app(made.settings)))
    yield made
    made.end()
    made.here.close()
    services._services = before
    redis.kill()


def published(plant, job):
    """Return how many assets there are of a job's results."""
    with plant.here.database.read() as connection:
        counted = select(func.count()).select_from(AssetRow).where(AssetRow.job == job)
        return connection.execute(counted).scalar_one()


@pytest.mark.parametrize(
    ("whom", "stage"),
    [*(("worker", stage) for stage in (*STAGES, Stage.COMPLETED)), ("job", Stage.RUNNING)],
    ids=lambda value: value if isinstance(value, str) else value.name.lower(),
)
def test_a_job_whose_process_is_killed_is_done_once(plant, whom, stage):
    """Whatever stage it was in, and also when it has published and not yet said so: what is published is there once."""
    plant.gates.close(stage)
    worker = plant.start_worker()
    output = {"publishOutput": 1}
    job = plant.owner.start(algorithmMeta=raw(WRITE), output=output)["jobId"]
    eventually(lambda: plant.gates.reached(stage))

    victim = worker if whom == "worker" else innermost(worker.pid)
    victim.kill()
    plant.gates.open(stage)
    if whom == "worker":
        worker.wait()
        plant.start_worker()

    done = plant.owner.ended(job, within_s=60)
    assert (Stage.COMPLETED, 2) == (done["status"], plant.here.jobs.read(job, all_owners=True).attempt), done
    assert ["big", "algorithm.log"] == [result["filename"] for result in done["results"]]
    assert 1 == published(plant, job)
    eventually(lambda: not list((plant.settings.home / "work").glob(f"{job}-*")))


def innermost(pid):
    """Return the process of the job that a worker runs."""
    (forker,) = psutil.Process(pid).children()
    (job,) = forker.children()
    return job


@pytest.mark.parametrize(
    ("stage", "status"),
    [
        (Stage.CONFIGURING, Stage.NO_DATA),
        (Stage.RUNNING, Stage.ALGORITHM_FAILED),
        (Stage.FILTERING, Stage.NOT_PUBLISHED),
        (Stage.PUBLISHING, Stage.NOT_PUBLISHED),
    ],
    ids=lambda stage: stage.name.lower(),
)
def test_a_full_disk_ends_a_job_with_its_reason(plant, stage, status):
    """Whatever stage it was in; the worker goes on, and does the next job once there is room."""
    if not shutil.which("unshare") or subprocess.run(["unshare", "-m", "true"], check=False).returncode:
        missing("This process may not mount a disk of its own.")
    before = ["unshare", "-m", "sh", "-c", MOUNT, "sh", str(DISK_BYTES), str(plant.settings.home)]
    plant.gates.close(stage)
    worker = plant.start_worker(before)
    job = plant.owner.start(algorithmMeta=raw(WRITE), output={"publishOutput": 1})["jobId"]
    eventually(lambda: plant.gates.reached(stage))
    filler = Path(f"/proc/{worker.pid}/root{plant.settings.home}/filler")

    fill(filler)
    plant.gates.open(stage)
    done = plant.owner.ended(job, within_s=60)
    filler.unlink()
    again = plant.owner.ended(plant.owner.start(algorithmMeta=raw(WRITE))["jobId"], within_s=60)

    assert status == done["status"], done
    assert done["reason"], done
    assert "home" not in done["reason"]
    assert 0 == published(plant, job)
    assert Stage.COMPLETED == again["status"], again
    assert worker.poll() is None


def fill(path):
    """Fill a disk to its last byte."""
    with path.open("wb") as file, contextlib.suppress(OSError):
        while os.write(file.fileno(), bytes(1 << 16)):
            pass
    assert 0 == shutil.disk_usage(path.parent).free
