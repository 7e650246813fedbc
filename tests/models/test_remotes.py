"""Models that stand for those of other servers."""

from __future__ import annotations

import io
import json
import time
from decimal import Decimal

import pandas
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from handlers import services
from handlers.app import create_app
from handlers.errors import AddressRefused, InputInvalid, Unavailable
from handlers.files import calls
from handlers.files.remote import Remote
from handlers.jobs.orphans import named
from handlers.models.remote import MOST_HOPS, Remotes, Wish
from tests.models.peer import COLUMN, LINKS, METADATA, SCHEMA, App, ask_table

NAMES = ("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)")
VIRGINICA = dict(zip(NAMES, (6.3, 3.3, 6.0, 2.5), strict=True))


@pytest.fixture(scope="module")
def app(client, settings):
    """The app, served to whoever calls over HTTP."""
    served = App(create_app(settings))
    yield served
    served.close()


@pytest.fixture(scope="module")
def iris(client):
    """A model of this app."""
    data = load_iris(as_frame=True)
    kinds = data.target.map(dict(enumerate(data.target_names)))
    return client.upload(LogisticRegression(max_iter=500).fit(data.data, kinds), "remote-iris.pkl")


def read_csv(data):
    """Return a table."""
    return pandas.read_csv(io.BytesIO(data))


def output(data, shape=(1,), **more):
    """Return an answer with one output."""
    return {"outputs": [{"name": "y", "datatype": "FP32", "shape": list(shape), "data": data} | more]}


@pytest.fixture(params=["ops", "v2"])
def proxy(request, client, app, iris):
    """A model that stands for the real one, by each protocol."""
    url, model = (f"{app.url}/ops", iris["id"]) if request.param == "ops" else (app.url, iris["name"])
    body = {"url": url, "protocol": request.param, "model": model, "name": f"proxy-{request.param}"}
    return client.call("POST", "/remotes", 201, json=body)


def test_a_proxy_answers_as_the_model_does(client, iris, proxy):
    """It has the model's inputs, and gives its predictions and scores."""
    assert list(NAMES) == [feature["name"] for feature in proxy["input_schema"]]
    assert "in_service" == client.endpoint_of(proxy)["status"]
    assert client.predict(iris, **VIRGINICA) == client.predict(proxy, **VIRGINICA)
    assert 400 == client.raw(proxy, {"petal length (cm)": 1}).status_code


def test_a_proxy_is_asked_by_the_other_protocol_as_well(client, proxy):
    """By its name, several rows at once, with the outputs that are asked for."""
    rows = {"name": "rows", "shape": [2, 4], "datatype": "FP64", "data": [5.1, 3.5, 1.4, 0.2, *VIRGINICA.values()]}

    answer = client.client.post(f"/v2/models/{proxy['name']}/infer", json={"inputs": [rows]}).json
    described = client.client.get(f"/v2/models/{proxy['name']}").json

    assert ["setosa", "virginica"] == answer["outputs"][0]["data"]
    assert list(NAMES) == [tensor["name"] for tensor in described["inputs"]]
    assert proxy["name"] in {entry["name"] for entry in client.client.post("/v2/repository/index", json={}).json}


def test_whole_tables_are_asked(client, iris, proxy):
    """At once, and as a job of a worker; more rows than are asked for in one go."""
    table = load_iris(as_frame=True).data.to_csv(index=False).encode()
    wanted = read_csv(ask_table(client, iris, table).data)

    at_once = read_csv(ask_table(client, proxy, table).data)
    job = ask_table(client, proxy, table, 202, Prefer="respond-async")
    while job["status"] in ("scheduled", "running"):
        time.sleep(0.1)
        job = client.call("GET", f"/predictions/batch/{job['id']}")

    assert "succeeded" == job["status"], job
    later = read_csv(client.call("GET", f"/predictions/batch/{job['id']}/result").data)
    for found in (at_once, later):  # the last digits depend on how many rows are asked for together
        pandas.testing.assert_frame_equal(wanted, found)


def test_what_is_not_known_of_a_proxy_is_left_aside(client, peer):
    """As for models, whatever else the body has."""
    peer.paths["/v2/models/m"] = (200, METADATA)
    body = {"url": peer.url, "protocol": "v2", "model": "m", "team": "other", "": None}

    assert "m" == client.call("POST", "/remotes", 201, json=body)["name"]


