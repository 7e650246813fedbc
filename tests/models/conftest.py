"""A server with models, in this process, with a real queue, a real worker and real hosts beside it."""

from __future__ import annotations

import io
import pickle

import pytest
from sklearn.datasets import load_iris

from handlers.app import create_app
from handlers.cli.home import first_key
from handlers.keys import Keys
from handlers.models.credentials import Safe
from handlers.settings import Settings
from tests.models.peer import METADATA, Peer
from tests.served import serving, working


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
    with serving(settings) as started:
        first_key(settings)
        yield started


@pytest.fixture(scope="session")
def worker(here, settings):
    """A worker process."""
    with working(settings) as process:
        yield process


@pytest.fixture(scope="session")
def client(here, worker, settings):
    """Whoever calls, from this machine."""
    return Client(create_app(settings).test_client())


@pytest.fixture(scope="session")
def safe(here, settings):
    """What opens the credentials that this server has sealed."""
    return Safe(Keys(settings))


@pytest.fixture(scope="session")
def flowers():
    """Measurements of flowers, with names, and their kinds as numbers."""
    return load_iris(return_X_y=True, as_frame=True)


@pytest.fixture
def peer():
    """A server that answers as it is told."""
    one = Peer()
    yield one
    one.close()


@pytest.fixture
def v2(client, peer):
    """A model of the peer by the Open Inference Protocol, and what its infer answers."""
    peer.paths["/v2/models/m"] = (200, METADATA)
    model = client.call("POST", "/remotes", 201, json={"url": peer.url, "protocol": "v2", "model": "m"})

    def answers(body, status=200, *headers):
        peer.paths["/v2/models/m/infer"] = (status, body, *headers)
        return model

    return answers


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
