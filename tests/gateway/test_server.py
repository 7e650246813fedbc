"""The application as a whole: what every request gets, whoever answers it."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from handlers import wire
from handlers.errors import JobNotFound, NotFinished, StorageUnavailable
from handlers.observability import members
from handlers.wire import Reply
from tests.gateway.echo import echo_app

SCALARS = "/styles/scalars/a/1/1.5"


def app_with(handler: Any, **settings: Any) -> Any:
    """Return a client whose operations are all served by *handler*."""
    return echo_app(handler=handler, **settings).test_client()


def test_paths_and_methods(client):
    """What is not there is a 404, another method a 405 with Allow, OPTIONS tells Allow, HEAD has no body."""
    missing, wrong = client.get("/nowhere"), client.get("/styles/json")
    options, head = client.options("/styles/json"), client.head("/styles/arrays")

    assert (404, "application/problem+json") == (missing.status_code, missing.content_type)
    assert (405, {"OPTIONS", "PATCH", "POST", "PUT"}) == (wrong.status_code, set(wrong.allow))
    assert (200, {"OPTIONS", "PATCH", "POST", "PUT"}) == (options.status_code, set(options.allow))
    assert (200, b"", "15") == (head.status_code, head.data, head.headers["Content-Length"])


def test_a_concrete_path_wins_over_a_template(client):
    """Whatever the order of the document is."""
    assert {"first": "x"} == client.get("/styles/x/JSON").json
    assert {"first": "x", "second": "y"} == client.get("/styles/x/y").json


def test_faults_of_parameters_name_them(client):
    """All wrong parameters are named at once, items by their index."""
    response = client.get("/styles/arrays?exploded=1,x&spaced=y")

    assert 400 == response.status_code
    assert [("query", "exploded/1"), ("query", "spaced/0")] == [
        (fault["in"], fault["place"]) for fault in response.json["errors"]
    ]


def test_every_answer_has_a_request_id(client):
    """A sane id of the caller is kept, another one is replaced; problems have it as `instance`."""
    kept = client.get("/nowhere", headers={"X-Request-Id": "a.b-c_1"})
    made = client.get(SCALARS, headers={"X-Request-Id": "a b"})

    assert ("a.b-c_1", "a.b-c_1") == (kept.headers["X-Request-Id"], kept.json["instance"])
    assert 24 == len(made.headers["X-Request-Id"])


def test_a_problem_is_an_answer():
    """What a handler raises gets its status, its headers and its members."""

    def handler(**_: Any) -> None:
        raise NotFinished("Not yet.", headers={"Retry-After": "2"}, members={"jobid": "7"})

    response = app_with(handler).get(SCALARS)

    assert (409, "2", "application/problem+json") == (
        response.status_code,
        response.headers["Retry-After"],
        response.content_type,
    )
    assert {"title": "The job has not finished.", "detail": "Not yet.", "jobid": "7"}.items() <= response.json.items()


def test_an_unexpected_error_tells_nothing_but_the_id(caplog):
    """The log has the traceback, the caller gets the id to find it by."""

    def handler(**_: Any) -> None:
        raise KeyError("inner secret")

    response = app_with(handler).get(SCALARS)

    assert 500 == response.status_code
    assert response.headers["X-Request-Id"] == members(caplog.records[-1], "web")["request"]
    assert "secret" not in response.text
    assert "Traceback" in caplog.text


def test_the_cause_of_a_failure_of_ours_is_logged(caplog):
    """A 5xx problem that something else brought about is an answer, and its cause is in the log only."""

    def handler(**_: Any) -> None:
        raise StorageUnavailable from OSError("disk gone")

    response = app_with(handler).get(SCALARS)

    assert (503, True) == (response.status_code, "disk gone" in caplog.text)
    assert "disk gone" not in response.text


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ({"a": 1}, (200, "application/json", b'{"a":1}')),
        ([], (200, "application/json", b"[]")),
        (({"a": 1}, 201, {"Location": "/x"}), (201, "application/json", b'{"a":1}')),
        (({"a": 1}, {"Location": "/x"}), (200, "application/json", b'{"a":1}')),
        (None, (204, None, b"")),
        ((None, 202), (202, None, b"")),
        (Reply(body="ä", content_type="text/plain; charset=utf-8"), (200, "text/plain; charset=utf-8", "ä".encode())),
        (Reply(body=b"ab", content_type="image/png", status=206), (206, "image/png", b"ab")),
        (Reply(body=[b"a", b"b"], content_type="image/png", length=2), (200, "image/png", b"ab")),
        (Reply(body={"n": 2**70}), (200, "application/json", b'{"n": 1180591620717411303424}')),
    ],
)
def test_what_handlers_return(result, expected):
    """A value, a tuple or a Reply becomes status, content type and body."""
    response = app_with(lambda **_: result).get(SCALARS)

    assert expected == (response.status_code, response.content_type, response.data)


def test_a_file_is_sent_with_its_length(tmp_path: Path):
    """A path in a Reply is streamed."""
    path = tmp_path / "file"
    path.write_bytes(b"x" * 200_000)

    response = app_with(lambda **_: Reply(body=path, content_type="application/octet-stream")).get(SCALARS)

    assert ("200000", 200_000) == (response.headers["Content-Length"], len(response.data))
    response.close()


@pytest.mark.parametrize(
    "result", [(1, 2, 3, 4), {"a": object()}, ({}, 200, {"X": "a\r\nb"}), Reply(body=5, content_type="image/png")]
)
def test_what_handlers_may_not_return(result):
    """A result that cannot be sent is a 500 problem, not a broken answer."""
    assert 500 == app_with(lambda **_: result).get(SCALARS).status_code


def test_answers_are_checked_where_asked(caplog):
    """With SEAMARK_VALIDATE_RESPONSES a broken answer is a 500; the log names the place, not the value."""
    results: list[Any] = [["secret"], ({}, 201), Reply(body=b"x", content_type="image/png"), {}]
    client = app_with(lambda **_: results.pop(0), validate_responses=True)

    assert [500, 500, 500, 200] == [client.get(SCALARS).status_code for _ in range(4)]
    assert "/ (type)" in caplog.text
    assert "the status 201 is not documented" in caplog.text
    assert "secret" not in caplog.text


def test_handlers_see_the_request():
    """The context variable has what of HTTP a controller may see."""

    def handler(**_: Any) -> dict[str, Any]:
        request = wire.request()
        return {"id": request.id, "base": request.base_url, "mount": request.mount, "accept": request.headers["accept"]}

    response = app_with(handler).get(SCALARS, headers={"Accept": "x/y", "X-Request-Id": "r1"})

    assert {"id": "r1", "base": "http://localhost", "mount": "/styles", "accept": "x/y"} == response.json


def test_other_routes_are_flasks_and_get_the_same_care():
    """A route beside the operations sees the request, and its problems and errors are answered alike."""
    app = echo_app()

    def view(name: str) -> Any:
        if name == "problem":
            raise JobNotFound
        return {"id": wire.request().id, "zero": 1 // len(name.removeprefix("zero"))}

    app.add_url_rule("/beside/<name>", view_func=view)
    client = app.test_client()
    good = client.get("/beside/x", headers={"X-Request-Id": "r1"})

    assert ({"id": "r1", "zero": 1}, "r1") == (good.json, good.headers["X-Request-Id"])
    known, unknown = client.get("/beside/problem"), client.get("/beside/zero")
    assert (404, "There is no such job.") == (known.status_code, known.json["title"])
    assert (500, "application/problem+json") == (unknown.status_code, unknown.content_type)


def test_flask_can_dispatch_operations_too():
    """Flask's URL map has the operations, and dispatching through it answers like the native way."""
    app = echo_app()

    with app.test_request_context("/styles/x/JSON"):
        response = app.full_dispatch_request()

    assert {"first": "x"} == response.json
    assert "styles:readConcrete" in {rule.endpoint for rule in app.url_map.iter_rules()}


