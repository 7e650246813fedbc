"""A machine on which nothing can be run apart: whose fault that is, and what is to be done."""

from __future__ import annotations

import io
import pickle
import threading
from contextlib import contextmanager

import numpy
import pytest
import skops.io
import xgboost
from skl2onnx import to_onnx
from sklearn.linear_model import LinearRegression

from handlers.app import create_app
from handlers.errors import SandboxUnavailable
from handlers.models import condition, trial
from handlers.models.condition import NO_DATABASE, NO_SANDBOX, Condition
from handlers.models.hosts import connect
from handlers.models.process import Plan, Processes
from handlers.models.trial import try_model
from handlers.sandbox import bubblewrap
from handlers.settings import Settings
from handlers.storage.sql import Database
from tests.jobs.conftest import eventually
from tests.models.conftest import Client
from tests.models.pmmlfiles import DATA
from tests.models.test_hosts import hosts_here
from tests.models.test_keeper import keeper_of
from tests.sandbox.test_bare import needs_cgroup
from tests.served import serving, start_worker

pytestmark = pytest.mark.long

#: What each Python process runs first: no program is found where those of the sandbox are looked for.
TAKES_AWAY = "from handlers.sandbox import bubblewrap\nbubblewrap.FOUND_IN = '/nowhere'\n"


def line():
    """Return a small model."""
    return LinearRegression().fit([[0], [1]], [1, 3])


@contextmanager
def working(settings):
    """A worker process."""
    process = start_worker(settings)
    yield
    process.terminate()
    process.wait(30)


@pytest.fixture(scope="module")
def robbed(tmp_path_factory):
    """A server with a model in service, and with the sandbox taken away from it and all processes that it starts."""
    home = tmp_path_factory.mktemp("n")
    settings = Settings(
        home=home,
        redis_url=f"unix://{home}/s",
        manage_open=True,
        validate_responses=True,
        apis="ops",
        upload_wait_s=60,
    )
    (home / "python").mkdir()
    (home / "python" / "sitecustomize.py").write_text(TAKES_AWAY)
    with serving(settings) as here, pytest.MonkeyPatch.context() as patch:
        client = Client(create_app(settings).test_client())
        with working(settings):
            model = client.upload(line())
        keeper_of(settings).kill()
        eventually(lambda: not [plan for _, plan in hosts_here() if client.endpoint_of(model)["id"] in plan])
        patch.setenv("PYTHONPATH", str(home / "python"))
        patch.setattr(bubblewrap, "FOUND_IN", "/nowhere")
        with working(settings):
            yield client, here, model


FILES = {
    "m.pkl": lambda: pickle.dumps(line()),
    "m.pmml": (DATA / "golf.pmml").read_bytes,
    "m.ubj": lambda: bytes(xgboost.train({}, xgboost.DMatrix([[0.0], [1.0]], [0, 1]), 1).save_raw("ubj")),
    "m.onnx": lambda: to_onnx(line(), numpy.zeros((1, 1))).SerializeToString(),
    "m.skops": lambda: skops.io.dumps(line()),
}


@needs_cgroup
@pytest.mark.parametrize("name", ["m.pkl", "m.onnx"])
def test_without_a_sandbox_they_run_where_that_is_wanted(tmp_path, name):
    """SEAMARK_SANDBOX_OFF is for all formats; which of them are taken is said elsewhere."""
    file = tmp_path / name
    file.write_bytes(FILES[name]())
    settings = Settings(home=tmp_path / "home", sandbox_off=True)
    plan = Plan(endpoint="e", blob="b", format="pickle" if name == "m.pkl" else "onnx")

    known = try_model(Processes(settings), plan, file, lambda _: None)

    assert known["features"]
    assert condition.runs(settings)


def test_a_host_that_never_began_is_the_servers_fault(settings, tmp_path, monkeypatch):
    """Also where its door was closed before anybody came to it."""

    def connect_late(path):
        """Come when the door is closed."""
        eventually(lambda: "trial" not in [thread.name for thread in threading.enumerate()])
        return connect(path)

    file = tmp_path / "m.onnx"
    file.write_bytes(FILES[file.name]())
    monkeypatch.setattr(bubblewrap, "FOUND_IN", "/nowhere")
    monkeypatch.setattr(trial, "connect", connect_late)

    with pytest.raises(SandboxUnavailable, match="not installed"):
        try_model(Processes(settings), Plan(endpoint="e", blob="b", format="onnx"), file, lambda _: None)


@pytest.mark.parametrize("name", FILES)
def test_an_upload_is_refused_as_the_servers_fault(robbed, name):
    """Whether the format carries code or not: what is missing is said, and how it is mended; nothing is kept."""
    client, here, _ = robbed
    before = client.call("GET", "/models")["models"], sorted((here.settings.home / "blobs").rglob("*"))

    form = {"file": (io.BytesIO(FILES[name]()), name)}
    answer = client.client.post("/ops/upload", data=form, content_type="multipart/form-data")

    assert (503, "application/problem+json") == (answer.status_code, answer.content_type)
    assert "Retry-After" in answer.headers
    for words in ("not installed", "apt install bubblewrap", "seamark check"):
        assert words in answer.json["detail"]
    assert before == (client.call("GET", "/models")["models"], sorted((here.settings.home / "blobs").rglob("*")))


def test_a_further_endpoint_is_refused_alike(robbed):
    """The model keeps those that it has."""
    client, _, model = robbed

    client.upload(line(), path=f"/models/{model['id']}", expect=503)

    assert model["links"] == client.call("GET", f"/models/{model['id']}")["links"]


def test_a_prediction_is_refused_as_the_servers_fault(robbed):
    """Of an endpoint that is in service; the endpoint stays in service, for when that is mended."""
    client, _, model = robbed

    answers = [client.raw(model, {"x0": 0.5}) for _ in range(3)]

    for answer in answers:
        assert (503, "application/problem+json") == (answer.status_code, answer.content_type)
        assert "Retry-After" in answer.headers
        for words in ("not installed", "apt install bubblewrap", "seamark check"):
            assert words in answer.json["detail"]
    assert "in_service" == client.endpoint_of(model)["status"]


def test_the_information_says_so(robbed):
    """Once for all who ask within a while, and without details, as anybody may ask."""
    told = robbed[0].call("GET", "/info")

    assert ("error", NO_SANDBOX) == (told["status"], told["error"])
    assert {"database": "ok", "jobs": "ok", "keeper": "ok", "sandbox": NO_SANDBOX} == told["info"]["parts"]
    assert "libraries" in told["info"]


def test_strangers_start_no_program_each(robbed, monkeypatch):
    """However many ask, a look is taken once in a while."""
    _, here, _ = robbed
    looks = []
    monkeypatch.setattr(condition, "runs", lambda settings: looks.append(settings) or False)
    asked = Condition(here.database, here.settings, here.models.hosts, lambda: "")

    assert {NO_SANDBOX} == {asked.parts()["sandbox"] for _ in range(20)}
    assert [here.settings] == looks


def test_a_database_that_does_not_answer_is_told(robbed, monkeypatch):
    """It comes first: without it no model is even known."""
    client, here, _ = robbed
    gone = Condition(Database("sqlite:////nowhere/seamark.sqlite"), here.settings, here.models.hosts, lambda: "")
    monkeypatch.setattr(here.models, "condition", gone)

    told = client.call("GET", "/info")

    assert ("error", f"{NO_DATABASE} {NO_SANDBOX}") == (told["status"], told["error"])
