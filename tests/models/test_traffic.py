"""Versions of a model: promoted, rolled back, tried out."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from sqlalchemy import event

from handlers import services
from handlers.models import changes
from handlers.models.changes import Changes
from handlers.models.traffic import Traffic
from tests.models.pmmlwriter import file_of, regression_model, regression_table


@pytest.fixture
def versions(client):
    """A model with three endpoints, each of which has an answer of its own."""
    model = client.upload(says(1), "versions.pmml")
    more = [client.upload(says(number), "versions.pmml", f"/models/{model['id']}") for number in (2, 3)]
    return model["id"], [client.endpoint_of(model)["id"], *(endpoint["id"] for endpoint in more)]


def says(number):
    """Return a file of a model that always says a number."""
    model = regression_model([regression_table(number, (), ())])
    return file_of(model, [("x", "double")], ("y", "double", ()))


@contextmanager
def reading(statements):
    """Note what the database is asked inside."""
    engine = services.services().database.engine

    def note(_connection, _cursor, statement, *_):
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield
    event.remove(engine, "before_cursor_execute", note)


@pytest.fixture
def ask(client):
    """Asks a model by its name alone, and returns which version has answered."""

    def ask(model):
        tensor = {"name": "x", "shape": [1, 1], "datatype": "FP64", "data": [0]}
        answer = client.client.post(f"/v2/models/{model}/infer", json={"inputs": [tensor]})
        assert 200 == answer.status_code, answer.text
        return answer.json["outputs"][0]["data"][0]

    return ask


def test_the_newest_answers_until_one_is_promoted(client, versions, ask):
    """And then that one, whatever is uploaded; rolled back, the one before, and again the other."""
    model, endpoints = versions
    path = f"/models/{model}"

    answers = [ask(model)]
    client.call("PUT", f"{path}/traffic", json={"endpoint": endpoints[0]})
    answers.append(ask(model))
    client.upload(says(4), "versions.pmml", path)
    answers.append(ask(model))
    for _ in range(2):
        client.call("POST", f"{path}/rollback")
        answers.append(ask(model))

    assert [3, 1, 1, 3, 1] == answers
    traffic = client.call("GET", f"{path}/traffic")
    assert {"endpoint": endpoints[0], "previous": endpoints[2], "canary": None} == traffic


def test_nobody_rolls_back_to_what_is_out_of_service(client, versions, ask):
    """It could answer nobody; the one that answers goes on."""
    model, endpoints = versions
    for endpoint in endpoints[:2]:
        client.call("PUT", f"/models/{model}/traffic", json={"endpoint": endpoint})
    client.call("PATCH", f"/endpoints/{endpoints[0]}", json={"status": "out_of_service"})

    client.call("POST", f"/models/{model}/rollback", 409)

    assert 2 == ask(model)


def test_a_canary_gets_its_share(client, versions):
    """As often as it is drawn; never while it is out of service, and no more once that is ended or it is promoted."""
    model, endpoints = versions
    client.call("PUT", f"/models/{model}/traffic", json={"canary": {"endpoint": endpoints[1], "share": 0.25}})
    here = services.services()

    def picked():
        traffic = Traffic(here.models.registry, Changes(here.settings), iter([0.1, 0.3, 0.24, 0.25]).__next__)
        return [traffic.pick(model)[1].id for _ in range(4)]

    first, second = endpoints[2], endpoints[1]
    assert [second, first, second, first] == picked()
    client.call("PATCH", f"/endpoints/{second}", json={"status": "out_of_service"})
    assert [first] * 4 == picked()
    client.call("PATCH", f"/endpoints/{second}", json={"status": "in_service"})
    traffic = client.call("PUT", f"/models/{model}/traffic", json={"endpoint": second})
    assert {"endpoint": second, "previous": first, "canary": None} == traffic


def test_what_is_not_there_cannot_answer(client, versions):
    """No endpoint of another model, none that is out of service, none that is gone."""
    model, endpoints = versions
    path = f"/models/{model}/traffic"
    other = client.endpoint_of(client.upload(says(9), "other.pmml"))["id"]

    client.call("POST", f"/models/{model}/rollback", 409)
    client.call("PUT", path, 404, json={"endpoint": other})
    client.call("PUT", path, 404, json={"canary": {"endpoint": other, "share": 1}})
    client.call("PUT", path, 400, json={"canary": {"endpoint": endpoints[2], "share": 1}})
    client.call("PUT", path, 400, json={"canary": {"endpoint": endpoints[1], "share": 2}})
    client.call("PATCH", f"/endpoints/{endpoints[0]}", json={"status": "out_of_service"})
    client.call("PUT", path, 409, json={"endpoint": endpoints[0]})
    client.call("PUT", path, json={"endpoint": endpoints[1]})
    client.client.delete(f"/ops/endpoints/{endpoints[1]}")
    assert endpoints[2] == client.call("GET", path)["endpoint"]


def test_a_change_is_made_as_a_whole_or_not_at_all(client, versions):
    """Where there is no such canary nothing is promoted; members that mean nothing here are left aside."""
    model, endpoints = versions
    path = f"/models/{model}/traffic"
    before = client.call("GET", path)

    client.call("PUT", path, 404, json={"endpoint": endpoints[0], "canary": {"endpoint": "none", "share": 0.5}})
    client.call("PUT", path, 400, json={"endpoint": endpoints[0], "canary": {"endpoint": endpoints[0], "share": 0.5}})
    assert before == client.call("GET", path)

    canary = {"endpoint": endpoints[2], "share": 0.5}
    both = client.call("PUT", path, json={"endpoint": endpoints[0], "canary": canary | {"": None}})
    assert {"endpoint": endpoints[0], "previous": endpoints[2], "canary": canary} == both


def test_the_promoted_file_is_the_models(client, versions):
    """It is what is downloaded."""
    model, endpoints = versions
    newest = client.call("GET", f"/models/{model}/download").data

    client.call("PUT", f"/models/{model}/traffic", json={"endpoint": endpoints[0]})

    assert newest != client.call("GET", f"/models/{model}/download").data


def test_what_is_known_is_not_read_again(client, versions, ask, monkeypatch):
    """A request by name, or for a version, asks the database nothing until something changes, and then it counts."""
    model, endpoints = versions
    client.call("PUT", f"/models/{model}/traffic", json={"canary": {"endpoint": endpoints[0], "share": 0.5}})
    monkeypatch.setattr(changes, "FRESH_S", 1000.0)  # that another machine changes something is not what is shown here
    read = []
    for path, expected in ((model, {1, 3}), (f"{model}/versions/{endpoints[1]}", {2})):
        asked = {ask(path) for _ in range(10)}  # the canary among them, but for once in a thousand times
        with reading(read):
            asked |= {ask(path) for _ in range(20)}
        assert expected == asked

    assert [] == read
    client.call("PUT", f"/models/{model}/traffic", json={"endpoint": endpoints[1], "canary": None})
    assert {2} == {ask(model) for _ in range(20)}
    client.call("POST", f"/models/{model}/rollback")
    assert {3} == {ask(model) for _ in range(20)}
    client.call("DELETE", f"/endpoints/{endpoints[2]}", 204)
    assert {2} == {ask(model) for _ in range(20)}
    for number in (1, 2):
        client.upload(says(number), "remembered.pmml")
        assert {number} == {ask("remembered") for _ in range(20)}
