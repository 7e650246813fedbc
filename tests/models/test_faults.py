"""What goes wrong around models: a worker that is killed, a database that is locked; and a swap under load."""

from __future__ import annotations

import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression

from handlers.app import create_app
from handlers.jobs.tables import Status
from handlers.settings import Settings
from tests.jobs.conftest import eventually
from tests.models.conftest import Client
from tests.models.test_hosts import host_of
from tests.served import serving, start_worker

pytestmark = pytest.mark.long

INFERENCE = {"inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP64", "data": [0]}]}
LOCKED_S = 3.0
SWAPS = 6
ROWS = 300_000
LONG_ROWS = 4_000_000
KILLS = 2  # one more in so little time, and the host counts as one that cannot run


@pytest.fixture
def alone(settings, tmp_path):
    """A server of the test's own, which does not wait for uploads, and what starts its workers."""
    changed = {"home": tmp_path, "redis_url": f"unix://{tmp_path}/s", "upload_wait_s": 0}
    own = Settings(**settings.model_dump() | changed)
    workers = []

    def work():
        workers.append(start_worker(own, job_heartbeat_s=0.2, job_stale_s=1, sweep_s=0.5))
        return workers[-1]

    with serving(own) as started:
        yield Client(create_app(own).test_client()), started, work
        for worker in workers:
            worker.kill()
            worker.wait()


def says(number):
    """Return a model that always says a number."""
    return DummyClassifier(strategy="constant", constant=number).fit([[0], [0]], [number, 0])


def test_a_file_whose_worker_is_killed_is_loaded_by_another(alone):
    """The endpoint is being created until then, and in service after that."""
    client, here, work = alone
    model = client.upload(says(1), "m.pkl")
    endpoint = here.models.registry.newest(here.models.registry.model(model["id"]))
    first = work()
    eventually(lambda: here.jobs.read(endpoint.job, all_owners=True).status is Status.RUNNING)

    first.kill()
    first.wait()
    waiting = client.endpoint_of(model)["status"]
    work()
    eventually(lambda: client.endpoint_of(model)["status"] == "in_service")

    assert "creating" == waiting
    assert 1 == client.predict(model, x0=0)["predictions"]
    assert 2 == here.jobs.read(endpoint.job, all_owners=True).attempt


def test_a_locked_database_stops_no_prediction(alone):
    """What is known is enough to predict; what has to be written waits for the lock, and is not lost."""
    client, here, work = alone
    work()
    model = client.upload(says(1), "m.pkl")
    eventually(lambda: client.endpoint_of(model)["status"] == "in_service")
    client.predict(model, x0=0)
    uploaded = []

    with sqlite3.connect(here.settings.home / "seamark.sqlite", isolation_level=None) as lock:
        lock.execute("BEGIN EXCLUSIVE")
        upload = threading.Thread(target=lambda: uploaded.append(client.upload(says(2), "n.pkl")))
        upload.start()
        end, answers = time.monotonic() + LOCKED_S, []
        while time.monotonic() < end:
            answers.append(client.predict(model, x0=0)["predictions"])
        lock.execute("ROLLBACK")
    upload.join()
    lock.close()

    assert len(answers) > LOCKED_S
    assert {1} == set(answers)
    assert "n" == uploaded[0]["name"]


def test_a_table_outlives_the_hosts_that_predict_it(client):
    """However often the host is killed meanwhile: each row has its prediction, once and in order."""
    model = client.upload(LinearRegression().fit([[0.0], [1.0]], [0.0, 2.0]), "doubling.pkl")
    endpoint = client.endpoint_of(model)["id"]
    table = "\n".join(["x0", *map(str, range(ROWS))]).encode()
    path = f"/predictions/batch?endpoint_id={endpoint}"

    job = client.call("POST", path, 202, data=table, content_type="text/csv", headers={"Prefer": "respond-async"})
    killed = set()
    while (found := client.call("GET", f"/predictions/batch/{job['id']}"))["status"] in ("scheduled", "running"):
        if found.get("progress", 0) > 10 * len(killed) and len(killed) < KILLS:
            process = host_of(endpoint)
            process.kill()
            process.wait()
            killed.add(process.pid)
        time.sleep(0.01)

    assert "succeeded" == found["status"], found
    assert KILLS == len(killed)
    result = client.client.get(f"/ops/predictions/batch/{job['id']}/result").text.split()
    assert [2 * number for number in range(ROWS)] == [round(float(one)) for one in result[1:]]


