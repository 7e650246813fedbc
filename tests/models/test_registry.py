"""Models and endpoints: what is kept of them, how they are listed, changed and removed."""

from __future__ import annotations

import time

import pytest
from sklearn.linear_model import LinearRegression
from sqlalchemy import update

from handlers.app import create_app
from handlers.models.capabilities import capabilities
from handlers.models.registry import ENDPOINTS
from handlers.models.tables import CHOSEN, State
from tests.jobs.conftest import eventually

SCHEMA = [{"name": "a", "order": 1, "type": "double"}, {"name": "b", "order": 0, "type": "int"}]


@pytest.fixture(scope="module")
def trained():
    """A model that knows no names: three times the first input, and the second."""
    return LinearRegression().fit([[0, 0], [1, 0], [0, 1], [1, 1]], [0, 3, 1, 4])


@pytest.fixture(scope="module")
def described(client, trained):
    """A model whose inputs were described before its file came."""
    model = add(client, input_schema=SCHEMA)
    client.upload(trained, path=f"/models/{model['id']}")
    return client.call("GET", f"/models/{model['id']}")


def add(client, **more):
    """Add a model without a file."""
    return client.call("POST", "/models", 201, json={"name": "m", **more})


def test_what_is_added_is_kept_and_nulls_are_left_out(client):
    """A model comes back as it was given; members that are null or absent are left out, never null."""
    given = {"name": "risk", "input_schema": SCHEMA, "output_schema": SCHEMA, "metadata": {"description": "d", "x": 1}}

    model = add(client, **given, version=None)

    assert given.items() <= model.items()
    assert "v1" == model["version"]
    assert model == client.call("GET", f"/models/{model['id']}")
    assert model == client.call("GET", model["links"][0]["href"])
    assert None not in add(client, metadata=None, input_schema=None).values()


def test_links_that_were_given_come_after_ours(client):
    """Links of the server's own kinds are written by the server; others are kept."""
    more = {"rel": "docs", "href": "https://docs.example"}

    model = add(client, links=[{"rel": "self", "href": "https://evil.example"}, more])

    assert ["self", "docs"] == [link["rel"] for link in model["links"]]
    assert more == model["links"][1]
    assert model["links"][0]["href"].endswith(f"/ops/models/{model['id']}")


def test_a_change_replaces_merges_and_takes_away(client):
    """What is absent stays, metadata are merged, null takes away, and the time of the change moves."""
    model = add(client, metadata={"a": 1, "b": 2}, version="v1", output_schema={"y": {}})

    changed = client.call(
        "PATCH",
        f"/models/{model['id']}",
        json={"version": None, "metadata": {"b": None, "c": 3}, "input_schema": SCHEMA},
    )

    assert "version" not in changed
    assert {"a": 1, "c": 3} == changed["metadata"]
    assert SCHEMA == changed["input_schema"]
    assert {"y": {}} == changed["output_schema"]
    assert changed["modified_at"] > model["modified_at"]
    assert changed["created_at"] == model["created_at"]


def test_pages_are_in_order_and_counted_when_asked(client):
    """The oldest comes first; pages join without gaps; a page beyond the end is empty; outside the range is a 422."""
    before = client.call("GET", "/models?total_count=true")["total_count"]
    added = [add(client, name=str(number))["id"] for number in range(5)]

    pages = [client.call("GET", f"/models?limit=2&offset={before + start}") for start in (0, 2, 4, 6)]

    assert added == [model["id"] for page in pages for model in page["models"]]
    assert [0] * 4 == [page["total_count"] for page in pages]
    assert before + 5 == client.call("GET", "/models?total_count=true")["total_count"]
    for wrong in ("limit=0", "limit=201", "limit=-1", "offset=-1", "limit=99999999999999999999", "offset=99999999999"):
        for kind in ("models", "endpoints"):
            assert client.call("GET", f"/{kind}?{wrong}", 422)["error"]


