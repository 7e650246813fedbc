"""Whole requests for rows of a large array, and to a server that has neither array nor pipeline."""

from __future__ import annotations

import numpy
import pytest

from handlers.pipelines import rows
from handlers.pipelines.wire.binaryserde import read_binaryserde, write_binaryserde
from tests.pipelines.made import write
from tests.pipelines.serving import Served, from_npy, npy

LINE = numpy.linspace(1, 4, 4)


@pytest.fixture(scope="module")
def line(here, tmp_path_factory):
    """The reference's array, `linspace(1, 4, 4)`, and no row that stands for others."""
    folder = tmp_path_factory.mktemp("line")
    (folder / "line.npy").write_bytes(npy(LINE, "f8"))
    return Served(here, write(folder, {"memMapConfig": {"arrayPath": "line.npy"}}))


@pytest.fixture(scope="module")
def table(here, tmp_path_factory):
    """A table as BinarySerde writes it, with a row that stands for others."""
    folder = tmp_path_factory.mktemp("table")
    (folder / "table.bin").write_bytes(write_binaryserde(numpy.arange(6, dtype="f4").reshape(3, 2)))
    (folder / "unknown.npy").write_bytes(npy([numpy.nan, -1]))
    return Served(here, write(folder, {"memMapConfig": {"arrayPath": "table.bin", "unkVectorPath": "unknown.npy"}}))


def test_a_range_is_half_open(line):
    """`range/0/2/numpy` gives `[1, 2]`, in any format and in any case."""
    assert [1, 2] == from_npy(line.call("/array/range/0/2/numpy")).tolist()
    assert [1, 2] == read_binaryserde(line.call("/array/range/0/2/ND4J").data).tolist()
    assert [1, 2] == line.call("/array/range/0/2/Json").json
    assert [1, 2, 3, 4] == line.call("/array/json").json
    assert LINE.tolist() == from_npy(line.call("/array/NUMPY")).tolist()


def test_one_element_has_two_axes_in_binary(line):
    """As Konduit has it; JSON says what there is."""
    assert [[2]] == from_npy(line.call("/array/range/1/2/numpy")).tolist()
    assert [[4]] == read_binaryserde(line.ask_raw("/array/indices/nd4j", [3]).data).tolist()
    assert [2] == line.call("/array/range/1/2/json").json


def test_rows_are_picked_by_number(table):
    """In the order of the list, again where a number is there twice; a negative one is the row for others."""
    picked = from_npy(table.ask_raw("/array/indices/numpy", [2, 0, -1, 2]))

    numpy.testing.assert_array_equal([[4, 5], [0, 1], [numpy.nan, -1], [4, 5]], picked)
    assert [[None, -1], [2, 3]] == table.ask("/array/indices/json", [-7, 1]), "NaN is null"


def test_rows_that_are_none_are_refused_by_their_place(line):
    """The place is the index in the list, or the parameter."""
    assert ("/1", True) == with_words(line.fault("/array/indices/json", [0, 4]), "none has the number 4")
    assert ("/0", True) == with_words(line.fault("/array/indices/json", [-1]), "unkVectorPath is not set")
    assert ("stop", True) == with_words(line.fault("/array/range/0/5/json", None), "There are 4 rows")
    assert ("start", True) == with_words(line.fault("/array/range/2/2/json", None), "There are 4 rows")
    line.call("/array/range/-1/2/json", 400)
    line.call("/array/indices/json", 400, json=[])
    line.call("/array/xml", 400)


def test_more_numbers_than_json_may_hold_are_refused(line, monkeypatch):
    """Binary formats still have them."""
    monkeypatch.setattr(rows, "MOST_NUMBERS", 3)

    assert ("arrayType", True) == with_words(line.fault("/array/json", None), "3 are the most that is told as JSON")
    assert 4 == from_npy(line.call("/array/numpy")).size


def test_there_is_no_pipeline_beside_the_array(line):
    """What is asked of a pipeline is not found; the configuration is."""
    line.ask("/raw/json", {"a": 1}, 404)
    line.send("/raw/numpy", [("default", npy([1]))], 404)
    line.ask("/dynamicschema", {"schema": {"a": {"b": {"type": "Long"}}}, "values": {"a": {"b": 1}}}, 404)
    assert {"arrayPath": "line.npy"} == line.get("/config").json["memMapConfig"]


def test_a_file_that_is_gone_is_unavailable(here, tmp_path):
    """The server says so, and not that the caller was wrong."""
    (tmp_path / "line.npy").write_bytes(b"garbage")
    served = Served(here, write(tmp_path, {"memMapConfig": {"arrayPath": "line.npy"}}))

    assert "cannot be read as an array" in served.call("/array/json", 503).json["detail"]


def test_where_nothing_is_configured_nothing_is_found(here):
    """404 everywhere but for health, which clients wait for, and the metrics."""
    served = Served(here)

    served.get("/healthcheck", 204)
    served.get("/metrics")
    for path in ("/config", "/config/pretty"):
        served.get(path, 404)
    for path in ("/array/json", "/array/range/0/1/numpy"):
        served.call(path, 404)
    served.ask("/array/indices/json", [0], 404)
    served.ask("/raw/json", {"a": 1}, 404)
    served.send("/numpy/numpy", [("default", npy([1]))], 404)
    served.send("/rcnn/image", [("default", npy([1]))], 404)


def with_words(fault, words):
    """Return the place of a fault, and whether it was told in these words."""
    return fault[0], words in fault[1]