def test_a_table_outlives_the_worker_that_predicts_it(alone):
    """The job is taken over by another, which begins again: each row has its prediction, once and in order."""
    client, here, work = alone
    first = work()
    model = client.upload(LinearRegression().fit([[0.0], [1.0]], [0.0, 2.0]), "doubling.pkl")
    eventually(lambda: client.endpoint_of(model)["status"] == "in_service")
    path = f"/predictions/batch?endpoint_id={client.endpoint_of(model)['id']}"
    table = "\n".join(["x0", *map(str, range(ROWS))]).encode()
    job = client.call("POST", path, 202, data=table, content_type="text/csv", headers={"Prefer": "respond-async"})
    where = f"/predictions/batch/{job['id']}"
    eventually(lambda: client.call("GET", where).get("progress", 0) > 10)

    first.kill()
    first.wait()
    assert "running" == client.call("GET", where)["status"], "it must be under way for this to prove anything"
    work()
    eventually(lambda: client.call("GET", where)["status"] not in ("scheduled", "running"), 60)

    assert ("succeeded", ROWS) == tuple(client.call("GET", where)[name] for name in ("status", "rows"))
    assert 2 == here.jobs.read(job["id"], all_owners=True).attempt
    result = client.client.get(f"/ops{where}/result").text.split()
    assert [2 * number for number in range(ROWS)] == [round(float(one)) for one in result[1:]]


def test_versions_are_swapped_under_load_and_no_request_fails(client):
    """Uploaded, promoted and rolled back while others ask: each of them gets an answer, of one version or the other."""
    model = client.upload(says(1), "swapped.pkl")["id"]
    stop, path = threading.Event(), f"/v2/models/{model}/infer"

    def ask():
        found = []
        while not stop.is_set():
            answer = client.client.application.test_client().post(path, json=INFERENCE)
            found.append((answer.status_code, answer.json["outputs"][0]["data"][0] if answer.status_code == 200 else 0))
        return found

    with ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(ask) for _ in range(4)]
        for number in range(2, 2 + SWAPS):
            endpoint = client.upload(says(number), "swapped.pkl", f"/models/{model}")["id"]
            client.call("PUT", f"/models/{model}/traffic", json={"endpoint": endpoint})
            if number % 3 == 0:
                client.call("POST", f"/models/{model}/rollback")
        stop.set()
        answers = [one for future in asking for one in future.result()]

    assert {200} == {status for status, _ in answers}
    assert {1, 2} < {number for _, number in answers} <= set(range(1, 2 + SWAPS))


def test_an_upload_does_not_wait_for_a_long_table(alone):
    """There is one worker, and it goes on with the table while the file is tried beside it."""
    client, _, work = alone
    work()
    model = client.upload(says(1), "m.pkl")
    eventually(lambda: client.endpoint_of(model)["status"] == "in_service")
    path = f"/predictions/batch?endpoint_id={client.endpoint_of(model)['id']}"
    table = "\n".join(["x0", *["0"] * LONG_ROWS]).encode()
    job = client.call("POST", path, 202, data=table, content_type="text/csv", headers={"Prefer": "respond-async"})
    where = f"/predictions/batch/{job['id']}"
    eventually(lambda: client.call("GET", where)["status"] == "running")

    late = client.upload(says(2), "n.pkl")
    eventually(lambda: client.endpoint_of(late)["status"] == "in_service")

    assert 2 == client.predict(late, x0=0)["predictions"]
    assert "running" == client.call("GET", where)["status"], "else it shows nothing"
    client.call("DELETE", where, 204)
