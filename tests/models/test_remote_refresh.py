"""Models of other servers that become others: what is known of them follows."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from sklearn.linear_model import LogisticRegression
from sqlalchemy import update

from handlers import services
from handlers.app import create_app
from handlers.models.registry import ENDPOINTS
from handlers.storage.sql import now
from tests.models.peer import COLUMN, LINKS, METADATA, SCHEMA, App, ask_table

OUTPUT = {"outputs": [{"name": "y", "datatype": "FP32", "shape": [1], "data": [1]}]}
SECOND = COLUMN | {"name": "b", "datatype": "FP64"}
CHANGED = METADATA | {"inputs": [COLUMN, SECOND]}
REFUSAL = {"error": "expected 2 inputs"}


@pytest.fixture
def model(client, peer):
    """A model of the peer that has been known for long."""
    peer.paths |= {"/v2/models/m": (200, METADATA), "/v2/models/m/infer": (200, OUTPUT)}
    found = client.call("POST", "/remotes", 201, json={"url": peer.url, "protocol": "v2", "model": "m"})
    age(client, found, 600)
    return found


def age(client, model, seconds):
    """Have it be so long ago that the other server was asked what its model is."""
    here, endpoint = services.services(), client.endpoint_of(model)["id"]
    with here.models.registry.writing() as connection:
        change = update(ENDPOINTS).where(ENDPOINTS.c.id == endpoint).values(looked=now() - timedelta(seconds=seconds))
        connection.execute(change)


def names_of(client, model):
    """Return the inputs of a model, as each API tells them."""
    path = f"/models/{model['id']}"
    listed = [feature["name"] for feature in client.call("GET", path)["input_schema"]]
    tensors = [tensor["name"] for tensor in client.client.get(f"/v2{path}").json["inputs"]]
    endpoint = client.endpoint_of(model)["id"]
    document = client.call("GET", f"/endpoints/{endpoint}/openapi.json")
    body = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert listed == tensors == list(body["properties"])
    return listed


def looks(peer):
    """Return how often the peer was asked what its model is."""
    return [path for _, path, _ in peer.requests].count("/v2/models/m")


def test_a_model_is_read_again_when_somebody_asks_for_it(client, peer, model):
    """At once, each time; all that is told of its inputs and outputs follows, its name does not."""
    peer.paths["/v2/models/m"] = (200, CHANGED | {"name": "another", "outputs": []})

    found = client.call("POST", f"/models/{model['id']}/refresh")
    client.call("POST", f"/models/{model['id']}/refresh")

    assert ["a", "b"] == names_of(client, model)
    assert ("m", None) == (found["name"], found.get("output_schema"))
    assert 3 == looks(peer)
    assert {"y": 1} == client.predict(model, a=1, b=2.5)


def test_a_model_without_another_server_is_not_read(client):
    """A file here is what it is: 409; and none at all is a 404."""
    own = client.upload(LogisticRegression().fit([[0], [1]], [0, 1]), "own.pkl")

    assert "not one of another server" in client.call("POST", f"/models/{own['id']}/refresh", 409)["error"]
    client.call("POST", "/models/none/refresh", 404)


def test_what_its_owner_says_of_a_model_stays(client, peer, model):
    """Names that were given here are not those of the other server; what is its is followed."""
    declared = [{"name": "ours", "order": 0, "type": "int"}]
    client.call("PATCH", f"/models/{model['id']}", json={"input_schema": declared})
    outputs = [{"name": "z", "datatype": "BYTES", "shape": [-1]}]
    peer.paths["/v2/models/m"] = (200, METADATA | {"outputs": outputs})

    found = client.call("POST", f"/models/{model['id']}/refresh")

    assert (declared, {"z": {"type": "string"}}) == (found["input_schema"], found["output_schema"])
    assert {"y": 1} == client.predict(model, ours=1)


def test_a_model_with_a_file_of_ours_keeps_its_schema(client, peer, model):
    """What it takes is said for all of its endpoints; only the one that asks the other server follows that."""
    client.upload(LogisticRegression().fit([[0], [1]], [0, 1]), "own.pkl", f"/models/{model['id']}")
    peer.paths["/v2/models/m"] = (200, CHANGED)

    found = client.call("POST", f"/models/{model['id']}/refresh")

    assert ["a"] == [feature["name"] for feature in found["input_schema"]]
    assert {"y": 1} == client.predict(model, a=1, b=2)


@pytest.mark.parametrize("status", [400, 404, 409, 422])
def test_a_refused_input_has_the_model_read_again(client, peer, model, status):
    """And asked once more, with what it takes now: who asks notices nothing."""

    def change():
        peer.paths["/v2/models/m/infer"] = (200, OUTPUT)
        return REFUSAL

    peer.paths |= {"/v2/models/m": (200, METADATA | {"outputs": []}), "/v2/models/m/infer": (status, change)}

    assert {"y": 1} == client.predict(model, a=1)
    assert "outputs" in peer.requests[-3][2]
    assert "outputs" not in peer.requests[-1][2]


def test_an_input_that_is_not_known_here_has_the_model_read_again(client, peer, model):
    """As who asks may know better; the same for rows of a table, and of the other protocol."""
    peer.paths["/v2/models/m"] = (200, CHANGED)

    assert {"y": 1} == client.predict(model, a=1, b=2)
    age(client, model, 600)
    peer.paths["/v2/models/m"] = (200, METADATA)
    sent = [{"name": "a", "shape": [1, 1], "datatype": "INT64", "data": [1]}]
    assert 200 == client.client.post(f"/v2/models/{model['id']}/infer", json={"inputs": sent}).status_code
    age(client, model, 600)
    peer.paths["/v2/models/m"] = (200, METADATA | {"inputs": [SECOND]})
    ask_table(client, model, b"b\n2\n")
    assert [("b", [2.0])] == [(one["name"], one["data"]) for one in peer.requests[-1][2]["inputs"]]


@pytest.mark.long
def test_a_model_may_change_in_the_middle_of_a_table(client, peer):
    """The rows that are left go out as it takes them then: each value stays with its name."""
    first = {"id": "1", "name": "o", "input_schema": SCHEMA, "links": LINKS}
    turned = [one | {"order": 3 - one["order"]} for one in SCHEMA]
    peer.paths |= {"/models/1": (200, first), "/predictions": (200, {"result": {"y": 1}})}
    model = client.call("POST", "/remotes", 201, json={"url": peer.url, "protocol": "ops", "model": "1"})

    def change():
        if len(peer.requests) == 10:
            peer.paths["/models/1"] = (200, first | {"input_schema": turned})
            age(client, model, 3601)
        return {"result": {"y": 1}}

    peer.paths["/predictions"] = (200, change)
    rows = "".join(f"{number}.5,{number}\n" for number in range(100))
    ask_table(client, model, b"a,b\n" + rows.encode())

    sent = [body["parameters"] for _, path, body in peer.requests if path == "/predictions"]
    assert [[("a", 0.5), ("b", 0)], [("b", 99), ("a", 99.5)]] == [
        [(one["name"], one["value"]) for one in parameters] for parameters in (sent[0], sent[-1])
    ]
    assert [number for number in range(100)] == sorted(
        one["value"] for row in sent for one in row if one["name"] == "b"
    )


def test_a_server_is_not_asked_again_for_each_refusal(client, peer, model):
    """Once in a minute is enough, however many inputs are refused, and whatever comes of it."""
    peer.paths["/v2/models/m/infer"] = (400, REFUSAL)

    for _ in range(5):
        client.predict(model, 400, a=1)
        client.predict(model, 400, unknown=1)

    assert 2 == looks(peer)
    for answer in ((500, {}), (200, b"no JSON"), (200, {"inputs": 1}), (401, {})):
        peer.paths["/v2/models/m"] = answer
        age(client, model, 600)
        for _ in range(3):
            assert "expected 2 inputs" in client.predict(model, 400, a=1)["error"]
    assert 6 == looks(peer)


def test_what_is_old_is_read_again(client, peer, model, monkeypatch):
    """Before it is asked, once in an hour."""
    peer.paths["/v2/models/m"] = (200, METADATA | {"outputs": []})
    client.predict(model, a=1)
    assert 1 == looks(peer)
    age(client, model, 3601)

    for _ in range(3):
        client.predict(model, a=1)

    assert 2 == looks(peer)
    assert "outputs" not in peer.requests[-1][2]


@pytest.mark.parametrize("answer", [(500, {}), (404, {}), (200, {"inputs": [1]}), (200, b""), (200, 3.0)], ids=str)
def test_what_is_known_stays_while_the_other_server_is_away(client, peer, model, answer, caplog):
    """An old model is asked as it was known, in the time that is left; why it was not read is logged."""
    caplog.set_level(logging.WARNING)
    age(client, model, 3601)
    peer.paths["/v2/models/m"] = answer
    endpoint = services.services().models.registry.endpoint(client.endpoint_of(model)["id"])

    assert services.services().models.proxies.renew(endpoint, 3600, 0.5) is False
    assert {"y": 1} == client.predict(model, a=1)
    assert ["a"] == names_of(client, model)
    assert f"endpoint {endpoint.id} is cannot be read again" in caplog.text


@pytest.mark.parametrize(
    ("answer", "expected"),
    [((500, {}), 502), ((200, b""), 502), ((503, {}), 503), ((404, {}), 422), ((200, {"inputs": [1]}), 422)],
)
def test_who_asks_for_it_is_told_why_it_cannot_be_read(client, peer, model, answer, expected):
    """And what is known stays; that of a server that is down as well."""
    peer.paths["/v2/models/m"] = answer
    path = f"/models/{model['id']}/refresh"

    client.call("POST", path, expected)
    peer.close()

    assert "cannot be reached" in client.call("POST", path, 503)["error"]
    assert ["a"] == names_of(client, model)


def test_many_who_notice_together_ask_once(client, peer, model):
    """Of all processes and machines one is let through; the others see what it brings with their next request."""
    here = services.services().models
    endpoint = here.registry.endpoint(client.endpoint_of(model)["id"])
    peer.paths["/v2/models/m"] = (200, CHANGED)

    assert [True, False, False] == [here.proxies.renew(endpoint, 60, 5) for _ in range(3)]
    assert 2 == looks(peer)


def test_a_model_that_was_added_before_this_was_noted_is_still_asked(client, peer, model):
    """Where its server does not say any more what it is called there, it is not read again: 409."""
    here, endpoint = services.services(), client.endpoint_of(model)["id"]
    known = dict(here.models.registry.endpoint(endpoint).known)
    known["remote"] = {name: value for name, value in known["remote"].items() if name not in ("server", "model")}
    with here.models.registry.writing() as connection:
        change = {"known": known, "looked": None}
        connection.execute(update(ENDPOINTS).where(ENDPOINTS.c.id == endpoint).values(**change))

    assert {"y": 1} == client.predict(model, a=1)
    client.call("POST", f"/models/{model['id']}/refresh", 409)
    assert 1 == looks(peer)


@pytest.mark.long
def test_a_model_of_ours_elsewhere_gets_a_new_endpoint(client, settings):
    """By the Open Prediction Service the newest one is asked: when the old one is gone, the new one is found."""
    there = App(create_app(settings))
    original = client.upload(LogisticRegression().fit([[0], [1]], [0, 1]), "renewed.pkl")
    old = client.endpoint_of(original)["id"]
    wish = {"url": f"{there.url}/ops", "protocol": "ops", "model": original["id"], "name": "proxy"}
    proxy = client.call("POST", "/remotes", 201, json=wish)
    age(client, proxy, 600)

    client.upload(LogisticRegression().fit([[0], [1]], [5, 6]), "renewed.pkl", f"/models/{original['id']}")
    client.call("DELETE", f"/endpoints/{old}", 204)
    answer = client.predict(proxy, x0=1)
    there.close()

    assert 6 == answer["predictions"]
