"""Rows of one large array that stays in its file."""

from __future__ import annotations

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.pipelines import largearray
from handlers.pipelines.faults import Refused, Unusable
from handlers.pipelines.largearray import LargeArray, wide
from handlers.pipelines.wire.binaryserde import write_binaryserde
from handlers.pipelines.wire.nd4jstream import write_nd4j_stream
from tests.pipelines.wire.arrays import some_arrays

TABLE = numpy.arange(12, dtype="f4").reshape(4, 3)


def saved(folder, array, name="array.npy"):
    """Return the file of an array, of the format that its name says."""
    path = folder / name
    if name.endswith("npy"):
        numpy.save(path, array)
    else:
        path.write_bytes(write_binaryserde(array))
    return path


@pytest.fixture(params=["array.npy", "array.bin"])
def table(request, tmp_path):
    """Four rows of three numbers, in a file of each format, and a row that stands for others."""
    unknown = saved(tmp_path, numpy.full(3, -1, "f4"), f"other-{request.param}")
    return LargeArray(saved(tmp_path, TABLE, request.param), unknown)


def test_rows_are_read_from_either_format(table):
    """All of them, those of a range, and those of some numbers in their order."""
    assert TABLE.tolist() == table.whole().tolist()
    assert TABLE[1:3].tolist() == table.between(1, 3).tolist()
    assert TABLE[[3, 0, 3]].tolist() == table.at([3, 0, 3]).tolist()
    assert [[-1] * 3, [0, 1, 2], [-1] * 3] == table.at([-1, 0, -(2**53)]).tolist()


@given(array=some_arrays.filter(lambda array: array.ndim and array.size), data=st.data())
def test_any_rows_of_any_array_are_its_rows(tmp_path_factory, array, data):
    """Whatever type and layout an array has, in either format, a range and numbers pick what NumPy picks."""
    name = data.draw(st.sampled_from(("array.npy", "array.bin")))
    large = LargeArray(saved(tmp_path_factory.mktemp("large"), array, name))
    start = data.draw(st.integers(0, len(array) - 1))
    stop = data.draw(st.integers(start + 1, len(array)))
    numbers = data.draw(st.lists(st.integers(0, len(array) - 1), min_size=1, max_size=5))

    numpy.testing.assert_array_equal(array[start:stop], large.between(start, stop))
    numpy.testing.assert_array_equal(array[numbers], large.at(numbers))


@pytest.mark.parametrize(
    ("start", "stop", "place"), [(0, 0, "start"), (2, 1, "start"), (0, 5, "stop"), (4, 5, "stop"), (-1, 2, "stop")]
)
def test_ranges_that_are_none_are_refused(table, start, stop, place):
    """Empty, turned round, or beyond the last row; the parameter is named."""
    with pytest.raises(Refused, match="There are 4 rows") as told:
        table.between(start, stop)
    assert place == told.value.place


def test_numbers_that_are_none_are_refused(tmp_path):
    """Beyond the last row, or negative where no row stands for others; with the place in the list."""
    large = LargeArray(saved(tmp_path, TABLE))

    with pytest.raises(Refused, match="none has the number 4") as told:
        large.at([0, 4])
    assert "/1" == told.value.place
    with pytest.raises(Refused, match="unkVectorPath is not set") as told:
        large.at([1, 2, -1])
    assert "/2" == told.value.place


def test_what_changes_an_answer_changes_no_file(table):
    """What is given is a copy."""
    table.between(0, 4)[:] = 9
    table.at([0])[:] = 9

    assert TABLE.tolist() == table.whole().tolist()


def test_more_than_may_be_answered_is_refused(tmp_path, monkeypatch):
    """Rows are counted in bytes before they are read, also where one is asked for often."""
    large = LargeArray(saved(tmp_path, TABLE))
    monkeypatch.setattr(largearray, "MOST_BYTES", 3 * 3 * 4)

    assert 3 == len(large.between(1, 4))
    for pick in (large.whole, lambda: large.at([0] * 4), lambda: large.between(0, 4)):
        with pytest.raises(Refused, match="48 bytes; 36 are the most"):
            pick()


def test_one_element_has_two_axes_in_binary(tmp_path):
    """As Konduit has it; more elements keep their shape."""
    large = LargeArray(saved(tmp_path, numpy.linspace(1, 4, 4)))

    assert [[1]] == wide(large.between(0, 1)).tolist()
    assert [1, 2] == wide(large.between(0, 2)).tolist()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("array.npy", b""),
        ("array.npy", b"garbage"),
        ("array.bin", b""),
        ("array.bin", b"garbage" * 10),
        ("array.bin", write_binaryserde(TABLE)[:-1]),
        ("array.bin", write_nd4j_stream(TABLE)),
    ],
)
def test_files_that_are_no_arrays_are_told(tmp_path, name, data):
    """An empty file, garbage, one that is cut short, another format of ND4J."""
    (tmp_path / name).write_bytes(data)
    with pytest.raises(Unusable, match="cannot be read as an array"):
        LargeArray(tmp_path / name)


@pytest.mark.parametrize(
    "array",
    [numpy.array([{}, print], object), numpy.array(["a"]), numpy.array([(1, 2)], "i4,f4"), numpy.array([1j])],
    ids=["pickles", "text", "records", "complex"],
)
def test_only_numbers_are_rows(tmp_path, array):
    """Pickles, which would run code, and types that no answer has are told when the file is opened."""
    numpy.save(tmp_path / "array.npy", array, allow_pickle=True)
    with pytest.raises(Unusable, match="cannot be read as an array"):
        LargeArray(tmp_path / "array.npy")


def test_an_archive_is_no_array(tmp_path):
    """NumPy would open a file of several arrays by its first bytes, whatever it is called."""
    numpy.savez(tmp_path / "several.npz", TABLE)
    (tmp_path / "several.npz").rename(tmp_path / "array.npy")
    with pytest.raises(Unusable, match="cannot be read as an array"):
        LargeArray(tmp_path / "array.npy")


def test_no_rows_are_an_empty_array(tmp_path):
    """An array that has columns and no rows is answered whole."""
    assert (0, 3) == LargeArray(saved(tmp_path, numpy.zeros((0, 3)))).whole().shape


def test_a_row_has_to_fit(tmp_path):
    """The one that stands for others has as many elements as a row; a single number has no rows."""
    path = saved(tmp_path, TABLE)
    with pytest.raises(Unusable, match="4 elements, and a row of the array 3") as told:
        LargeArray(path, saved(tmp_path, numpy.zeros(4), "other.npy"))
    assert "/memMapConfig/unkVectorPath" == told.value.place
    with pytest.raises(Unusable, match="no rows"):
        LargeArray(saved(tmp_path, numpy.float32(1), "one.npy"))
