"""The log of a job that has not come to its own end is there for its owner all the same."""

from __future__ import annotations

from contextlib import suppress

import psutil
import pytest

from handlers.app import create_app
from tests.compute.conftest import DATA, Computing, publish, raw
from tests.databases import KINDS_BY_LENGTH, database_of
from tests.jobs.conftest import eventually
from tests.provider.conftest import API, reader
from tests.served import serving, start_worker

TALK = "import time; print('h\\u00e9llo', flush=True); print('half', end='', flush=True); time.sleep(600)"
SAID = "héllo\nhalf\n".encode()


@pytest.fixture
def apart(request, settings, upstream, tmp_path_factory):
    """The services of a server of this test's own; its parameter is the kind of its database."""
    home = tmp_path_factory.mktemp("h")
    with database_of(getattr(request, "param", "sqlite"), home) as url:
        changes = {"home": home, "redis_url": f"unix://{home}/s", "database_url": url}
        with serving(type(settings)(**settings.model_dump() | changes)) as started:
            publish(started, DATA, upstream.url + "/rows.csv", privacy={"allowRawAlgorithm": True})
            yield started


@pytest.fixture
def start(apart):
    """Returns a function that starts a worker which soon gives up on a silent one, and tries a job once."""
    running = []
    short = {"job_stale_s": 1, "sweep_s": 0.3, "job_attempts": 1}

    def start():
        running.append(start_worker(apart.settings, **short))
        return running[-1]

    yield start
    for process in running:
        process.terminate()
        process.wait(30)


@pytest.fixture
def owner(apart, start):
    """Who has things computed there."""
    return Computing(reader(create_app(apart.settings)))


def talking(owner, apart):
    """Return a job whose algorithm has said something, and goes on."""
    job = owner.start(algorithmMeta=raw(TALK))["jobId"]
    eventually(lambda: [line for line in apart.jobs.logs(job, all_owners=True) if "héllo" in line.line])
    return job


def fetched(owner, url, **headers):
    """Return what is at an address that was given out."""
    return owner.client.get(url.partition("localhost")[2], headers=headers)


@pytest.mark.parametrize("apart", KINDS_BY_LENGTH, indirect=True)
def test_a_job_that_was_stopped_leaves_its_log(apart, start, owner):
    """All that it said, half a line too: by the address, by a signature, in parts, and until it is deleted."""
    start()
    job = talking(owner, apart)

    owner.ask("PUT", job)
    told = eventually(lambda: (found := owner.ask("GET", job)[0])["results"][0]["filesize"] == len(SAID) and found)

    assert [{"filename": "algorithm.log", "filesize": len(SAID), "type": "algorithmLog"}] == told["results"]
    assert (7, []) == (told["status"], told["resultsUrls"])
    assert SAID == fetched(owner, told["algorithmLogUrl"]).data
    assert SAID[2:6] == fetched(owner, told["algorithmLogUrl"], Range="bytes=2-5").data
    proof = {"consumerAddress": owner.address, "signature": owner.sign(f"{owner.address}{job}0")}
    assert SAID == owner.client.get(f"{API}/computeResult", query_string={"jobId": job, "index": 0, **proof}).data
    owner.ask("DELETE", job)
    assert 200 != fetched(owner, told["algorithmLogUrl"]).status_code
    assert b"" == apart.compute.results._records.log(job)


@pytest.mark.long
def test_a_job_whose_worker_died_leaves_its_log(apart, start, owner):
    """It was written down while the job ran; another worker says that it has failed."""
    worker = start()
    job = talking(owner, apart)

    family = [psutil.Process(worker.pid), *psutil.Process(worker.pid).children(recursive=True)]
    for process in family:
        with suppress(psutil.NoSuchProcess):  # some end with the one before
            process.kill()
    worker.wait()
    start()
    told = owner.ended(job)

    assert 33 == told["status"]
    assert "fell silent" in told["reason"]
    assert fetched(owner, told["algorithmLogUrl"]).data.startswith("héllo\n".encode())


@pytest.mark.long
def test_a_job_that_talks_without_end_is_bounded(apart, start, owner):
    """Its log ends with words that say so, at the bound of a job's log."""
    start()
    job = owner.start(algorithmMeta=raw("while True: print('x' * 1000)"))["jobId"]
    most = apart.settings.job_log_bytes
    eventually(lambda: apart.compute.results._records.log(job)[-60:].endswith(b"is left out.\n"))

    owner.ask("PUT", job)
    log = fetched(owner, owner.ask("GET", job)[0]["algorithmLogUrl"]).data

    assert most * 0.9 < len(log) <= most
    assert f"reached its bound of {most} bytes".encode() in log