def test_a_path_that_is_not_utf8_is_refused(app):
    """Neither a 500 nor replacement characters."""
    response = app.test_client().get("/", environ_overrides={"PATH_INFO": "/styles/a/\xff"})

    assert (400, "path") == (response.status_code, response.json["errors"][0]["in"])


def test_pages_of_other_origins():
    """Only listed origins may read answers; preflights are answered for any path."""
    client = echo_app(cors_origins="https://a.example, https://b.example").test_client()
    ask = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-a"}

    plain = client.get(SCALARS)
    good = client.get(SCALARS, headers={"Origin": "https://b.example"})
    bad = client.get(SCALARS, headers={"Origin": "https://c.example"})
    before = client.options("/styles/json", headers={"Origin": "https://a.example"} | ask)

    assert "Access-Control-Allow-Origin" not in plain.headers
    assert "https://b.example" == good.headers["Access-Control-Allow-Origin"]
    assert "Access-Control-Allow-Origin" not in bad.headers
    assert "Origin" == bad.headers["Vary"]
    assert (204, "x-a") == (before.status_code, before.headers["Access-Control-Allow-Headers"])


def test_all_origins_may_be_allowed():
    """`*` stands for all."""
    response = echo_app(cors_origins="*").test_client().get("/nowhere", headers={"Origin": "https://c.example"})

    assert "*" == response.headers["Access-Control-Allow-Origin"]


def test_the_access_log_has_neither_query_nor_body(caplog):
    """One line for each request: method, path, status and time."""
    client = echo_app().test_client()

    with caplog.at_level(logging.INFO, "seamark.access"):
        client.get(SCALARS + "?class=secret")
        client.get("/", environ_overrides={"PATH_INFO": "/no\nwhere"})

    first, second = (vars(record) for record in caplog.records if record.name == "seamark.access")
    assert ("GET", SCALARS, 200) == (first["method"], first["path"], first["status"])
    assert "secret" not in str(first)
    assert ("GET", r"/no\nwhere", 404) == (second["method"], second["path"], second["status"])


def test_nothing_of_a_refused_request_is_logged(caplog):
    """Bodies and tokens of bad requests stay out of the logs."""
    client = echo_app().test_client()

    with caplog.at_level(logging.DEBUG):
        client.post("/styles/json", data=json.dumps({"secret": 5}), content_type="application/json")
        client.get("/styles/secret", headers={"Authorization": "Bearer secret"})

    assert "secret" not in caplog.text.replace("/styles/secret", "")
