"""What is said of a file, by its owner and by its name, against what it is."""

from __future__ import annotations

import pickle

import pandas
import pytest
from sklearn.linear_model import LinearRegression

from handlers.models.declared import difference
from handlers.models.features import Shape
from tests.models.pmmlfiles import DATA


def schema(*names, kind="float64"):
    """Return inputs in the order in which they are given."""
    return [{"name": name, "order": order, "type": kind} for order, name in enumerate(names)]


@pytest.fixture(scope="module")
def named():
    """A model that knows the names of its inputs."""
    return LinearRegression().fit(pandas.DataFrame({"a": [0.0, 1, 2], "b": [1.0, 0, 5]}), [1, 2, 3])


@pytest.fixture(scope="module")
def nameless():
    """A model that knows how many inputs it has, and no more."""
    return LinearRegression().fit([[0, 1], [1, 0], [2, 5]], [1, 2, 3])


def deploy(client, declared, model, expect=201):
    """Add a model with inputs that are declared, and a file of it; return the answer to the latter."""
    added = client.call("POST", "/models", 201, json={"name": "m", "input_schema": declared})
    answer = client.upload(model, path=f"/models/{added['id']}", expect=expect)
    assert expect != 422 or not client.call("GET", f"/endpoints?model_id={added['id']}")["endpoints"]
    return answer


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        (schema("a"), "It lacks 'b'."),
        (schema("a", "c"), "The file has no input 'c'. It lacks 'b'."),
        (schema("a", "b", "c"), "The file has no input 'c'."),
        (schema("x", "y", "z"), "It has 3 inputs, and the file takes 2: 'a', 'b'."),
    ],
)
def test_an_input_schema_that_does_not_fit_the_file_is_refused(client, named, declared, words):
    """The 422 names what is missing and what is too much; the model is there without an endpoint, as before."""
    refused = deploy(client, declared, named, 422)

    assert f"The model's input_schema does not fit the file. {words}" == refused["error"]


def test_a_schema_that_comes_later_has_to_fit_what_is_in_service(client, named):
    """Other inputs than those of its file are refused, and nothing is changed; what rests does not count."""
    model = client.upload(named)
    endpoint = client.endpoint_of(model)["id"]
    other = {"input_schema": schema("a", "c")}

    refused = client.call("PATCH", f"/models/{model['id']}", 422, json=other)
    kept = client.call("GET", f"/models/{model['id']}")["input_schema"]
    client.call("PATCH", f"/models/{model['id']}", json={"input_schema": schema("b", "a")})
    client.call("PATCH", f"/endpoints/{endpoint}", json={"status": "out_of_service"})
    client.call("PATCH", f"/models/{model['id']}", json=other)

    words = "The file has no input 'c'. It lacks 'b'."
    assert f"The input_schema does not fit the endpoint {endpoint}. {words}" == refused["error"]
    assert model["input_schema"] == kept


@pytest.mark.long
def test_how_many_inputs_there_are_counts_for_files_without_names(client, nameless):
    """Whatever they are called by their owner."""
    assert "It has 3 inputs, and the file takes 2." in deploy(client, schema("a", "b", "c"), nameless, 422)["error"]
    assert "in_service" == deploy(client, schema("a", "b"), nameless)["status"]


@pytest.mark.parametrize("declared", [schema("b", "a"), schema("first", "second"), []])
def test_an_input_schema_that_fits_is_taken(client, named, declared):
    """In any order, or with names of the owner's own for all inputs; an empty one says nothing."""
    assert "in_service" == deploy(client, declared, named)["status"]


def test_what_may_be_absent_need_not_be_declared():
    """PMML tells which inputs those are."""
    known = {"named": True, "features": [{"name": "a", "type": "int"}, {"name": "b", "type": "int", "optional": True}]}

    assert not difference(schema("a"), known)
    assert "It lacks 'a'." == difference(schema("b"), known)


def test_types_go_by_name_where_the_owner_lists_inputs_in_another_order():
    """The owner's type of an input is that input's, wherever it stands."""
    features = [{"name": "a", "type": "object"}, {"name": "b", "type": "object"}]
    declared = [{"name": "b", "order": 0, "type": "str"}, {"name": "a", "order": 1, "type": "int64"}]

    row = Shape(features, declared, named=True).row([{"name": "a", "value": "1"}, {"name": "b", "value": "2"}])

    assert [1, "2"] == row


def test_a_files_name_goes_before_what_is_said_of_a_new_model(client, named):
    """As the reference has it, also where that makes no model of it; what has no extension is what it is said to be."""
    golf, pickled = (DATA / "golf.pmml").read_bytes(), pickle.dumps(named)

    assert "golf" == client.upload(golf, "model.pmml", format="pickle")["name"]
    assert "in_service" == client.endpoint_of(client.upload(pickled, "model.bin", format="joblib"))["status"]
    assert (
        "The file's name goes before `format`."
        in client.upload(pickled, "m.pmml", expect=422, format="pickle")["error"]
    )
    assert "does not begin as a onnx" in client.upload(pickled, "model.bin", expect=422, format="onnx")["error"]


@pytest.mark.long
def test_a_further_file_is_what_it_is_said_to_be(client, named):
    """There the reference goes by `format`, whatever the file is called; without it the name tells."""
    model = client.upload(named, "m.pkl")
    path = f"/models/{model['id']}"

    assert "in_service" == client.upload(named, "m.pmml", path, format="pickle")["status"]
    assert "does not begin as a pmml" in client.upload(named, "m.pmml", path, 422)["error"]