@pytest.mark.parametrize(("said", "counts"), [("True", True), ("1", True), ("false", False), ("0", False)])
def test_counting_is_asked_for_in_the_spellings_of_all_clients(client, said, counts):
    """The reference server takes numbers, and clients send them; other numbers and words are refused."""
    add(client)

    for kind in ("models", "endpoints"):
        there = client.call("GET", f"/{kind}?total_count=true")["total_count"]
        assert there * counts == client.call("GET", f"/{kind}?total_count={said}")["total_count"]
        for wrong in ("2", "-1", "yes", ""):
            client.call("GET", f"/{kind}?total_count={wrong}", 400)


@pytest.mark.parametrize("strange", ["nothing", "7", "x" * 500, "%00", "%F0%9F%90%9F", "..", "a%20b", "%27--"])
def test_an_id_that_does_not_exist_is_a_404_whatever_its_form(client, strange):
    """Every address with an id that is none answers 404, with a problem that has `error`."""
    for kind in ("models", "endpoints"):
        for verb in ("GET", "DELETE"):
            assert client.call(verb, f"/{kind}/{strange}", 404)["error"]
        client.call("PATCH", f"/{kind}/{strange}", 404, json={})
    for path in (f"/models/{strange}/download", f"/models/{strange}/metadata", f"/endpoints?model_id={strange}"):
        client.call("GET", path, 404)
    client.upload(b"x", path=f"/models/{strange}", expect=404)
    if strange != "..":
        body = {"target": [{"rel": "endpoint", "href": f"/endpoints/{strange}"}], "parameters": []}
        client.call("POST", "/predictions", 404, json=body)


def test_a_model_has_as_many_endpoints_as_were_uploaded(client, trained):
    """Each upload adds an endpoint with a copy of the metadata; links and the list by model name them all."""
    model = add(client, input_schema=SCHEMA, metadata={"description": "d"})
    assert [] == client.call("GET", f"/endpoints?model_id={model['id']}")["endpoints"]
    client.call("GET", f"/models/{model['id']}/download", 404)
    client.call("GET", f"/models/{model['id']}/metadata", 404)

    first, second = (client.upload(trained, path=f"/models/{model['id']}") for _ in range(2))
    listed = client.call("GET", f"/endpoints?model_id={model['id']}&total_count=true")
    links = client.call("GET", f"/models/{model['id']}")["links"]

    assert [first, second] == listed["endpoints"]
    assert 2 == listed["total_count"]
    assert [first["links"][0]["href"], second["links"][0]["href"]] == [one["href"] for one in links[1:]]
    assert {"rel": "model", "href": links[0]["href"]} == first["links"][1]
    assert {"description": "d"} == first["metadata"]

    client.call("DELETE", f"/endpoints/{second['id']}", 204)
    client.call("DELETE", f"/endpoints/{second['id']}", 404)
    assert 2 == len(client.call("GET", f"/models/{model['id']}")["links"])
    client.call("DELETE", f"/models/{model['id']}", 204)
    client.call("GET", f"/endpoints/{first['id']}", 404)


def test_parameters_are_matched_by_name_and_order(client, described):
    """The owner's schema says which input is which: by name, in its order, whatever order they come in."""
    assert pytest.approx(3 * 5 + 2) == client.predict(described, a="2", b=5)["predictions"]
    assert pytest.approx(3 * 5 + 2) == client.predict(described, b=5.0, a=2)["predictions"]


def test_inputs_can_be_renamed_while_the_model_serves(client, trained):
    """After the schema was replaced its new names count, and those that were made up before are unknown."""
    model = client.upload(trained, input_data_structure="DataFrame")
    assert pytest.approx(3 * 5 + 2) == client.predict(model, x0=5, x1=2)["predictions"]

    client.call("PATCH", f"/models/{model['id']}", json={"input_schema": SCHEMA})

    assert pytest.approx(3 * 5 + 2) == client.predict(model, a=2, b=5)["predictions"]
    client.predict(model, expect=400, x0=5, x1=2)


