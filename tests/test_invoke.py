"""The controller of invoke: who may, and what is answered when."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from handlers import services
from handlers.app import create_app
from handlers.jobs.tables import JobRow
from handlers.settings import Settings
from handlers.storage import migrate
from handlers.storage.sql import now

ELSEWHERE = {"REMOTE_ADDR": "192.0.2.7"}
HASH = "/invoke/hash"


@pytest.fixture
def here(tmp_path):
    """The services of this process, without a queue: jobs wait until a test says how they end."""
    started = services.start(Settings(home=tmp_path, redis_url=f"unix://{tmp_path}/none", validate_responses=True))
    migrate.upgrade(started.database)
    yield started
    started.close()


@pytest.fixture
def client(here):
    """A client on this machine."""
    return create_app(here.settings).test_client()


def token(here, name="ada", scopes=("invoke",)):
    """Return the headers of a caller with a token."""
    return {"Authorization": f"Bearer {here.tokens.new(name, scopes)[0]}"}


def submit(client, **more):
    """Submit a job and return its id."""
    answer = client.post(f"{HASH}/invokeasync", json={"to_hash": "abcd"}, **more)
    assert 201 == answer.status_code, answer.text
    return answer.json["jobid"]


def end(here, job, **values):
    """Let a job end as *values* say."""
    with here.database.write() as connection:
        connection.execute(update(JobRow).where(JobRow.id == job).values(finished=now(), **values))


def test_strangers_from_elsewhere_need_a_token(client, here):
    """A caller from elsewhere gets a 401 without a token that has the scope; on this machine none is needed."""
    body = {"to_hash": "abcd"}

    def statuses(**more):
        return client.post(f"{HASH}/invokeasync", json=body, **more).status_code

    assert 401 == statuses(environ_overrides=ELSEWHERE)
    assert 201 == statuses(environ_overrides=ELSEWHERE, headers=token(here))
    assert 401 == statuses(environ_overrides=ELSEWHERE, headers=token(here, scopes=["assets"]))
    assert 401 == statuses(environ_overrides=ELSEWHERE, headers={"Authorization": "Bearer sea_0_0"})
    assert 201 == statuses()


def test_the_settings_can_open_invoke_to_strangers(here):
    """With `invoke_open` nobody needs a token."""
    opened = here.settings.model_copy(update={"invoke_open": True})
    services.start(opened)
    client = create_app(opened).test_client()

    answer = client.post(f"{HASH}/invokeasync", json={"to_hash": ""}, environ_overrides=ELSEWHERE)

    assert 201 == answer.status_code


def test_a_job_is_its_callers_alone(client, here):
    """Another caller cannot tell that the job is there; the management can."""
    ada, bob = token(here, "ada"), token(here, "bob")
    job = submit(client, headers=ada)

    def status(headers):
        return client.get(f"{HASH}/getstatus", query_string={"jobid": job}, headers=headers).status_code

    assert [200, 404, 200] == [status(ada), status(bob), status(token(here, "root", ["manage"]))]
    assert 404 == client.get(f"{HASH}/getstatus", query_string={"jobid": job}).status_code


def test_a_waiting_job_has_no_result_yet(client):
    """`getstatus` says scheduled and when to ask again; `getresult` is a conflict that says so too."""
    job = submit(client)

    status = client.get(f"{HASH}/getstatus", query_string={"jobid": job})
    result = client.get(f"{HASH}/getresult", query_string={"jobid": job})

    assert (200, "scheduled", 0) == (status.status_code, status.json["status"], status.json["progress"])
    assert (409, "NotFinished") == (result.status_code, result.json["type"].rpartition("/")[2])
    assert int(status.headers["Retry-After"]) > 0
    assert int(result.headers["Retry-After"]) > 0


def test_an_expired_job_is_gone(client, here):
    """410 where the time of a job is over, 404 where there never was one."""
    job = submit(client)
    end(here, job, status="succeeded", results={"hash_val": "0" * 64}, expires=now() - timedelta(seconds=1))

    for path in ("getstatus", "getresult"):
        assert 410 == client.get(f"{HASH}/{path}", query_string={"jobid": job}).status_code
        assert 404 == client.get(f"{HASH}/{path}", query_string={"jobid": "0" * 32}).status_code


@pytest.mark.parametrize(
    ("problem", "code"), [("PaymentMissing", 8003), ("AssetNotFound", 8004), ("OperationFailed", 8005)]
)
def test_a_failed_job_says_why_in_the_words_of_dep_6(problem, code, client, here):
    """`error`, `errorcode` and `description` tell why; there are no outputs."""
    job = submit(client)
    document = {
        "type": f"https://seamark.example/problems/{problem}",
        "title": "T",
        "status": 422,
        "detail": "Because.",
    }
    end(here, job, status="failed", problem=document, expires=now() + timedelta(days=1))

    result = client.get(f"{HASH}/getresult", query_string={"jobid": job})

    assert 200 == result.status_code
    assert ("failed", code, "Because.") == tuple(result.json[key] for key in ("status", "errorcode", "description"))
    assert document == result.json["error"]
    assert "outputs" not in result.json


def test_an_asset_of_somebody_else_is_refused_before_anything_is_queued(client, here, tmp_path):
    """The refusal names the input, and no job is stored."""
    path = tmp_path / "file"
    path.write_text("secret")
    asset = here.assets.add(path, owner="bob")

    answer = client.post(f"{HASH}/invokeasync", json={"to_hash": "", "saved_model": {"did": asset.did}})

    assert 403 == answer.status_code
    assert "/saved_model/did" == answer.json["errors"][0]["place"]
    assert 0 == here.jobs.waiting()


def test_a_json_string_that_holds_the_object_counts_as_the_object(client):
    """The contract says that the payload is a JSON encoded string."""
    answer = client.post(f"{HASH}/invokeasync", data='"{\\"to_hash\\": \\"abcd\\"}"', content_type="application/json")

    assert 201 == answer.status_code


def test_too_many_waiting_jobs_are_refused(tmp_path):
    """429 with Retry-After when the queue is full, and what is queued stays."""
    full = Settings(home=tmp_path, redis_url=f"unix://{tmp_path}/none", queue_limit=1)
    started = services.start(full)
    migrate.upgrade(started.database)
    client = create_app(full).test_client()
    submit(client)

    answer = client.post(f"{HASH}/invokeasync", json={"to_hash": ""})

    assert 429 == answer.status_code
    assert int(answer.headers["Retry-After"]) > 0
    assert 1 == started.jobs.waiting()
    started.close()
