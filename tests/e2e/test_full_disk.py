"""A full disk fails what needs room, with a reason, and loses nothing else. The disk is real: a small one in memory."""

import os
import pickle
import shutil
import subprocess
from pathlib import Path

import numpy
import pytest
from sklearn.dummy import DummyClassifier

from tests.e2e.conftest import Server, wait_for
from tests.parts import missing

pytestmark = pytest.mark.long

BOUND = 1_000_000  # the file of the primes below it has 538 kB
MOUNT = 'mount -t tmpfs -o size="$1" none "$2" && shift 2 && exec "$@"'


@pytest.fixture
def on_small_disk(tmp_path):
    """Start servers for which the folder `disk` is a disk of so many bytes; nobody else sees it."""
    if not shutil.which("unshare") or subprocess.run(["unshare", "-m", "true"], check=False).returncode:
        missing("This process may not mount a disk of its own.")
    disk = tmp_path / "disk"
    disk.mkdir()
    started = []

    def start(size, home=tmp_path / "home", **settings):
        server = Server(home, **{name: str(value) for name, value in settings.items()})
        server.before = ["unshare", "-m", "sh", "-c", MOUNT, "sh", str(size), str(disk)]
        started.append(server)
        server.start()
        # The test looks at the disk through the eyes of the server.
        server.disk = Path(f"/proc/{server.process.pid}/root{disk}")
        return server

    start.path = disk
    yield start
    for server in started:
        if server.process.poll() is None:
            server.stop()
        server.client.close()


def primes(server):
    """Have the primes listed as a job, and return its result."""
    return server.ended("primes", server.submit("primes", first_n=BOUND))


def until_full(server):
    """Store files until a job fails for want of room; return the results of the others and of that job."""
    stored = []
    while (result := primes(server))["status"] == "succeeded":
        stored.append(result)
        assert len(stored) < 10
    return stored, result


def content_hash(server, result):
    """Return the digest of the file that a job made, as the server reads it."""
    inputs = {"to_hash": "", "saved_model": result["outputs"]["primes"]}
    answer = server.client.post("/invoke/hash/invokesync", json=inputs)
    assert 200 == answer.status_code, answer.text
    return answer.json()["outputs"]["saved_model_hash_val"]


def remove(server, result):
    """Remove the asset that a job made."""
    did = result["outputs"]["primes"]["did"]
    answer = server.client.delete(f"/api/v1/manage/assets/{did}", headers=managing(server))
    assert answer.is_success, answer.text


def managing(server):
    """Return the headers of a manager."""
    return {"Authorization": f"Bearer {(server.home / 'token').read_text().strip()}"}


def files(folder):
    """Return all files below a folder."""
    return [Path(place, name) for place, _, names in os.walk(folder) for name in names if name != ".ping"]


def test_a_full_disk_for_files_fails_the_job_with_a_reason(on_small_disk):
    """What was stored before is whole, what needs no room goes on, and no part of a file is left."""
    server = on_small_disk("2m", blob_url=f"file://{on_small_disk.path}", disk_reserve_bytes=0)

    stored, failed = until_full(server)

    assert ("failed", 507) == (failed["status"], failed["error"]["status"])
    assert failed["error"]["type"].endswith("/InsufficientStorage")
    assert "full" in failed["description"]
    assert len(stored) == len(files(server.disk)) > 1
    assert 1 == len({content_hash(server, result) for result in stored})
    assert "succeeded" == server.ended("hash", server.submit("hash", to_hash="a"))["status"]

    refused = server.client.post("/invoke/primes/invokesync", json={"first_n": BOUND})
    assert (507, "application/problem+json") == (refused.status_code, refused.headers["content-type"])

    remove(server, stored.pop())
    assert "succeeded" == primes(server)["status"]
    assert [result["outputs"] for result in stored] == [
        server.client.get("/invoke/primes/getresult", params={"jobid": result["jobid"]}).json()["outputs"]
        for result in stored
    ]


def test_the_reserve_is_not_used_up(on_small_disk):
    """New jobs and files are refused before the disk is full; reading goes on."""
    server = on_small_disk("3m", blob_url=f"file://{on_small_disk.path}", disk_reserve_bytes=1 << 20)

    stored, failed = until_full(server)
    free_before = shutil.disk_usage(server.disk).free
    (server.disk / "ballast").write_bytes(bytes(free_before - (1 << 20) + 1))
    job = server.client.post("/invoke/hash/invokeasync", json={"to_hash": "a"})
    at_once = server.client.post("/invoke/primes/invokesync", json={"first_n": 20})

    assert "kept in reserve" in failed["description"]
    for answer in (job, at_once):
        assert 507 == answer.status_code, answer.text
        assert "1.0 MiB are kept in reserve" in answer.json()["detail"]
    assert 1 << 20 <= free_before
    assert 64 == len(content_hash(server, stored[0]))
    assert 200 == server.client.post("/invoke/hash/invokesync", json={"to_hash": "a"}).status_code


def test_a_disk_that_is_full_of_other_things_loses_no_job(on_small_disk, digits):
    """Database, queue and files on a disk that somebody else fills: once there is room again, all is as it was."""
    server = on_small_disk("64m", home=on_small_disk.path / "home", disk_reserve_bytes=0)
    server.home = server.disk / "home"
    before = primes(server)
    with digits.open("rb") as file:
        form = {"files": {"file": ("digits.csv", file)}, "headers": managing(server)}
        dataset = server.client.post("/api/v1/manage/assets", **form).json()["did"]
    running = server.submit("train-classifier", dataset={"did": dataset}, target="digit")

    ballast = server.disk / "ballast"
    with pytest.raises(OSError, match="No space"):
        ballast.write_bytes(bytes(64 << 20))
    at_once = server.client.post("/invoke/hash/invokesync", json={"to_hash": "a"})
    refused = [server.client.post("/invoke/primes/invokeasync", json={"first_n": BOUND}) for _ in range(3)]
    ballast.unlink()

    assert 200 == at_once.status_code
    assert {507} == {answer.status_code for answer in refused}
    wait_for(server.ready)
    assert server.ended("train-classifier", running)["status"] in ("succeeded", "failed")
    assert content_hash(server, before) == content_hash(server, primes(server))


def test_a_model_that_does_not_fit_is_refused_and_nothing_of_it_is_left(on_small_disk):
    """The upload says so; one that does fit is taken then, and predicts."""
    server = on_small_disk("3m", blob_url=f"file://{on_small_disk.path}", disk_reserve_bytes=0)
    small = DummyClassifier(strategy="constant", constant=1).fit([[0], [0]], [1, 0])
    large = DummyClassifier(strategy="constant", constant=1).fit([[0], [0]], [1, 0])
    large.ballast_ = numpy.zeros(1 << 19)

    answers = [
        server.client.post("/ops/upload", files={"file": ("m.pkl", pickle.dumps(one))}, headers=managing(server))
        for one in (large, small)
    ]

    assert [507, 201] == [answer.status_code for answer in answers], [answer.text for answer in answers]
    assert 1 == len(files(server.disk))
    assert 1 == len(server.client.get("/ops/models").json()["models"])
