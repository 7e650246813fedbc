"""JSON is read under bounds and without silent loss."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.errors import BodyMalformed
from handlers.gateway import jsontext

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=20,
)


@given(VALUES)
def test_any_value_survives_both_ways(value):
    """What is written is read again as it was, integers of any size among it."""
    assert value == jsontext.read(jsontext.write(value), depth=64)


@given(st.integers())
def test_an_integer_never_becomes_a_float(value):
    """However large an integer is, it stays one."""
    read = jsontext.read(str(value).encode(), depth=1)

    assert (int, value) == (type(read), read)


@pytest.mark.parametrize(
    "text",
    [b"NaN", b"-Infinity", b"1e999", b"\xef\xbb\xbf1", b'"\xff"', b'"\\ud800"', b"{", b"01", b"1" * 5000, b"[" * 9999],
    ids=["nan", "infinity", "overflow", "bom", "not-utf8", "surrogate", "open", "leading-zero", "digits", "deep"],
)
def test_what_is_no_json_is_refused(text):
    """A text that orjson and the standard library would read differently is read by neither."""
    with pytest.raises(BodyMalformed):
        jsontext.read(text, depth=64)


def test_depth_counts_arrays_and_objects_together():
    """Exactly the allowed nesting passes, one level more does not, and brackets in strings do not count."""
    allowed, beyond = [[{"a": []}]], [[{"a": [[]]}]]

    assert allowed == jsontext.read(json.dumps(allowed).encode(), depth=4)
    assert "[" * 50 == jsontext.read(json.dumps("[" * 50).encode(), depth=4)
    with pytest.raises(BodyMalformed) as refusal:
        jsontext.read(json.dumps(beyond).encode(), depth=4)
    assert "4 levels" in refusal.value.faults[0].detail


def test_a_value_that_is_no_json_is_not_written():
    """A handler that returns an object of its own is told so."""
    with pytest.raises(TypeError):
        jsontext.write({"a": object()})
