"""The OpenAPI document of an endpoint, the operation that it describes, and its page."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pandas
import pytest
from openapi_spec_validator import OpenAPIV30SpecValidator
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression

from handlers.models.document import document
from handlers.models.records import Endpoint, Model
from handlers.models.tables import State

URL = "https://sea.example/ops/endpoints/1"
HOSTILE = ["$ref", "__proto__", "a/b~c", "<img src=x onerror=alert(1)>", "[x](javascript:alert(1))", "", "ключ", "\n"]
FLOWER = {"sepal length (cm)": 6.3, "sepal width (cm)": 2.8, "petal length (cm)": 5.1, "petal width (cm)": 1.5}


@pytest.fixture(scope="module")
def regression(client, flowers):
    """An endpoint that knows the names of its inputs."""
    rows, kinds = flowers
    model = client.upload(LinearRegression().fit(rows, kinds), "flowers.pkl")
    return model, client.endpoint_of(model)["id"]


def made(features=None, *, declared=None, gives=None, named=True, **about):
    """Return the document of an endpoint whose file says *features*, and whose owner says *declared* and *gives*."""
    when = datetime(2026, 11, 26, tzinfo=UTC)
    both = {"links": None, "about": about or None}
    known = {"features": features, "named": named} if features is not None else {}
    model = Model(
        id="2", name="m", version=None, input_schema=declared, output_schema=gives, created=when, modified=when, **both
    )
    endpoint = Endpoint(
        id="1", model="2", name="m", status=State.IN_SERVICE, deployed=when, format="pickle", takes="", gives="",
        blob="", size=0, sha256="", known=known, problem=None, job=None, **both,
    )  # fmt: skip
    found = document(endpoint, model, URL)
    OpenAPIV30SpecValidator(found).validate()
    return found


def body_of(found):
    """Return the schema of what the operation takes."""
    return found["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["schema"]


def result_of(found):
    """Return the schema of what the operation answers."""
    answer = found["paths"]["/predict"]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
    return answer["properties"]["result"]


def example_of(found):
    """Return the object that a form is filled with."""
    return {name: one["example"] for name, one in body_of(found)["properties"].items()}


def test_what_the_document_describes_is_answered(client, regression):
    """Its address with its example, and with real values the same as `/predictions` says."""
    model, endpoint = regression

    found = client.call("GET", f"/endpoints/{endpoint}/openapi.json")
    OpenAPIV30SpecValidator(found).validate()
    (path,) = found["paths"]
    address = urlsplit(found["servers"][0]["url"] + path).path

    by_example, by_hand = (client.client.post(address, json=body) for body in (example_of(found), FLOWER))
    assert (200, 200) == (by_example.status_code, by_hand.status_code)
    assert list(FLOWER) == list(body_of(found)["properties"]) == body_of(found)["required"]
    assert {"result": client.predict(model, **FLOWER)} == by_hand.json


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({**FLOWER, "sepal width (cm)": "wide"}, "/sepal width (cm)"),
        ({**FLOWER, "a/b~": 1}, "/a~1b~0"),
        ({"sepal width (cm)": 1}, ""),
        ({**FLOWER, "sepal width (cm)": None}, "/sepal width (cm)"),
        ([FLOWER], ""),
    ],
)
def test_a_fault_names_the_member(client, regression, body, place):
    """And not a place in a list that the caller has never sent."""
    answer = client.call("POST", f"/endpoints/{regression[1]}/predict", 400, json=body)

    assert place in [fault["place"] for fault in answer["errors"]], answer


def test_what_is_not_there_has_no_document(client):
    """Neither document nor page nor predictions."""
    for verb, path in (("GET", "openapi.json"), ("GET", "docs"), ("POST", "predict")):
        client.call(verb, f"/endpoints/none/{path}", 404, **({"json": {}} if verb == "POST" else {}))


def test_the_page_loads_nothing_from_elsewhere(client, regression):
    """All that it refers to is served here, with the policy of the other pages; the name is text."""
    endpoint = regression[1]
    client.call("PATCH", f"/endpoints/{endpoint}", json={"name": "</title><script>alert(1)</script>"})

    page = client.client.get(f"/ops/endpoints/{endpoint}/docs")

    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    assert "<script>" not in page.text
    links = re.findall(r'(?:src|href|data-document)="([^"]+)"', page.text)
    assert "openapi.json" in links
    for link in links:
        path = f"/ops/endpoints/{endpoint}/{link}" if link == "openapi.json" else link.replace("../../../", "/")
        with client.client.get(path) as answer:
            assert 200 == answer.status_code, path


def test_names_of_strangers_stay_names(client):
    """References, prototypes, markup, nothing at all: each is a member, and can be sent as one."""
    rows = pandas.DataFrame([[0.0] * len(HOSTILE), [1.0] * len(HOSTILE)], columns=HOSTILE)
    model = client.upload(DummyClassifier(strategy="constant", constant=1).fit(rows, [0, 1]), "hostile.pkl")
    path = f"/endpoints/{client.endpoint_of(model)['id']}"
    client.call("PATCH", f"/models/{model['id']}", json={"input_schema": declared(HOSTILE)})

    found = client.call("GET", f"{path}/openapi.json")

    OpenAPIV30SpecValidator(found).validate()
    assert HOSTILE == list(body_of(found)["properties"])
    assert 1 == client.call("POST", f"{path}/predict", json=example_of(found))["result"]["predictions"]


def declared(names, kind="float64"):
    """Return inputs as an owner declares them."""
    return [{"name": name, "order": order, "type": kind} for order, name in enumerate(names)]


def test_words_of_strangers_are_no_markdown():
    """Neither in the type of an input nor in what the owner says of the model."""
    words = "# <b>x</b> [y](http://evil.example) `z`"

    found = made(declared(["a"], words), description=words)

    said = [found["info"]["description"], body_of(found)["properties"]["a"]["description"]]
    assert [[], []] == [re.findall(r"(?<!\\)[#<\[\]()`]", text) for text in said]


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [("float64", "number"), ("int", "integer"), ("bool_", "boolean"), ("str", "string"), ("category", None)],
)
def test_types_are_those_that_are_taken(kind, wanted):
    """What takes any value says so."""
    (schema,) = body_of(made(declared(["a"], kind)))["properties"].values()

    assert wanted == schema.get("type")
    assert (wanted is None) == ("anyOf" in schema)


def test_inputs_have_the_names_of_their_owner():
    """And those of the file where the owner has none, or too many; nothing is known of neither."""
    file = declared(["x0", "x1"])
    owner = [{"name": "b", "order": 2, "type": "int"}, {"name": "a", "order": 1, "type": "str"}]

    schemas = [body_of(made(file, declared=one, named=False)) for one in (owner, [], declared("abc"))]

    assert [["a", "b"], ["x0", "x1"], ["x0", "x1"]] == [list(one["properties"]) for one in schemas]
    assert ["string", "integer"] == [one["type"] for one in schemas[0]["properties"].values()]
    assert "properties" not in body_of(made())


def test_optional_inputs_are_not_required():
    """A model of which all are has no list of required ones, which may not be empty."""
    first, second = declared(["a", "b"])

    assert ["b"] == body_of(made([{**first, "optional": True}, second]))["required"]
    assert "required" not in body_of(made([{**first, "optional": True}]))


def test_names_that_come_twice_are_no_members():
    """Their places are named instead, since only these count."""
    assert ["x0", "x1"] == list(body_of(made(declared(["a", "a"]), named=False))["properties"])


def test_of_the_result_only_what_is_understood_is_told():
    """References, wrong types, depth without end: such a field may be anything."""
    deep = {"type": "array"}
    for _ in range(100):
        deep = {"type": "array", "items": deep}
    given = {
        "label": {"type": "string", "enum": ["a", "b"]},
        "scores": {"type": "array", "items": {"type": "number"}},
        "evil": {"$ref": "https://evil.example/x"},
        "wrong": {"type": ["x"], "enum": []},
        "none": None,
        "$ref": {"type": "object", "properties": {"$ref": {"type": "boolean"}}},
        "deep": deep,
    }

    fields = result_of(made(gives=given))["properties"]

    assert list(given) == list(fields)
    assert given["label"] == fields["label"]
    assert {"type": "array", "items": {"type": "number", "nullable": True}} == fields["scores"]
    assert [{}] * 3 == [fields[name] for name in ("evil", "wrong", "none")]
    assert ["a"] == list(result_of(made(gives=declared(["a"])))["properties"])