@pytest.mark.parametrize(
    ("parameters", "place", "words"),
    [
        ([("a", 1)], "/parameters", "'b'"),
        ([("a", 1), ("b", 2), ("c", 3)], "/parameters/2/name", "'c'"),
        ([("a", 1), ("a", 2)], "/parameters/1/name", "'a' comes twice"),
        ([("a", "much"), ("b", 2)], "/parameters/0/value", "'a' needs a number"),
        ([("a", 1), ("b", 2.5)], "/parameters/1/value", "'b' needs a whole number"),
        ([("a", 1), ("b", 1 << 70)], "/parameters/1/value", "'b' needs a whole number"),
        ([("a", "nan"), ("b", 1)], "/parameters", "NaN"),
    ],
)
def test_a_wrong_input_is_named(client, described, parameters, place, words):
    """An input that is missing, unknown, twice there, of the wrong type or not liked is a 400 that names it."""
    endpoint = client.endpoint_of(described)
    body = {
        "target": [{**endpoint["links"][0], "rel": "endpoint"}],
        "parameters": [{"name": name, "value": value} for name, value in parameters],
    }

    problem = client.call("POST", "/predictions", 400, json=body)

    assert place in [fault["place"] for fault in problem["errors"]]
    assert words in str(problem["errors"])


def test_addresses_of_endpoints_may_be_short_or_whole(client, described):
    """The target is taken as the endpoint's own link, with any scheme and host, or as a path; nothing else is."""
    whole = described["links"][1]["href"]
    name = whole.rpartition("/")[2]
    parameters = [{"name": "a", "value": 1}, {"name": "b", "value": 1}]

    def ask(*hrefs, rel="endpoint"):
        target = [{"rel": rel, "href": href} for href in hrefs]
        return client.client.post("/ops/predictions", json={"target": target, "parameters": parameters}).status_code

    for href in (whole, f"/endpoints/{name}", f"http://any.host/endpoints/{name}", f"ops:///endpoints/{name}"):
        assert 200 == ask(href), href
    for href in (f"endpoints/{name}", name, f"/v2/endpoints/{name}", f"{whole}/", f"{whole}?x=1", f"/models/{name}"):
        assert 400 == ask(href), href
    assert 400 == ask(whole, whole)
    assert 400 == ask(whole, rel="model")


def test_a_link_behind_a_proxy_is_taken_as_it_was_given(described, settings):
    """Where clients see this server below a path, so do its links, and what is given out is taken back."""
    seen = create_app(settings.model_copy(update={"public_url": "https://data.example/pre/fix"})).test_client()
    target = [link for link in seen.get(f"/ops/models/{described['id']}").json["links"] if link["rel"] == "endpoint"]
    parameters = [{"name": "a", "value": 1}, {"name": "b", "value": 1}]

    answer = seen.post("/ops/predictions", json={"target": target, "parameters": parameters})

    assert target[0]["href"].startswith("https://data.example/pre/fix/ops/endpoints/")
    assert 200 == answer.status_code


def test_an_endpoint_goes_in_and_out_of_service(client, trained):
    """Out of service it answers 409; in service it predicts again; states of the server's own change nothing."""
    model = client.upload(trained)
    endpoint = client.endpoint_of(model)
    values = {"x0": 1, "x1": 1}

    def change(**wish):
        return client.call("PATCH", f"/endpoints/{endpoint['id']}", json=wish)

    assert "out_of_service" == change(status="out_of_service", name="n", metadata={"k": "v"})["status"]
    client.predict(model, expect=409, **values)
    assert "out_of_service" == change(status="creating")["status"]
    changed = change(status="in_service")
    assert ("n", {"k": "v"}) == (changed["name"], changed["metadata"])
    assert client.predict(model, **values)


@pytest.fixture(scope="module")
def placed(client, here, trained):
    """Puts an endpoint into a state, and asks for another one; returns the answer's status, and state and name then."""
    endpoint = client.endpoint_of(client.upload(trained))["id"]

    def place(state, wanted):
        with here.database.write() as connection:
            connection.execute(update(ENDPOINTS).where(ENDPOINTS.c.id == endpoint).values(status=state, name="before"))
        body = {"status": wanted, "name": "after"}
        answer = client.client.patch(f"/ops/endpoints/{endpoint}", json=body)
        found = client.call("GET", f"/endpoints/{endpoint}")
        return answer.status_code, found["status"], found["name"]

    return place


