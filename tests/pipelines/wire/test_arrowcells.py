"""What the cells of Arrow's columns become, and what becomes cells."""

from __future__ import annotations

import datetime
from decimal import Decimal
from io import BytesIO

import numpy
import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.pipelines.faults import Refused
from handlers.pipelines.wire.arrow import read_arrow, write_records
from tests.pipelines.wire.arrays import TYPES
from tests.pipelines.wire.arrowfiles import written

DAY = 86_400_000  #: milliseconds
CELLS = {
    "whole numbers": (pyarrow.array([1, None, -3], pyarrow.int16()), [1, None, -3]),
    "the largest": (pyarrow.array([2**64 - 1, None], pyarrow.uint64()), [2**64 - 1, None]),
    "halves": (pyarrow.array([numpy.float16(0.5), None], pyarrow.float16()), [0.5, None]),
    "floats": (pyarrow.array([0.5, None], pyarrow.float32()), [0.5, None]),
    "decimals": (pyarrow.array([Decimal("1.5"), None]), [1.5, None]),
    "booleans": (pyarrow.array([True, None, False]), [True, None, False]),
    "texts": (pyarrow.array(["ü", None, ""]), ["ü", None, ""]),
    "long texts": (pyarrow.array(["ü", None], pyarrow.large_string()), ["ü", None]),
    "views of texts": (pyarrow.array(["ü", None, "x" * 50], pyarrow.string_view()), ["ü", None, "x" * 50]),
    "bytes": (pyarrow.array([b"\xff", None]), [b"\xff", None]),
    "bytes of one length": (pyarrow.array([b"ab", None], pyarrow.binary(2)), [b"ab", None]),
    "nothing": (pyarrow.nulls(2), [None, None]),
    "words": (pyarrow.array(["a", None, "b", "a"]).dictionary_encode(), ["a", None, "b", "a"]),
    "days": (pyarrow.array([datetime.date(1970, 1, 2), None, datetime.date(1969, 12, 31)]), [DAY, None, -DAY]),
    "long days": (pyarrow.array([datetime.date(1970, 1, 2), None], pyarrow.date64()), [DAY, None]),
    "seconds": (pyarrow.array([2, None], pyarrow.timestamp("s")), [2000, None]),
    "nanoseconds": (pyarrow.array([2_500_000, None], pyarrow.timestamp("ns", tz="Europe/Paris")), [2, None]),
    "times of a day": (pyarrow.array([datetime.time(1, 0, 0, 2500), None]), [3_600_002, None]),
    "durations": (pyarrow.array([datetime.timedelta(days=1), None]), [DAY, None]),
    "lists of texts": (pyarrow.array([["a", None], None, []]), [["a", None], None, []]),
    "lists of nothing": (pyarrow.array([[None], None, []]), [[None], None, []]),
}
ARRAYS = {
    "numbers": (
        pyarrow.array([[1, 2], None, []], pyarrow.list_(pyarrow.int8())),
        [numpy.array([1, 2], "i1"), None, numpy.zeros(0, "i1")],
    ),
    "null in floats": (pyarrow.array([[1.5, None]]), [numpy.array([1.5, numpy.nan])]),
    "booleans": (pyarrow.array([[True, False]]), [numpy.array([True, False])]),
    "days": (pyarrow.array([[datetime.date(1970, 1, 2)]]), [numpy.array([DAY])]),
    "matrices": (
        pyarrow.array([[[1, 2], [3, 4]], None, [[5, 6]]]),
        [numpy.array([[1, 2], [3, 4]]), None, numpy.array([[5, 6]])],
    ),
    "of many shapes": (
        pyarrow.array([[[1, 2], [3, 4]], [[5]], None]),
        [numpy.array([[1, 2], [3, 4]]), numpy.array([[5]]), None],
    ),
    "of one length": (
        pyarrow.array([[1, 2], None], pyarrow.list_(pyarrow.int32(), 2)),
        [numpy.array([1, 2], "i4"), None],
    ),
    "a part": (pyarrow.array([[0], [1, 2], [3]]).slice(1), [numpy.array([1, 2]), numpy.array([3])]),
    "a part of one length": (
        pyarrow.array([[0, 1], [2, 3]], pyarrow.list_(pyarrow.int64(), 2)).slice(1),
        [numpy.array([2, 3])],
    ),
}


@pytest.mark.parametrize("name", CELLS)
def test_cells(name):
    """A column of each type becomes these cells; null is None, and times are milliseconds, as DataVec has them."""
    column, expected = CELLS[name]

    assert expected == [row["x"] for row in read_arrow(written({"x": column}))]


@pytest.mark.parametrize("name", ARRAYS)
def test_lists_of_numbers_are_arrays(name):
    """A list of numbers is an array of its type, with an axis for each level."""
    column, expected = ARRAYS[name]
    cells = [row["x"] for row in read_arrow(written({"x": column}))]

    assert len(expected) == len(cells)
    for one, cell in zip(expected, cells, strict=True):
        if one is None:
            assert cell is None
        else:
            numpy.testing.assert_array_equal(one, cell, strict=True)


