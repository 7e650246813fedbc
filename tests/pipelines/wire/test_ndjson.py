"""Arrays as JSON."""

from __future__ import annotations

import json
import math

import numpy
import orjson
import pytest
from hypothesis import given

from handlers.pipelines.faults import Refused
from handlers.pipelines.wire.ndjson import as_document, from_lists
from tests.pipelines.wire.arrays import same, some_arrays

NAMES = {
    **{"f8": "DOUBLE", "f4": "FLOAT", "f2": "HALF", "i8": "LONG", "i4": "INT", "i2": "SHORT", "i1": "BYTE"},
    **{"u1": "UBYTE", "u2": "UINT16", "u4": "UINT32", "u8": "UINT64", "?": "BOOL"},
}


def told(array):
    """Return what a client reads."""
    return json.loads(orjson.dumps(as_document(array), option=orjson.OPT_SERIALIZE_NUMPY))


def test_an_array_has_type_shape_and_elements():
    """Elements are told in C order, whatever order they have in memory."""
    array = numpy.asfortranarray(numpy.array([[0, 0.25, 0.75], [1, 2, 3]], "f4"))

    assert {"dataType": "FLOAT", "shape": [2, 3], "data": [0, 0.25, 0.75, 1, 2, 3]} == told(array)


@pytest.mark.parametrize("kind", NAMES)
def test_each_type_has_its_name(kind):
    """Types are called as ND4J calls them; booleans are 0 and 1."""
    assert {"dataType": NAMES[kind], "shape": [2], "data": [0, 1]} == told(numpy.array([0, 1], kind))


def test_what_json_cannot_express_is_null():
    """NaN and the infinite are null."""
    for kind in ("f2", "f4", "f8"):
        assert [None, None, None, 1.0] == told(numpy.array([math.nan, math.inf, -math.inf, 1], kind))["data"]


@given(array=some_arrays)
def test_elements_come_back_exactly(array):
    """What a client reads is the array, to the last bit; but for what JSON cannot express."""
    document = told(array)
    kind = array.dtype.newbyteorder("=")
    back = numpy.array(document["data"], "f8" if kind.kind == "f" else kind).astype(kind).reshape(document["shape"])

    expected = numpy.where(numpy.isfinite(array), array, numpy.nan) if kind.kind == "f" else array
    numpy.testing.assert_array_equal(expected, back)


@given(array=some_arrays)
def test_nested_lists_become_the_array_that_they_were(array):
    """Lists of numbers of a type become an array of it, if there is anything in them to tell its shape by."""
    kind = array.dtype.newbyteorder("=")
    found = from_lists(array.tolist(), NAMES[kind.str.lstrip("<|").replace("b1", "?")])

    if array.size:
        same(array, found)
    assert kind == found.dtype


@pytest.mark.parametrize(
    ("nested", "name", "expected"),
    [
        ([1, None], "DOUBLE", numpy.array([1, math.nan])),
        ([1, None], "FLOAT", numpy.array([1, math.nan], "f4")),
        ([1, None], "HALF", numpy.array([1, math.nan], "f2")),
        ([1, 2.5], "BFLOAT16", numpy.array([1, 2.5], "f4")),
        (7, "INT", numpy.array(7, "i4")),
        ([], "INT", numpy.zeros(0, "i4")),
        ([[], []], "INT", numpy.zeros((2, 0), "i4")),
        ([2**64 - 1], "UINT64", numpy.array([2**64 - 1], "u8")),
        ([[True], [False]], "BOOL", numpy.array([[True], [False]])),
    ],
)
def test_lists_become_arrays(nested, name, expected):
    """Null is NaN; a number alone has no axes."""
    same(expected, from_lists(nested, name))


@pytest.mark.parametrize(
    ("nested", "name", "words", "place"),
    [
        ([[1, 2], [3]], "FLOAT", "This list has the length 1, and the first beside it 2.", "/x/1"),
        ([[1, 2], 3], "FLOAT", "Here a list should be, as there is beside it.", "/x/1"),
        ([1, [2]], "FLOAT", "Here no list should be, as there is none beside it.", "/x/1"),
        ([[[1], [2]], [[3], [4, 5]]], "FLOAT", "This list has the length 2, and the first beside it 1.", "/x/1/1"),
        ([1, "2"], "FLOAT", "This is not a number.", "/x/1"),
        ([1, True], "FLOAT", "This is not a number.", "/x/1"),
        ({"a": 1}, "FLOAT", "This is not a number.", "/x"),
        ([[1], [{}]], "FLOAT", "This is not a number.", "/x/1/0"),
        ([1, 2.5], "INT", "This is not a whole number.", "/x/1"),
        ([1, None], "INT", "This is not a whole number.", "/x/1"),
        ([1, 0], "BOOL", "This is not true or false.", "/x/0"),
        ([1, -129], "BYTE", "This number is out of the range of int8.", "/x/1"),
        ([1, 2**70], "LONG", "This number is out of the range of int64.", "/x/1"),
        ([10**400], "DOUBLE", "A number in it is out of the range of float64.", "/x"),
        ([1], "UTF8", "Arrays of the type 'UTF8' are not read", ""),
        (eval("[" * 40 + "]" * 40), "FLOAT", "The lists are nested deeper than 32 levels.", "/x"),  # noqa: S307
    ],
)
def test_lists_that_are_no_array_are_refused_with_the_place(nested, name, words, place):
    """Whoever sent lists is told what is wrong, and where."""
    with pytest.raises(Refused) as refused:
        from_lists(nested, name, "/x")

    assert str(refused.value).startswith(words)
    assert place == refused.value.place


def test_one_long_text_takes_no_memory_for_its_neighbours():
    """A text among many numbers is found without a table of texts being made of them."""
    with pytest.raises(Refused, match="not a number"):
        from_lists([0.5] * 1_000_000 + ["x" * 1_000_000], "FLOAT")
