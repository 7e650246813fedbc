"""A server with models, in this process, with a real queue, a real worker and real hosts beside it."""

from __future__ import annotations

import io
import os
import pickle
import subprocess
import sys

import pytest
from sklearn.datasets import load_iris

from handlers import services
from handlers.app import create_app
from handlers.settings import Settings
from handlers.storage import migrate
from tests.jobs.conftest import RedisServer


@pytest.fixture(scope="session")
def settings(tmp_path_factory):
    """Settings of a server with models."""
    home = tmp_path_factory.mktemp("home")
    return Settings(
        home=home,
        redis_url=f"unix://{home}/s",
        validate_responses=True,
        manage_open=True,
        apis="ops,v2",
        job_heartbeat_s=0.5,
        upload_wait_s=60,
        predict_timeout_s=10,
        allowed_networks="127.0.0.0/8",
    )


@pytest.fixture(scope="session")
def here(settings):
    """The services of this process, over a real Redis server."""
    redis = RedisServer(settings.home)
    redis.start()
    started = services.start(settings)
    migrate.upgrade(started.database)
    yield started
    started.close()
    redis.kill()


@pytest.fixture(scope="session")
def worker(here, settings):
    """A worker process."""
    given = {"HOME": settings.home, "REDIS_URL": settings.redis_url, "JOB_HEARTBEAT_S": 0.5}
    given["ALLOWED_NETWORKS"] = settings.allowed_networks
    environment = os.environ | {f"SEAMARK_{name}": str(value) for name, value in given.items()}
    command = [sys.executable, "-c", "from handlers import worker; worker.work()"]
    process = subprocess.Popen(command, env=environment)
    yield process
    process.terminate()
    process.wait(30)


@pytest.fixture(scope="session")
def client(here, worker, settings):
    """Whoever calls, from this machine."""
    return Client(create_app(settings).test_client())


@pytest.fixture(scope="session")
def flowers():
    """Measurements of flowers, with names, and their kinds as numbers."""
    return load_iris(return_X_y=True, as_frame=True)


class Client:
    """Calls the API, and checks the status."""

    def __init__(self, client):
        """Call with *client*."""
        self.client = client

    def call(self, verb, path, expect=200, **more):
        """Return the answer's JSON."""
        answer = self.client.open(f"/ops{path}" if path.startswith("/") else path, method=verb, **more)
        assert expect == answer.status_code, answer.text
        return answer.json if "json" in (answer.content_type or "") else answer

    def upload(self, data, name="model.pkl", path="/upload", expect=201, **fields):
        """Upload a file, or an object that is pickled."""
        data = data if isinstance(data, bytes) else pickle.dumps(data)
        form = {"file": (io.BytesIO(data), name), **fields}
        return self.call("POST", path, expect, data=form, content_type="multipart/form-data")

    def endpoint_of(self, model):
        """Return the newest endpoint of a model."""
        links = [link["href"] for link in model["links"] if link["rel"] == "endpoint"]
        return self.call("GET", links[-1])

    def raw(self, model, values):
        """Return the whole answer to a prediction."""
        target = [link for link in model["links"] if link["rel"] == "endpoint"][-1:]
        body = {"target": target, "parameters": [{"name": name, "value": value} for name, value in values.items()]}
        return self.client.post("/ops/predictions", json=body)

    def predict(self, model, expect=200, **values):
        """Return the result of a prediction."""
        target = [link for link in model["links"] if link["rel"] == "endpoint"][-1:]
        body = {"target": target, "parameters": [{"name": name, "value": value} for name, value in values.items()]}
        answer = self.call("POST", "/predictions", expect, json=body)
        return answer["result"] if expect == 200 else answer