@pytest.mark.parametrize("wanted", [*State, "updating", "rolling_back", "deleting"])
@pytest.mark.parametrize("state", State)
def test_each_change_of_state_takes_effect_or_does_not(placed, state, wanted):
    """Between those that are the owner's to choose it does; others of the server's own change nothing.

    What was not loaded cannot be put into service, nor out of it: nothing of such a request is done.
    """
    found = placed(state, wanted)

    if wanted in CHOSEN and state in CHOSEN:
        assert (200, wanted, "after") == found
    elif wanted in CHOSEN:
        assert (409, state, "before") == found
    else:
        assert (200, state, "after") == found


def test_a_state_that_is_none_is_refused(client, described):
    """It breaks the document."""
    endpoint = client.endpoint_of(described)["id"]

    refused = client.call("PATCH", f"/endpoints/{endpoint}", 400, json={"status": "asleep"})

    assert "/status" == refused["errors"][0]["place"]


def test_the_file_comes_back_byte_for_byte(client, trained):
    """The download is what was uploaded, under a name that can leave no folder."""
    import pickle

    data = pickle.dumps(trained)
    model = client.upload(data, "../../etc/evil ü.pkl")

    answer = client.client.get(f"/ops/models/{model['id']}/download")

    assert data == answer.data
    assert "application/octet-stream" == answer.content_type
    assert str(len(data)) == answer.headers["Content-Length"]
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="evil _.pickle"; filename*=UTF-8')


def test_uploads_of_real_clients_are_taken(client, trained):
    """Extra text parts, any order of parts, an empty file name and a name in another part are all in use."""
    model = add(client)
    extra = {"fileContentType": "x/y", "fileContentLength": "-1", "format": "pickle"}

    assert client.upload(trained, "", f"/models/{model['id']}", **extra)["status"] == "in_service"
    assert "named" == client.upload(trained, "", fileName="named.pkl", **extra)["name"]


def test_what_is_turned_off_is_not_there(here, settings):
    """Without `manage` nothing of it is served, in the document or at its addresses, and capabilities say so."""
    changed = settings.model_copy(update={"ops_capabilities": "info,discover,run"})
    client = create_app(changed).test_client()

    assert {"capabilities": ["info", "discover", "run"]} == capabilities(changed)
    for verb, path in (("POST", "upload"), ("POST", "models"), ("PATCH", "models/x"), ("GET", "models/x/download")):
        assert 404 == client.open(f"/ops/{path}", method=verb).status_code, path
    served = client.get("/openapi/ops.json").json["paths"]
    assert {"get"} == served["/models"].keys() & {"get", "post"}
    assert "/upload" not in served
    assert ["info", "discover", "run"] == [tag["name"] for tag in client.get("/openapi/ops.json").json["tags"]]
    assert 200 == client.get("/ops/models").status_code


def test_managing_needs_a_token(here, settings):
    """Unless the settings open it, each operation that changes something asks for a token."""
    client = create_app(settings.model_copy(update={"manage_open": False})).test_client()

    assert 401 == client.post("/ops/models", json={"name": "m"}).status_code
    assert 401 == client.delete("/ops/models/x").status_code
    assert 200 == client.get("/ops/info").status_code


def test_capabilities_and_information(client):
    """Formats and structures stand under both spellings; the libraries of models are named with their versions."""
    told = client.call("GET", "/capabilities")

    assert told["managed_capabilities"]["supported_binary_format"] == told["manage_capabilities"]["supported_format"]
    assert "ok" == client.call("GET", "/info")["status"]
    assert "scikit-learn" in client.call("GET", "/info")["info"]["libraries"]


def test_an_endpoint_whose_job_was_lost_has_failed(client, here, trained):
    """A job that ends without a word, as when its worker keeps dying, leaves no endpoint that is created for ever."""
    model = client.upload(trained)
    endpoint = here.models.registry.newest(here.models.registry.model(model["id"]))
    job = here.jobs.submit("unknown", endpoint.id, {}, owner=None)
    eventually(lambda: here.jobs.read(job.id).ended)
    with here.database.write() as connection:
        row = ENDPOINTS.c.id == endpoint.id
        connection.execute(update(ENDPOINTS).where(row).values(status="creating", job=job.id, problem=None))

    found = client.endpoint_of(model)
    assert "failed" == found["status"]
    assert "knows no jobs" in found["problem"]
    time.sleep(1.1)
    assert "knows no jobs" in client.predict(model, expect=409, x0=1, x1=1)["detail"]
