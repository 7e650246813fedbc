"""A worker that is killed, and a disk that is full, in each stage of a job: it ends once, in its documented state."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from pathlib import Path

import psutil
import pytest
from sqlalchemy import func, select

from handlers.assets.tables import AssetRow
from handlers.compute.statuses import Stage
from tests.compute.conftest import raw
from tests.compute.plant import planted
from tests.jobs.conftest import eventually
from tests.parts import missing

pytestmark = pytest.mark.long

STAGES = [Stage.CONFIGURING, Stage.RUNNING, Stage.FILTERING, Stage.PUBLISHING]
DISK_BYTES = 24 << 20
RESERVE_BYTES = 4 << 20
WRITE = "import os; open(os.environ['OUTPUTS'] + '/big', 'wb').write(os.urandom(6 << 20)); print('written')"
MOUNT = 'mount -t tmpfs -o size="$1" none "$2" && shift 2 && exec "$@"'


@pytest.fixture
def plant(settings, upstream, tmp_path):
    """A server of the test's own."""
    with planted(tmp_path, settings, upstream, disk_reserve_bytes=RESERVE_BYTES) as made:
        yield made


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
