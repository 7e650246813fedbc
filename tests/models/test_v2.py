"""The Open Inference Protocol over the same models."""

from __future__ import annotations

import json
import struct

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier

from handlers.errors import InputInvalid
from handlers.models import binary
from handlers.models.features import Shape
from handlers.models.tensors import Tensor, rows_of, tensor_in, tensors_of

HEADER = "Inference-Header-Content-Length"
ONE = b'{"inputs": [{"name": "a", "shape": [1], "datatype": "FP64", %s}]}'
NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=32)


@pytest.fixture(scope="module")
def forest(client):
    """A model without names for its inputs, and what it was trained on."""
    rows, kinds = load_iris(return_X_y=True)
    trained = RandomForestClassifier(20, random_state=1).fit(rows, kinds)
    return client.upload(trained, "forest.pkl"), trained, rows


@pytest.fixture
def infer(client, forest):
    """Asks the model, and returns the answer."""

    def infer(body, expect=200, version="", **more):
        path = f"/v2/models/{forest[0]['id']}{version}/infer"
        sent = {"json": body} if isinstance(body, dict) else {"data": body}
        answer = client.client.post(path, **sent, **more)
        assert expect == answer.status_code, answer.text
        return answer

    return infer


def table(rows, **more):
    """Return a request with all inputs in one tensor."""
    return {"inputs": [{"name": "rows", "shape": list(rows.shape), "datatype": "FP64", "data": rows.tolist()}], **more}


def test_rows_are_predicted_as_here(infer, forest):
    """All rows of a request, in their order; labels by default, and probabilities where they are asked for."""
    _, trained, rows = forest

    both = infer(table(rows, outputs=[{"name": "predict_proba"}, {"name": "predict"}], id="a")).json
    plain = infer(table(rows[:3])).json

    scores, labels = both["outputs"]
    assert ("a", [len(rows), 3], "FP64") == (both["id"], scores["shape"], scores["datatype"])
    assert trained.predict(rows).tolist() == labels["data"]
    assert pytest.approx(trained.predict_proba(rows).ravel().tolist()) == scores["data"]
    assert [("predict", "INT64", [3, 1])] == [(one["name"], one["datatype"], one["shape"]) for one in plain["outputs"]]


