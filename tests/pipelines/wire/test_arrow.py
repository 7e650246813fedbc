"""Arrow: files, streams and tensors as they come."""

from __future__ import annotations

import numpy
import pyarrow
import pytest
from hypothesis import given, settings

from handlers.pipelines.faults import Refused
from handlers.pipelines.wire.arrow import read_arrow, write_records, write_tensor
from tests.pipelines.wire.arrays import same, some_arrays
from tests.pipelines.wire.arrowfiles import NEW, written

COLUMNS = {"n": [1, 2, None], "s": ["a", None, "ü"], "l": [[1.5], [], None]}


def plain(records):
    """Return records with lists for arrays, so that they can be compared."""
    return [{name: cell.tolist() if hasattr(cell, "tolist") else cell for name, cell in row.items()} for row in records]


ROWS = [{"n": 1, "s": "a", "l": [1.5]}, {"n": 2, "s": None, "l": []}, {"n": None, "s": "ü", "l": None}]


@pytest.fixture
def pool():
    """Arrow's memory, counted from now on."""
    before = pyarrow.default_memory_pool()
    counted = pyarrow.proxy_memory_pool(before)
    pyarrow.set_memory_pool(counted)
    yield counted
    pyarrow.set_memory_pool(before)


@pytest.mark.parametrize("kind", NEW)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "lz4"},
        {"compression": "zstd"},
        {"use_legacy_format": True, "metadata_version": pyarrow.ipc.MetadataVersion.V4},
    ],
)
def test_files_and_streams_are_read(kind, options):
    """A file and a stream, compressed or not, also as Arrow wrote them before version 0.15, are read as rows."""
    assert ROWS == plain(read_arrow(memoryview(written(COLUMNS, kind, **options))))


@pytest.mark.parametrize("kind", NEW)
def test_only_the_first_batch_is_read(kind):
    """Of several record batches the first is the input, as the API says."""
    table = pyarrow.chunked_array([[1, 2], [3]])

    assert [{"x": 1}, {"x": 2}] == read_arrow(written({"x": table}, kind))


@settings(deadline=None)
@given(array=some_arrays)
def test_a_tensor_is_read_as_it_was_written(array):
    """A tensor comes back as it was, as pyarrow reads it too; booleans come back as bytes."""
    data = write_tensor(array)
    expected = array.view("u1") if array.dtype.kind == "b" else array

    same(expected, read_arrow(data))
    numpy.testing.assert_array_equal(expected, pyarrow.ipc.read_tensor(pyarrow.BufferReader(data)).to_numpy())


def test_a_tensor_in_fortran_order_is_read():
    """The strides of a tensor say in which order its elements lie."""
    array = numpy.asfortranarray(numpy.arange(6.0).reshape(2, 3))
    sink = pyarrow.BufferOutputStream()
    pyarrow.ipc.write_tensor(pyarrow.Tensor.from_numpy(array), sink)
    head = sink.getvalue().to_pybytes()

    same(array, read_arrow(head))


def lying_tensor(length, stride):
    """Return a tensor of 37 rows of one byte that says that they are *length*, and *stride* bytes apart."""
    data = write_tensor(numpy.zeros((37, 1), "i1"))
    shape, one = (37).to_bytes(8, "little"), (1).to_bytes(8, "little")
    first, strides = data.rindex(shape), data.index(one + one)
    data = data[:first] + length.to_bytes(8, "little") + data[first + 8 :]
    return data[:strides] + stride.to_bytes(8, "little") + data[strides + 8 :]


@pytest.mark.parametrize(("length", "stride"), [(2**40, 0), (2**40, 1), (2**62, 1), (37, 2**40)])
def test_a_tensor_has_the_bytes_that_its_shape_needs(length, stride):
    """A tensor whose elements share their bytes, or lie outside of it, is refused before it is made larger."""
    assert (37, 1) == read_arrow(lying_tensor(37, 1)).shape

    with pytest.raises(Refused, match=r"needs|broken"):
        read_arrow(lying_tensor(length, stride))


@pytest.mark.parametrize("codec", ["lz4", "zstd"])
@pytest.mark.parametrize("column", ["zeros", "words"])
def test_what_would_become_too_large_is_not_decompressed(pool, codec, column):
    """A few kilobytes that become 256 megabytes are refused without room being made for them."""
    zeros = pyarrow.array(numpy.zeros(1 << 25))
    words = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0]), zeros)
    data = written({"x": {"zeros": zeros, "words": words}[column]}, compression=codec)
    before = pool.bytes_allocated()

    with pytest.raises(Refused, match="Decompressed it would have more than"):
        read_arrow(data)

    assert len(data) < 2 << 20
    assert pool.max_memory() - before < 300 << 20  # what it took to write it
    assert pool.bytes_allocated() - before < 1 << 20


@pytest.mark.parametrize("rows", [1 << 20, 1 << 40, 1 << 62])
def test_rows_of_nothing_are_counted(rows):
    """A column of nulls has no bytes, and yet its rows take memory."""
    data = written({"x": pyarrow.nulls(1237)})
    many = data.replace((1237).to_bytes(8, "little"), rows.to_bytes(8, "little"))

    assert 1237 == len(read_arrow(data))
    with pytest.raises(Refused, match="too many at once"):
        read_arrow(many)


@pytest.mark.parametrize("rows", [4 << 20, 1 << 24])
def test_rows_are_bounded(rows):
    """However few bytes a cell has, so many rows are refused."""
    with pytest.raises(Refused, match="too many at once"):
        read_arrow(written({"x": numpy.zeros(rows, "i1")}))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no record batch"),
        (b"ARROW1", "cut short"),
        (b"ARROW1\0\0", "cut short"),
        (written(COLUMNS)[:-1], "cut short"),
        (written(COLUMNS, "stream")[:100], "broken"),
        (b"\xff\xff\xff\xff\xff\xff\xff\x7f", "broken"),
        (b"\x93NUMPY" + bytes(100), "broken"),
        (written({"x": pyarrow.chunked_array([], pyarrow.int64())}), "no record batch"),
    ],
)
def test_what_is_no_arrow_is_refused(data, words):
    """Bytes that are wrong are refused, and it is told what is."""
    with pytest.raises(Refused) as refused:
        read_arrow(data)

    assert words in str(refused.value)


def test_what_lies_outside_is_refused():
    """A column whose offsets lead out of its text is not read."""
    data = written({"x": ["abc", "defgh"]}, "stream")
    offsets = (3).to_bytes(4, "little") + (8).to_bytes(4, "little")

    with pytest.raises(Refused, match="broken"):
        read_arrow(data.replace(offsets, (3).to_bytes(4, "little") + (99).to_bytes(4, "little")))


def test_records_come_back_as_they_were():
    """Records are written as a file that holds the same."""
    data = write_records(read_arrow(written(COLUMNS)))

    assert data.startswith(b"ARROW1")
    assert ROWS == plain(read_arrow(data))
    assert ["n", "s", "l"] == pyarrow.ipc.open_file(data).schema.names
