"""Outputs of a pipeline, as they are answered."""

from __future__ import annotations

import base64
import io
import math

import numpy
import orjson
import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from handlers.pipelines.answers import Said, told, write
from handlers.pipelines.detections import Search
from handlers.pipelines.faults import Refused
from handlers.pipelines.words import JSON, SCHEMA, Wish

WORDS = numpy.array(["setosa", "virginica"])
CHANCES = numpy.array([[0.75, 0.25], [0.5, 0.5]])
CELLS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def said(outputs, kind="RAW", comes=JSON, **more):
    """Return what is answered in JSON."""
    content_type, data = write(Wish(comes=comes, kind=kind, **more), outputs, Said())
    assert "application/json" == content_type
    return orjson.loads(data)


def test_text_is_told_as_records():
    """An array of text is a record for each row, with other outputs beside it; one row of text alone is an object."""
    assert [{"label": "setosa"}, {"label": "virginica"}] == said({"label": WORDS})
    assert {"label": "setosa"} == said({"label": WORDS[:1]})
    assert {"label": "setosa"} == said({"label": WORDS[0]}), "without axes it is one row, too"
    assert [{"label": ["setosa", "virginica"]}] == said({"label": WORDS[None]})
    assert [
        {"label": "setosa", "chances": [0.75, 0.25]},
        {"label": "virginica", "chances": [0.5, 0.5]},
    ] == said({"label": WORDS, "chances": CHANCES})


def test_outputs_of_other_lengths_are_told_whole():
    """Where rows cannot stand beside each other there is one record, of all rows of each output."""
    assert [{"label": ["setosa", "virginica"], "n": [1, 2, 3]}] == said({"label": WORDS, "n": numpy.arange(1, 4)})
    assert [{"rows": [{"n": 1}], "label": ["setosa", "virginica"]}] == said({"rows": [{"n": 1}], "label": WORDS})


def test_text_goes_as_records_of_arrow_too():
    """ARROW has records for text; formats of numbers, and what is made of numbers, refuse it by name."""
    _, data = write(Wish(comes=JSON, goes="ARROW"), {"label": WORDS}, Said())

    assert {"label": WORDS.tolist()} == pyarrow.ipc.open_file(data).read_all().to_pydict()
    for wish in (
        Wish(comes=JSON, goes="NUMPY"),
        Wish(comes=JSON, kind="CLASSIFICATION"),
        Wish(comes=JSON, kind="YOLO"),
    ):
        with pytest.raises(Refused, match="'label' is of text"):
            write(wish, {"label": WORDS}, Said())


def test_cells_of_any_kind_are_json():
    """Bytes are Base64, arrays are nested lists, NaN is null; also in lists and objects, and where a schema came."""
    row = {"photo": b"\xff\x00", "box": numpy.array([[1.5, numpy.nan]]), "all": [b"a", {"n": numpy.float32(2)}]}

    assert [{"photo": "/wA=", "box": [[1.5, None]], "all": ["YQ==", {"n": 2}]}] == said({"default": [row]})
    assert {"default": ["/wA=", [[1.5, None]], ["YQ==", {"n": 2}]]} == said({"default": [row]}, comes=SCHEMA)


@given(CELLS)
def test_any_cell_can_be_told(cell):
    """What is told has the shape of what there was, and texts of bytes hold these bytes."""

    def same(value, found):
        if isinstance(value, bytes):
            return value == base64.b64decode(found, validate=True)
        if isinstance(value, list):
            return len(value) == len(found) and all(map(same, value, found))
        if isinstance(value, dict):
            return value.keys() == found.keys() and all(same(value[name], found[name]) for name in value)
        return value == found

    assert same(cell, told(cell))


def test_what_json_cannot_hold_is_refused():
    """A number of more than 64 bits, or a text with half a character, is told, and no fault of this server."""
    for cell in (1 << 64, "\ud800"):
        with pytest.raises(Refused, match="cannot be written as JSON"):
            said({"default": [{"a": cell}, {"a": cell}]})


def test_a_single_text_of_json_is_told_as_json():
    """As Konduit did: an object or a list, if it is one; what only looks like one stays text."""
    row = {"a": '{"b": [1]}', "c": "[1, 2]", "d": "{no", "e": "12"}

    assert {"a": {"b": [1]}, "c": [1, 2], "d": "{no", "e": "12"} == said({"default": [row]})
    assert [row, row] == said({"default": [row, row]})


def test_classes_are_no_probabilities():
    """An export of scikit-learn has the class of each row before the probabilities: that would be one row of them."""
    labels = numpy.array([2, 0])

    with pytest.raises(Refused, match="has to begin with the probabilities"):
        said({"label": labels, "chances": CHANCES}, "CLASSIFICATION")
    assert [0, 0] == said({"chances": CHANCES, "label": labels}, "CLASSIFICATION")["chances"]["decisions"]


def test_the_classes_of_the_fixture():
    """The first output alone counts, and where no classes are known the labels are the names of the outputs."""
    found = said({"output1": numpy.array([[0.6, 0.4], [0.7, 0.3]]), "output2": WORDS}, "CLASSIFICATION")

    assert ["output1"] == list(found)
    assert ([0, 0], ["output1", "output2"]) == (found["output1"]["decisions"], found["output1"]["labels"])
    assert [0] == said({"a": numpy.zeros((1, 0))}, "CLASSIFICATION")["a"]["decisions"], "no class is the first"


@given(arrays.arrays(st.sampled_from(("f4", "i8", "?")), arrays.array_shapes(min_dims=0, max_dims=4, min_side=0)))
def test_numbers_are_rows_whatever_their_shape(array):
    """REGRESSION has each number once, in order; a vector is a row for each of its values."""
    values = said({"a": array}, "REGRESSION")["a"]["values"]
    flat = [one for row in values for one in row]

    assert array.size == len(flat)
    for number, one in zip(array.ravel().tolist(), flat, strict=True):
        assert (one is None and not math.isfinite(number)) or pytest.approx(float(number)) == one
    assert array.ndim != 1 or all(len(row) == 1 for row in values)


def test_objects_need_sizes_of_images():
    """Pixels of an image that nobody knows cannot be told."""
    with pytest.raises(Refused, match="send them as IMAGE"):
        said({"a": numpy.zeros((1, 30, 1, 1), "f4")}, "YOLO")


def test_objects_of_ssd_are_told_in_pixels():
    """Corners from 0 to 1, above and left first, become centres and lengths of the image that came."""
    outputs = {
        "boxes": numpy.array([[[0.0, 0.5, 0.5, 1.0], [0, 0, 1, 1]]]),
        "scores": numpy.array([[0.9, 0.1]]),
        "classes": numpy.array([[1, 0]]),
    }
    wish = Wish(comes="IMAGE", kind="SSD")
    found = orjson.loads(write(wish, outputs, Said(search=Search(labels=["cat", "dog"]), sizes=[(100, 40)]))[1])[
        "boxes"
    ]
    (one,) = found["detectedObjectsBatches"]

    assert (75, 10, 50, 20) == (one["centerX"], one["centerY"], one["width"], one["height"])
    assert (["dog"], [1], [0.9]) == (one["predictedClasses"], one["predictedClassNumbers"], one["confidences"])
    assert found["batchId"] == one["batchId"]


def test_an_npy_file_is_what_numpy_reads():
    """One output is its bytes."""
    content_type, data = write(Wish(comes=JSON, goes="NUMPY"), {"a": CHANCES}, Said())

    assert "application/octet-stream" == content_type
    assert CHANCES.tolist() == numpy.load(io.BytesIO(data)).tolist()