def test_a_proxy_is_one_of_the_models(client, proxy):
    """It is listed, taken out of service, promoted, and removed; it has no file, and a backup looks for none."""
    endpoint, path = client.endpoint_of(proxy)["id"], f"/models/{proxy['id']}"
    here = services.services()

    assert proxy["id"] in {
        model["id"] for model in client.call("GET", "/models", query_string={"limit": 200})["models"]
    }
    client.call("GET", f"{path}/download", 404)
    client.call("GET", f"{path}/metadata", 404)
    client.call("PATCH", f"/endpoints/{endpoint}", json={"status": "out_of_service"})
    assert 409 == client.raw(proxy, VIRGINICA).status_code
    client.call("PATCH", f"/endpoints/{endpoint}", json={"status": "in_service"})
    assert endpoint == client.call("PUT", f"{path}/traffic", json={"endpoint": endpoint})["endpoint"]
    with here.database.read() as connection:
        assert "" not in set(named(connection, here.blobs))
    client.call("DELETE", f"/endpoints/{endpoint}", 204)
    client.call("DELETE", path, 204)
    client.call("GET", path, 404)


def test_a_model_and_its_proxy_endpoint_go_together(client, v2):
    """A model is removed with the endpoint that it has."""
    model = v2({})

    client.call("DELETE", f"/models/{model['id']}", 204)

    client.call("GET", model["links"][1]["href"], 404)


def test_values_go_out_in_the_types_of_the_other_server(client, peer, v2):
    """One tensor for each input, all known outputs asked for by name, and what comes back under our names."""
    model = v2(output([0.5]))

    answer = client.predict(model, a="7")

    assert {"y": 0.5} == answer
    sent = {"name": "a", "shape": [1, 1], "datatype": "INT64", "data": [7]}
    assert ("POST", "/v2/models/m/infer", {"inputs": [sent], "outputs": [{"name": "y"}]}) == peer.requests[-1]


def test_a_model_may_take_one_tensor_of_all_inputs(client, peer):
    """As those of Triton and MLServer do; its columns get names, and several outputs values of their own widths."""
    metadata = {"name": "t", "inputs": [{"name": "in", "datatype": "FP32", "shape": [-1, 2]}], "outputs": []}
    peer.paths["/v2/models/t"] = (200, metadata)
    outputs = [
        {"name": "predict", "datatype": "BYTES", "shape": [1, 1], "data": [["x"]]},
        {"name": "predict_proba", "datatype": "FP32", "shape": [1, 2], "data": [[0.25, 0.75]]},
    ]
    peer.paths["/v2/models/t/infer"] = (200, {"outputs": outputs})
    model = client.call("POST", "/remotes", 201, json={"url": peer.url, "protocol": "v2", "model": "t"})

    assert {"predictions": "x", "scores": [0.25, 0.75]} == client.predict(model, left=1, right=2)
    assert [{"name": "in", "shape": [1, 2], "datatype": "FP32", "data": [1.0, 2.0]}] == peer.requests[-1][2]["inputs"]


def test_rows_go_out_one_after_the_other_over_one_connection(client, peer):
    """To the newest endpoint, with the names of the other server, in its order."""
    peer.paths["/ops/models/1"] = (200, {"id": "1", "name": "o", "input_schema": SCHEMA, "links": LINKS})
    peer.paths["/ops/predictions"] = (200, {"result": {"predictions": 1}})
    model = client.call("POST", "/remotes", 201, json={"url": f"{peer.url}/ops/", "protocol": "ops", "model": "1"})
    before = peer.connections
    rows = [{"name": "b", "shape": [3], "datatype": "INT64", "data": [1, 2, 3]}]
    rows.append({"name": "a", "shape": [3], "datatype": "FP64", "data": [4, 5, 6]})

    answer = client.client.post(f"/v2/models/{model['id']}/infer", json={"inputs": rows})

    assert [1, 1, 1] == answer.json["outputs"][0]["data"]
    assert 1 == peer.connections - before
    target = [{"rel": "endpoint", "href": "/endpoints/new"}]
    parameters = [{"name": "a", "value": 4.0}, {"name": "b", "value": 1}]
    assert {"target": target, "parameters": parameters} == peer.requests[-3][2]