def test_tensors_of_one_shape_are_arrays():
    """A column of the extension type for tensors becomes arrays of its shape, their axes in its order."""
    kind = pyarrow.fixed_shape_tensor(pyarrow.int32(), [2, 3], permutation=[1, 0])
    storage = pyarrow.array([list(range(6)), None], pyarrow.list_(pyarrow.int32(), 6))
    column = pyarrow.FixedShapeTensorArray.from_storage(kind, storage)
    first, second = (row["x"] for row in read_arrow(written({"x": column})))

    assert [[0, 3], [1, 4], [2, 5]] == first.tolist()
    assert second is None


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"x": pyarrow.array([{"a": 1}])}, "'x' is of the type struct"),
        ({"x": pyarrow.array([[("a", 1)]], pyarrow.map_(pyarrow.string(), pyarrow.int64()))}, "is of the type map"),
        ({"x": pyarrow.array([[{"a": 1}]])}, "is of the type struct"),
        ({"x": pyarrow.array([[[1], [2, 3]]])}, "lists in row 0 of the column 'x' have different lengths"),
        ({"x": pyarrow.array([[[1], None]])}, "is null within another"),
        ({"x": pyarrow.array([[1, None]])}, "holds null"),
        ({"x": pyarrow.array([2**60], pyarrow.timestamp("s"))}, "broken"),
        ({"x": pyarrow.RunEndEncodedArray.from_arrays(pyarrow.array([5], pyarrow.int32()), ["a"])}, "run_end"),
    ],
)
def test_columns_that_are_not_read_are_told(columns, words):
    """What a record cannot hold is refused with the name of its column."""
    with pytest.raises(Refused) as refused:
        read_arrow(written(columns))

    assert words in str(refused.value)


def test_two_columns_of_one_name_are_refused():
    """A record has one cell for each name."""
    batch = pyarrow.record_batch([pyarrow.array([1]), pyarrow.array([2])], names=["x", "x"])

    with pytest.raises(Refused, match="the same name"):
        read_arrow(written(batch))


def test_texts_that_share_their_bytes_are_bounded():
    """Views of one text of a megabyte, a thousand times, are refused: they would be a thousand texts."""
    text = pyarrow.array(["x" * (1 << 20)], pyarrow.string_view())
    buffers = text.buffers()
    views = pyarrow.py_buffer(buffers[1].to_pybytes()[:16] * 1000)
    many = pyarrow.Array.from_buffers(pyarrow.string_view(), 1000, [None, views, *buffers[2:]])

    with pytest.raises(Refused, match="would take more than"):
        read_arrow(written({"x": many}))


def test_a_word_is_made_once():
    """Cells that mean the same word of a dictionary are one text, however long it is."""
    words = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * 100, pyarrow.int8()), ["x" * (1 << 20)])

    assert 1 == len({id(row["x"]) for row in read_arrow(written({"x": words}))})


def test_words_that_are_meant_often_are_bounded():
    """A long text that many rows mean costs a step as much for each: a thousand bytes must not become gigabytes."""
    words = pyarrow.DictionaryArray.from_arrays(numpy.zeros(300_000, "i4"), ["x" * 10_000])
    data = written({"s": words}, compression="zstd")

    assert len(data) < 2000
    with pytest.raises(Refused, match="'s' would take more than"):
        read_arrow(data)


def test_runs_of_a_word_are_bounded():
    """A word that is said to be repeated a million times is refused for the memory that its rows would take."""
    runs = pyarrow.RunEndEncodedArray.from_arrays(pyarrow.array([1 << 20], pyarrow.int32()), ["a"])

    with pytest.raises(Refused, match="too many at once"):
        read_arrow(written({"x": runs}))


def test_a_batch_without_rows_is_no_records():
    """A record batch may be empty, whatever its columns are."""
    batch = pyarrow.record_batch({"x": pyarrow.array([], pyarrow.list_(pyarrow.list_(pyarrow.int64())))})
    sink = BytesIO()
    with pyarrow.ipc.new_file(sink, batch.schema) as writer:
        writer.write_batch(batch)

    assert [] == read_arrow(sink.getvalue())


@pytest.mark.parametrize("kind", TYPES)
def test_arrays_in_records_keep_their_types(kind):
    """An array of records comes back with its type and shape, whatever the length of its first axis."""
    cells = [numpy.ones((2, 3), kind), None, numpy.zeros((0, 3), kind)]
    found = read_arrow(write_records([{"x": cell} for cell in cells]))

    assert found[1]["x"] is None
    for cell, row in zip(cells[::2], found[::2], strict=True):
        numpy.testing.assert_array_equal(cell, row["x"], strict=True)


rows = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "n": st.none() | st.integers(-(2**63), 2**63 - 1),
            "f": st.none() | st.floats(allow_nan=False),
            "s": st.none() | st.text(),
            "b": st.none() | st.booleans(),
            "y": st.none() | st.binary(),
        },
    )
)


@settings(deadline=None)
@given(rows=rows)
def test_records_come_back(rows):
    """What is written is read; a cell that a record had not is None."""
    names = dict.fromkeys(name for row in rows for name in row)

    assert [{name: row.get(name) for name in names} for row in rows] == read_arrow(write_records(rows))


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([2**64 - 1, 0], [2**64 - 1, 0]),
        ([numpy.float32(0.5), None], [0.5, None]),
        ([numpy.array(3), numpy.array(4)], [3, 4]),
        ([["a"], []], [["a"], []]),
        ([1, 2.5], [1.0, 2.5]),
    ],
)
def test_other_cells_are_written(cells, expected):
    """Large numbers, scalars of NumPy, arrays without axes and lists of texts are cells, too."""
    assert expected == [row["x"] for row in read_arrow(write_records([{"x": cell} for cell in cells]))]


@pytest.mark.parametrize(
    "cells", [[1, "a"], [2**64], [object()], [numpy.zeros(2), "a"], [numpy.zeros(2), numpy.eye(2)]]
)
def test_cells_without_a_common_type_are_refused(cells):
    """A column of Arrow has one type; what has none is refused with the name of the column."""
    with pytest.raises(Refused, match="The values of 'x' have no common type"):
        write_records([{"x": cell} for cell in cells])