def test_tensors_come_and_go_as_bytes(infer, forest):
    """The object first, as long as the header says, and behind it what it announces."""
    _, trained, rows = forest
    data = rows.astype("<f4").tobytes()
    said = {"binary_data_size": len(data)}
    tensor = {"name": "rows", "shape": list(rows.shape), "datatype": "FP32", "parameters": said}
    head = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()

    answer = infer(head + data, headers={HEADER: str(len(head))}, content_type="application/octet-stream")

    length = int(answer.headers[HEADER])
    (out,) = json.loads(answer.data[:length])["outputs"]
    assert "application/octet-stream" == answer.content_type
    assert len(answer.data) - length == out["parameters"]["binary_data_size"] == 8 * len(rows)
    assert trained.predict(rows.astype("<f4")).tolist() == numpy.frombuffer(answer.data[length:], "<i8").tolist()


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"inputs": []}, "/inputs"),
        ({"inputs": [{"name": "a", "shape": [2, 4], "datatype": "FP64", "data": [1]}]}, "/inputs/0/data"),
        ({"inputs": [{"name": "a", "shape": [1, 3], "datatype": "FP64", "data": [1, 2, 3]}]}, "/inputs/0/shape"),
        (
            {"inputs": [{"name": "a", "shape": [1, 4], "datatype": "BYTES", "data": list("abcd")}]},
            "/inputs/0/data",
        ),
        ({"inputs": [{"name": "a", "shape": [1, 4], "datatype": "FP64", "data": [1, 2, 3, None]}]}, "/inputs/0/data"),
        ({"inputs": [{"name": "a", "shape": [4], "datatype": "FP64", "data": [1, 2, 3, {}]}]}, "/inputs/0/data"),
        ({"inputs": [{"name": "a", "shape": [10**6, 10**6], "datatype": "FP64", "data": []}]}, "/inputs/0/shape"),
        ({"inputs": [{"name": "a", "shape": [1, 4], "datatype": "COMPLEX", "data": []}]}, "/inputs/0/datatype"),
        ({**table(numpy.zeros((1, 4))), "outputs": [{"name": "other"}]}, "/outputs/0/name"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(infer, body, place):
    """In the member `error` as well, which the clients of this protocol read."""
    answer = infer(body, 400).json

    assert place in json.dumps(answer), answer
    assert answer["error"]


def sent(datatype, *data):
    """Return a tensor of a request, as JSON."""
    return {"name": "rows", "shape": [len(data)], "datatype": datatype, "data": list(data)}


@pytest.mark.parametrize(
    ("datatype", "value"),
    [
        ("UINT8", 300),
        ("UINT8", -1),
        ("INT8", -200),
        ("INT16", 1 << 15),
        ("INT32", 3.5),
        ("UINT64", 1 << 64),
        ("INT64", 1 << 63),
        ("INT64", 1e300),
        ("INT8", True),
        ("INT8", "1"),
        ("BOOL", 2),
        ("BOOL", "true"),
        ("FP16", 65505),
        ("FP32", 1e39),
        ("FP64", "1.5"),
    ],
)
def test_an_element_that_its_datatype_does_not_hold_is_refused(infer, datatype, value):
    """The tensor and the place of the element in it are named, whether lists are nested or not."""
    whole = sent(datatype, 0, 0, 1, value) | {"shape": [1, 4]}

    for data in (whole["data"], [whole["data"]]):
        fault = infer({"inputs": [whole | {"data": data}]}, 400).json["errors"][0]
        assert ("body", "/inputs/0/data") == (fault["in"], fault["place"])
        assert fault["detail"].startswith(f"The element 3 of the tensor 'rows' is no {datatype}: ")


@pytest.mark.parametrize(
    ("datatype", "data"),
    [
        ("UINT8", [0, 255, 7.0]),
        ("INT8", [-128, 127]),
        ("INT64", [-(1 << 63), (1 << 63) - 1]),
        ("UINT64", [0, (1 << 64) - 1]),
        ("BOOL", [True, False, 0, 1]),
        ("FP16", [65504, -65504.0]),
        ("FP32", [3.4028234663852886e38]),
        ("FP64", [1.7976931348623157e308, 1]),
        ("BYTES", ["a", 1, 2.5, True]),
    ],
)
def test_elements_up_to_the_ends_of_a_datatype_are_taken(datatype, data):
    """Whole numbers may be written as floats; columns of texts may hold numbers."""
    assert data == tensor_in(sent(datatype, *data), 0).data


@pytest.mark.parametrize(
    ("head", "length", "rest"),
    [
        (b"{", None, b""),
        (b"{}", "0", b""),
        (b"{}", "99", b""),
        (b"[]", None, b""),
        (ONE % b'"parameters": {"binary_data_size": 9}', None, b"12345678"),
        (ONE % b'"parameters": {"binary_data_size": 4}', None, b"1234"),
        (b'{"inputs": [{"name": "a", "shape": [1], "datatype": "FP64", "data": [1]}]}', None, b"1234"),
    ],
)
def test_bytes_that_are_no_message_are_refused(infer, head, length, rest):
    """Too few, too many, no JSON, a length that is none."""
    headers = {HEADER: length or str(len(head))}

    assert 400 == infer(head + rest, 400, headers=headers, content_type="application/octet-stream").status_code


def test_versions_are_endpoints(client, infer, forest):
    """Each can be asked for; those of other models, or of none, are not there."""
    model = forest[0]
    endpoint = client.endpoint_of(model)["id"]

    metadata = client.client.get(f"/v2/models/{model['name']}").json
    answer = infer(table(numpy.zeros((1, 4))), version=f"/versions/{endpoint}").json
    missing = [client.client.get(f"/v2/models/{name}").status_code for name in ("none", f"{model['id']}/versions/none")]

    assert ([endpoint], "pickle") == (metadata["versions"], metadata["platform"])
    assert [("x0", "FP64", [-1, 1])] == [(one["name"], one["datatype"], one["shape"]) for one in metadata["inputs"][:1]]
    assert [("predict", [-1, 1]), ("predict_proba", [-1, 3])] == [
        (one["name"], one["shape"]) for one in metadata["outputs"]
    ]
    assert (model["name"], endpoint) == (answer["model_name"], answer["model_version"])
    assert [404, 404] == missing
    assert {"name": model["name"], "ready": True} == client.client.get(f"/v2/models/{model['id']}/ready").json


@given(st.lists(st.lists(NUMBERS, min_size=3, max_size=3), min_size=1, max_size=5))
def test_one_tensor_and_several_say_the_same(rows):
    """Whichever way rows are sent, and as bytes or not, the model gets the same."""
    features = [{"name": name, "type": "float64"} for name in "abc"]
    shape = Shape(features, (), named=True)
    flat = [value for row in rows for value in row]
    whole = {"name": "rows", "shape": [len(rows), 3], "datatype": "FP32", "data": rows}
    packed = binary.packed(Tensor(name="", shape=[], datatype="FP32", data=flat))

    each = [
        tensor_in({"name": name, "shape": [len(rows)], "datatype": "FP32", "data": [row[at] for row in rows]}, at)
        for at, name in reversed(list(enumerate("abc")))
    ]

    assert rows == rows_of([tensor_in(whole, 0)], shape) == rows_of(each, shape)
    assert flat == binary.elements(memoryview(packed), "FP32", 0)


@given(st.lists(st.text(), max_size=5))
def test_texts_keep_their_length(found):
    """Each has its length before it, in bytes."""
    packed = binary.packed(Tensor(name="", shape=[], datatype="BYTES", data=found))

    assert found == binary.elements(memoryview(packed), "BYTES", 0)


@pytest.mark.parametrize("data", [b"\x01", struct.pack("<I", 5) + b"abc", struct.pack("<I", 1) + b"\xff"])
def test_texts_that_are_none_are_refused(data):
    """A length that leads beyond the end, a byte that is no UTF-8."""
    with pytest.raises(InputInvalid):
        binary.elements(memoryview(data), "BYTES", 0)


@pytest.mark.parametrize(
    ("column", "datatype", "shape"),
    [
        ([1, 2], "INT64", [2, 1]),
        ([1, 2.5], "FP64", [2, 1]),
        ([1, None], "FP64", [2, 1]),
        ([True, False], "BOOL", [2, 1]),
        (["a", None], "BYTES", [2, 1]),
        ([True, 1], "BYTES", [2, 1]),
        ([[1.0, 2.0], [3.0]], "FP64", [2, 2]),
        ([None, None], "FP64", [2, 1]),
    ],
)
def test_an_output_has_the_type_of_its_elements(column, datatype, shape):
    """Mixtures that have none are texts; rows of different lengths are filled up."""
    (found,) = tensors_of([{"predictions": value} for value in column], None)

    assert ("predict", datatype, shape) == (found.name, found.datatype, found.shape)