def test_a_server_that_is_down_is_told_as_such(client, peer, v2):
    """503 with Retry-After for a prediction; and it cannot be added: nothing is kept."""
    model = v2(output([1]))
    peer.close()
    count = client.call("GET", "/models", query_string={"total_count": "true"})["total_count"]

    answer = client.raw(model, {"a": 1})
    refused = client.call("POST", "/remotes", 422, json={"url": peer.url, "protocol": "v2", "model": "m"})

    assert (503, "1") == (answer.status_code, answer.headers["Retry-After"])
    assert "cannot be reached" in answer.json["error"]
    assert "cannot be reached" in refused["error"]
    assert count == client.call("GET", "/models", query_string={"total_count": "true"})["total_count"]


PASSED_ON = {400: 400, 404: 404, 409: 409, 418: 400, 422: 400, 429: 429}
FAILED = {302: 502, 500: 502, 503: 503, 504: 502}


@pytest.mark.parametrize(("status", "expected"), (PASSED_ON | FAILED).items())
def test_what_the_other_server_refuses_is_passed_on_in_its_words(client, v2, status, expected):
    """Its own faults are a bad gateway; what it says is cut."""
    model = v2({"detail": "No way\n" + "y" * 5000}, status)

    answer = client.raw(model, {"a": 1})

    assert expected == answer.status_code
    assert f"The other server says {status}: No way y" in answer.json["error"]
    assert len(answer.json["error"]) < 1100


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no JSON",
        b"[" * 2000,
        [],
        {},
        {"outputs": {}},
        {"outputs": []},
        {"outputs": [1]},
        output([1, 2]),
        output([1], (2,)),
        output([1], ()),
        output([1], ("1",)),
        output([1], (-1,)),
        output([{}]),
        output([[[[[[[[[[1]]]]]]]]]]),
        output(None),
        output([1], name=None),
    ],
    ids=str,
)
def test_an_answer_that_is_none_is_a_bad_gateway(client, v2, body):
    """Whatever is wrong with it."""
    model = v2(body)

    assert 502 == client.raw(model, {"a": 1}).status_code


def test_an_answer_is_bounded(client, v2, monkeypatch):
    """It may be neither too long, nor longer than it says, nor shorter."""
    monkeypatch.setattr(calls, "MOST_BYTES", 1000)
    long = json.dumps(output([1])).encode() + b" " * 1000

    assert 502 == client.raw(v2(long), {"a": 1}).status_code
    assert (
        502 == client.raw(v2(long[:100], 200, ("Content-Length", 200), ("Connection", "close")), {"a": 1}).status_code
    )
    assert 200 == client.raw(v2(long[:900]), {"a": 1}).status_code


def test_nobody_waits_longer_than_a_prediction_may_take(client, peer, v2):
    """Not for a server that is slow, either."""
    endpoint = services.services().models.registry.endpoint(client.endpoint_of(v2(30.0))["id"])
    begun = time.monotonic()

    with pytest.raises(Unavailable, match=r"within 0\.5 s"):
        services.services().models.predictor.remotes.predict(endpoint, [[1]], 0.5)

    assert time.monotonic() - begun < 2


def test_an_address_that_is_not_public_is_not_called(safe):
    """Neither as it is nor as what a name resolves to, and nobody connects; a name's address is looked up once."""
    asked, connections = [], []

    def resolve(host, port):
        asked.append(host)
        return ["10.0.0.1"]

    remotes = Remotes(Remote(resolve=resolve), safe, 1, connect=lambda *at: connections.append(at))
    for url in ("http://127.0.0.1/", "http://localhost/ops", "http://inside.example/", "http://a:b@inside.example/"):
        for protocol in ("ops", "v2"):
            with pytest.raises(AddressRefused):
                remotes.read(Wish(url=url, protocol=protocol, model="m"), None)

    assert ["inside.example"] * 2 == asked
    assert [] == connections


def test_the_address_that_was_judged_is_the_one_that_is_called(peer, safe):
    """What a name resolves to the next moment counts for nothing."""
    peer.paths["/v2/models/m"] = (200, METADATA)
    answers, connections = iter([["93.184.216.34"], ["10.0.0.1"]]), []

    def connect(address, timeout_s):
        connections.append(address)
        raise ConnectionRefusedError

    remotes = Remotes(Remote(resolve=lambda *_: next(answers)), safe, 1, connect=connect)
    with pytest.raises(Unavailable):
        remotes.read(Wish(url="http://name.example", protocol="v2", model="m"), None)

    assert [("93.184.216.34", 80)] == connections


