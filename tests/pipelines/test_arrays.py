"""ArrayConcatenationStep and JsonExpanderTransformStep."""

from __future__ import annotations

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.pipelines.faults import Refused
from tests.pipelines.made import load

JOIN = {"@type": "ArrayConcatenationStep"}
EXPAND = {"@type": "JsonExpanderTransformStep"}


def test_inputs_are_joined_to_one_output(tmp_path):
    """Several inputs and one output: the arrays are joined along the axis that is said for the first."""
    step = {**JOIN, "inputNames": ["x", "y"], "outputNames": ["both"], "concatDimensions": {"0": 1}}
    pipeline = load(tmp_path, step, outputDataFormat="NUMPY")

    found = pipeline.run({"x": numpy.zeros((2, 1)), "y": numpy.ones((2, 2))})["both"]

    assert [[0, 1, 1], [0, 1, 1]] == found.tolist()


def test_arrays_of_each_input_are_joined(tmp_path):
    """As many outputs as inputs: the arrays that came for each are joined, each along its own axis."""
    step = {**JOIN, "inputNames": ["x", "y"], "outputNames": ["x", "y"], "concatDimensions": {"1": 1}}
    pipeline = load(tmp_path, step)
    rows = [{"file": numpy.zeros((1, 2))}, {"file": numpy.ones((1, 2))}]

    found = pipeline.run({"x": rows, "y": rows})

    assert {"x": [[0, 0], [1, 1]], "y": [[0, 0, 1, 1]]} == {name: one.tolist() for name, one in found.items()}


def test_shapes_that_do_not_fit_are_told(tmp_path):
    """Arrays that cannot be joined are refused with their shapes and the axis."""
    pipeline = load(tmp_path, {**JOIN, "inputNames": ["x", "y"], "outputNames": ["both"]})
    with pytest.raises(Refused, match=r"the shapes \[2, 1\], \[2, 2\] cannot be joined along axis 0: x, y"):
        pipeline.run({"x": numpy.zeros((2, 1)), "y": numpy.ones((2, 2))})


@given(st.lists(st.integers(1, 4), min_size=1, max_size=5))
def test_nothing_is_lost_when_arrays_are_joined(tmp_path_factory, lengths):
    """What is joined has the rows of all, in their order."""
    pipeline = load(tmp_path_factory.mktemp("join"), JOIN)
    rows = [{"file": numpy.full((length, 1), number)} for number, length in enumerate(lengths)]

    found = pipeline.run({"default": rows})["default"]

    assert [number for number, length in enumerate(lengths) for _ in range(length)] == found[:, 0].tolist()


def test_texts_become_records(tmp_path):
    """An object of JSON is a record, a list of them is several; what is no text any more is taken as it is."""
    pipeline = load(tmp_path, EXPAND)
    rows = [{"json": '[{"a": 1}, {"a": 2, "b": [1]}]'}, {"json": '{"a": "x"}'}, {"json": {"a": None}}]

    found = pipeline.run({"default": rows})["default"]

    assert [{"a": 1}, {"a": 2, "b": [1]}, {"a": "x"}, {"a": None}] == found


@pytest.mark.parametrize(
    ("text", "words"),
    [("{", "Row 0 has no JSON"), ("3", "neither an object nor a list"), ("[1]", "neither"), ("[" * 10_000, "no JSON")],
)
def test_texts_that_are_no_records_are_refused(tmp_path, text, words):
    """What is no JSON, or no objects, is refused with its row."""
    pipeline = load(tmp_path, EXPAND)
    with pytest.raises(Refused, match=words) as told:
        pipeline.run({"default": [{"json": text}]})
    assert "/0" == told.value.place
