"""A server that computes, in this process, with a real queue and a real worker beside it."""

from __future__ import annotations

import time
from contextlib import closing

import pytest

from handlers.app import create_app
from handlers.settings import Settings
from tests.compute.podman import PYTHON, SHELL, Podman, Registry, pack
from tests.files.upstream import Upstream, ranging
from tests.provider.conftest import API, PROVIDER_KEY, Consumer, reader
from tests.sandbox.conftest import python
from tests.served import serving, working

ROWS = b"id,value\n" + b"".join(b"%d,%d\n" % (number, number * number) for number in range(100))
DATA = "did:op:" + "d0" * 32
SOON = {"job_stale_s": 5, "sweep_s": 1}  # that what a dead worker left is taken over
OTHER = "did:op:" + "d1" * 32
ALGORITHM = "did:op:" + "a1" * 32
CONTAINER = {"entrypoint": "python $ALGO", "image": "python", "tag": "3.11"}
COUNT = """
import json, os, pathlib
inputs = pathlib.Path(os.environ["INPUTS"])
files = sorted(path for path in inputs.rglob("*") if path.is_file())
counted = {str(path.relative_to(inputs)): len(path.read_text().splitlines()) for path in files}
pathlib.Path(os.environ["OUTPUTS"], "counted.json").write_text(json.dumps(counted))
print("counted", len(files), "files")
"""


@pytest.fixture(scope="session")
def upstream():
    """A server of files."""
    server = Upstream()
    server.paths["/rows.csv"] = ranging(ROWS, Content_Type="text/csv")
    server.paths["/count.py"] = ranging(COUNT.encode())
    yield server
    server.close()


@pytest.fixture(scope="session")
def settings(tmp_path_factory):
    """Settings of a server that computes."""
    home = tmp_path_factory.mktemp("home")
    many = dict.fromkeys(("calls_per_minute", "signed_calls_per_minute", "failures_per_minute"), 100_000)
    return Settings(
        home=home,
        redis_url=f"unix://{home}/s",
        validate_responses=True,
        allowed_networks="127.0.0.0/8",
        provider_key=PROVIDER_KEY,
        fetch_timeout_s=5,
        apis="provider,brizo,metadata",
        compute_time_s=20,
        job_heartbeat_s=0.5,
        **many,
    )


@pytest.fixture(scope="session")
def here(settings):
    """The services of this process, over a real Redis server."""
    with serving(settings) as started:
        yield started


@pytest.fixture(scope="session")
def worker(here, settings):
    """A worker process."""
    with working(settings, **SOON) as process:
        yield process


@pytest.fixture
def client(here, worker, settings):
    """A caller, who reads answers to their end."""
    return reader(create_app(settings))


@pytest.fixture
def owner(client):
    """Who has things computed."""
    return Computing(client)


class Computing(Consumer):
    """Signs and has things computed."""

    def start(self, data=DATA, *, job="", expect=200, **more):
        """Start a job; raw code unless *more* says otherwise."""
        signed = self.sign(f"{self.address}{job}{data}")
        body = {"signature": signed, "documentId": data, "consumerAddress": self.address, "jobId": job, "output": {}}
        if not more.keys() & {"algorithmDid", "algorithmMeta"} and not job:
            more["algorithmMeta"] = raw(COUNT)
        answer = self.client.post(f"{API}/compute", json=body | more)
        assert expect == answer.status_code, answer.text
        return answer.json[0] if expect == 200 else answer.json

    def which(self, job="", data="", **more):
        """Return the parameters of a request about jobs."""
        signed = self.sign(f"{self.address}{job}{data}")
        sent = {"consumerAddress": self.address, "jobId": job, "documentId": data, "signature": signed} | more
        return {name: value for name, value in sent.items() if value}

    def ask(self, verb, job="", data="", **more):
        """Ask about jobs, stop or delete them."""
        answer = self.client.open(f"{API}/compute", method=verb, query_string=self.which(job, data, **more))
        assert 200 == answer.status_code, answer.text
        return answer.json

    def ended(self, job, within_s=30):
        """Wait for the end of a job and return how it stands."""
        end = time.monotonic() + within_s
        while (found := self.ask("GET", job)[0])["status"] < 6:
            assert time.monotonic() < end, found
            time.sleep(0.05)
        return found

    def stage(self, job, status, within_s=30):
        """Wait until a job has come so far."""
        end = time.monotonic() + within_s
        while (found := self.ask("GET", job)[0])["status"] < status:
            assert time.monotonic() < end, found
            time.sleep(0.05)
        return found


def raw(code, **container):
    """Return an algorithm that the caller brings along."""
    return {"rawcode": code, "url": "", "language": "python", "container": CONTAINER | container}


@pytest.fixture(scope="session", autouse=True)
def assets(here, upstream):
    """Data that let themselves be computed on, and an algorithm."""
    offer(here, upstream)


def offer(here, upstream):
    """Register data that let themselves be computed on, and an algorithm."""
    publish(
        here, DATA, upstream.url + "/rows.csv", privacy={"allowRawAlgorithm": True, "allowAllPublishedAlgorithms": True}
    )
    publish(here, OTHER, upstream.url + "/rows.csv", privacy={"publisherTrustedAlgorithms": [{"did": ALGORITHM}]})
    main = {"type": "algorithm", "name": "Count", "algorithm": {"container": CONTAINER}}
    publish(here, ALGORITHM, upstream.url + "/count.py", main=main, kind="access")


def publish(here, did, url, *, main=None, kind="compute", cost="0", privacy=None, **members):
    """Register an asset whose file lies on the server of files."""
    from handlers.files.sealed import seal
    from handlers.keys import Keys

    sealed = seal([{"index": 0, "url": url}], Keys(here.settings).current)
    terms = {"main": {"name": kind, "cost": cost, "timeout": 0, "privacy": privacy or {}}}
    metadata = {"main": main or {"type": "dataset", "name": "Rows", "files": [{"index": 0}]}, "encryptedFiles": sealed}
    services = [
        {"type": "metadata", "index": 0, "attributes": metadata},
        {"type": kind, "index": 4 if kind == "compute" else 3, "attributes": terms},
    ]
    return here.assets.register({"id": did, "service": services, **members}).did


@pytest.fixture(scope="session")
def registry():
    """A registry of images on the loopback."""
    started = Registry()
    yield started
    started.close()


@pytest.fixture(scope="session")
def podman(registry):
    """An engine that has an image with a shell, and one with Python."""
    with closing(Podman(registry)) as started:
        pack(started, SHELL)
        pack(started, PYTHON, python=python())
        yield started