@pytest.mark.parametrize(
    ("protocol", "said"),
    [
        ("v2", {"inputs": 1}),
        ("v2", {"inputs": [1]}),
        ("v2", {"inputs": [COLUMN | {"datatype": "COMPLEX"}]}),
        ("v2", {"inputs": [COLUMN | {"shape": ["a"]}]}),
        ("v2", {"inputs": [COLUMN, COLUMN | {"shape": [-1, 3]}]}),
        ("v2", {"inputs": [COLUMN | {"name": "\0"}]}),
        ("v2", {"name": "m", "outputs": [COLUMN | {"name": "\0"}]}),
        ("v2", b"no JSON"),
        ("ops", {"links": []}),
        ("ops", {"links": 1}),
        ("ops", {"links": LINKS, "input_schema": [{"name": "a"}]}),
        ("ops", {"links": LINKS, "input_schema": [{"name": 1, "order": 0, "type": "int"}]}),
        ("ops", {"links": LINKS, "input_schema": {"a": 1}}),
    ],
)
def test_a_model_that_is_not_understood_is_not_added(client, peer, protocol, said):
    """422 with a reason."""
    peer.paths |= {"/v2/models/m": (200, said), "/models/m": (200, said)}

    refused = client.call("POST", "/remotes", 422, json={"url": peer.url, "protocol": protocol, "model": "m"})

    assert refused["error"].startswith("The model cannot be added: ")


@pytest.mark.parametrize("url", ["", "http://h/?a", "http://h/#a", "http://" + "h" * 2048])
def test_an_address_that_is_none_is_refused(client, url):
    """400; and one that may not be called 403."""
    client.call("POST", "/remotes", 400, json={"url": url, "protocol": "v2", "model": "m"})
    client.call("POST", "/remotes", 403, json={"url": "http://10.0.0.1", "protocol": "v2", "model": "m"})


def test_what_is_absent_is_not_sent_as_a_tensor(client, v2):
    """A tensor of JSON has no word for it."""
    answer = ask_table(client, v2(output([1])), b'a\n1\n""\n', 400)

    assert "row 2" in answer["error"]


def test_models_that_stand_for_each_other_are_no_end(client, app, monkeypatch):
    """Here one by the name that it has itself: the question is passed on a few times, and no more."""
    client.upload(LogisticRegression().fit([[0], [1]], [0, 1]), "circle.pkl")
    wish = {"url": app.url, "protocol": "v2", "model": "circle"}
    model = client.call("POST", "/remotes", 201, json=wish)
    asked, serve = [], app.server.app
    monkeypatch.setattr(app.server, "app", lambda env, start: asked.append(env["PATH_INFO"]) or serve(env, start))

    answer = client.predict(model, 502, x0=1)

    assert "these models ask each other" in answer["error"]
    assert MOST_HOPS == len([path for path in asked if path.endswith("/infer")])


@pytest.mark.parametrize("value", [Decimal("1.5"), float("nan"), float("inf"), None])
@pytest.mark.parametrize("protocol", ["ops", "v2"])
def test_a_value_that_json_does_not_have_is_refused(client, peer, protocol, value):
    """Models that do not say what they take get what tables hold; an absent one is left out where that can be said."""
    peer.paths |= {"/v2/models/m": (200, {"name": "m"}), "/models/m": (200, {"links": LINKS})}
    peer.paths |= {"/predictions": (200, {"result": {}})}
    model = client.call("POST", "/remotes", 201, json={"url": peer.url, "protocol": protocol, "model": "m"})
    remotes = services.services().models.predictor.remotes
    endpoint = services.services().models.registry.endpoint(client.endpoint_of(model)["id"])

    if (protocol, value) == ("ops", None):
        assert [{}] == remotes.predict(endpoint, [[1, value]], 1)
        assert [{"name": "x0", "value": 1}] == peer.requests[-1][2]["parameters"]
        return
    with pytest.raises(InputInvalid):
        remotes.predict(endpoint, [[1, value]], 1)
