"""Versions of a model: promoted, rolled back, tried out."""

from __future__ import annotations

import pytest
from sklearn.dummy import DummyClassifier

from handlers import services
from handlers.models.traffic import Traffic


@pytest.fixture
def versions(client):
    """A model with three endpoints, each of which has an answer of its own."""
    model = client.upload(says(1), "versions.pkl")
    more = [client.upload(says(number), "versions.pkl", f"/models/{model['id']}") for number in (2, 3)]
    return model["id"], [client.endpoint_of(model)["id"], *(endpoint["id"] for endpoint in more)]


def says(number):
    """Return a model that always says a number."""
    return DummyClassifier(strategy="constant", constant=number).fit([[0], [0]], [number, 0])


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
    client.upload(says(4), "versions.pkl", path)
    answers.append(ask(model))
    for _ in range(2):
        client.call("POST", f"{path}/rollback")
        answers.append(ask(model))

    assert [3, 1, 1, 3, 1] == answers
    traffic = client.call("GET", f"{path}/traffic")
    assert {"endpoint": endpoints[0], "previous": endpoints[2], "canary": None} == traffic


def test_a_canary_gets_its_share(client, versions):
    """As often as it is drawn; never while it is out of service, and no more once that is ended or it is promoted."""
    model, endpoints = versions
    client.call("PUT", f"/models/{model}/traffic", json={"canary": {"endpoint": endpoints[1], "share": 0.25}})
    registry = services.services().models.registry

    def picked():
        traffic = Traffic(registry, iter([0.1, 0.3, 0.24, 0.25]).__next__)
        return [traffic.pick(registry.model(model)).id for _ in range(4)]

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
    other = client.endpoint_of(client.upload(says(9), "other.pkl"))["id"]

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


def test_the_promoted_file_is_the_models(client, versions):
    """It is what is downloaded."""
    model, endpoints = versions
    newest = client.call("GET", f"/models/{model}/download").data

    client.call("PUT", f"/models/{model}/traffic", json={"endpoint": endpoints[0]})

    assert newest != client.call("GET", f"/models/{model}/download").data
