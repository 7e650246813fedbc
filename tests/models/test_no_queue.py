"""A server whose queue or whose workers are away: what is refused, what is told, and that nothing is left behind."""

from __future__ import annotations

import io
import pickle

import pytest
from sklearn.dummy import DummyClassifier
from sqlalchemy import select

from handlers.app import create_app
from handlers.errors import QueueUnavailable
from handlers.jobs.tables import JobRow
from handlers.models.condition import NO_KEEPER, Condition
from handlers.models.hosts import Hosts
from handlers.settings import Settings
from tests.models.conftest import Client
from tests.served import serving

MODEL = pickle.dumps(DummyClassifier(strategy="constant", constant=1).fit([[0], [0]], [1, 0]))


@pytest.fixture
def alone(settings, tmp_path):
    """A server without workers, whose Redis may be killed."""
    changed = {"home": tmp_path, "redis_url": f"unix://{tmp_path}/s", "upload_wait_s": 0}
    own = Settings(**settings.model_dump() | changed)
    with serving(own) as here:
        yield Client(create_app(own).test_client()), here


@pytest.fixture
def closed(settings, tmp_path):
    """A server at whose Redis nobody listens."""
    changed = {"home": tmp_path, "redis_url": "redis://127.0.0.1:1/0", "upload_wait_s": 0}
    own = Settings(**settings.model_dump() | changed)
    own_redis = own.model_copy(update={"redis_url": f"unix://{tmp_path}/s"})
    with serving(own_redis) as here:
        here.queue._redis.close()
        from handlers import services

        there = services.start(own)
        yield Client(create_app(own).test_client()), there
        there.close()
        services._services = here


def left_behind(client, here):
    """Return the models, the endpoints, the files and the jobs that wait."""
    listed = [client.call("GET", f"/{kind}")[kind] for kind in ("models", "endpoints")]
    with here.database.read() as connection:
        waiting = [row.id for row in connection.execute(select(JobRow.id).where(JobRow.status == "scheduled"))]
    files = sorted(one for one in (here.settings.home / "blobs").rglob("*") if one.is_file())
    return [*listed, files, waiting]


def refused(client, path):
    """Upload a file, which is in vain, and return what is said."""
    form = {"file": (io.BytesIO(MODEL), "model.pkl")}
    answer = client.client.post(f"/ops{path}", data=form, content_type="multipart/form-data")
    assert (503, "application/problem+json") == (answer.status_code, answer.content_type), answer.text
    assert 0 < int(answer.headers["Retry-After"])
    return answer.json


def test_an_upload_without_a_queue_leaves_nothing(closed):
    """It is a 503 that says why and when to try again; a model that was there stays as it was."""
    client, here = closed
    model = client.call("POST", "/models", 201, json={"name": "m"})
    before = left_behind(client, here)

    words = [refused(client, path)["error"] for path in ("/upload", f"/models/{model['id']}")]

    assert ["The queue cannot be reached."] * 2 == words
    assert before == left_behind(client, here)
    assert model == client.call("GET", f"/models/{model['id']}")


def test_a_queue_that_goes_away_meanwhile_leaves_nothing(alone, monkeypatch):
    """Between the moment when it was there and that when the job is queued; what was stored until then is removed."""
    client, here = alone
    model = client.call("POST", "/models", 201, json={"name": "m"})
    before = left_behind(client, here)

    def away(_, **__):
        raise QueueUnavailable("The queue cannot be reached.", headers={"Retry-After": "5"})

    monkeypatch.setattr(here.queue, "put", away)
    for path in ("/upload", f"/models/{model['id']}"):
        refused(client, path)

    assert before == left_behind(client, here)


def test_a_database_that_breaks_leaves_no_file(alone, monkeypatch):
    """Whatever it is that goes wrong while an endpoint is stored."""
    client, here = alone

    def broken(*_):
        raise RuntimeError

    monkeypatch.setattr(here.models.registry, "add_endpoint", broken)
    client.upload(MODEL, expect=500)

    assert [[], [], [], []] == left_behind(client, here)


def test_the_information_tells_that_the_queue_is_away(closed):
    """`status` is `error`, and the part that is at fault says so; the others do not."""
    told = closed[0].call("GET", "/info")

    assert ("error", "The queue cannot be reached.") == (told["status"], told["error"])
    assert told["error"] == told["info"]["parts"].pop("jobs")
    assert {"database": "ok", "keeper": "ok", "sandbox": "ok"} == told["info"]["parts"]


def test_the_information_tells_that_nobody_works(alone):
    """A queue that nobody takes from is no help either."""
    told = alone[0].call("GET", "/info")

    assert "error" == told["status"]
    assert "No worker is alive" in told["error"]


def test_a_keeper_that_does_not_start_is_told(here, settings, tmp_path):
    """Without it no model answers; here its socket cannot be made, as a file lies where its folder has to be."""
    elsewhere = Settings(home=tmp_path / "home")
    elsewhere.runtime_dir.parent.mkdir(parents=True, exist_ok=True)
    elsewhere.runtime_dir.write_text("")
    astray = Hosts(elsewhere)

    parts = Condition(here.database, settings, astray, lambda: "").parts()

    elsewhere.runtime_dir.unlink()
    assert ("ok", NO_KEEPER) == (parts["database"], parts["keeper"])
