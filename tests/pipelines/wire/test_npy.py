"""`.npy` files."""

from __future__ import annotations

import tracemalloc
from io import BytesIO

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.pipelines.faults import Refused
from handlers.pipelines.wire.npy import read_npy, write_npy
from tests.pipelines.wire.arrays import same, some_arrays


def file(header, data=b"", version=1):
    """Return a file with this header."""
    text = header.encode()
    return b"\x93NUMPY" + bytes([version, 0]) + len(text).to_bytes(2 if version == 1 else 4, "little") + text + data


@given(array=some_arrays)
def test_what_is_written_numpy_loads_and_we_read(array):
    """A file that is written holds the same array, for NumPy and for us."""
    data = write_npy(array)

    same(array, read_npy(data))
    numpy.testing.assert_array_equal(array, numpy.load(BytesIO(data), allow_pickle=False))


@settings(deadline=None)
@given(array=some_arrays, version=st.sampled_from([(1, 0), (2, 0), (3, 0)]))
def test_what_numpy_has_saved_is_read(array, version):
    """A file of each version, order and byte order is read."""
    sink = BytesIO()
    numpy.lib.format.write_array(sink, array, version, allow_pickle=False)

    same(array, read_npy(memoryview(sink.getvalue())))


def test_a_file_is_what_numpy_writes():
    """An array in C order becomes, byte for byte, the file of version 1 that NumPy writes."""
    array = numpy.arange(6, dtype="<f4").reshape(2, 3)
    sink = BytesIO()
    numpy.save(sink, array)

    assert sink.getvalue() == write_npy(array)


def test_a_file_of_python_2_is_read():
    """Long numbers of Python 2 end with an L, its keys may stand in any order, and its quotes may be double."""
    data = file("{\"shape\": (2L, 1L), 'fortran_order': False, 'descr': '<i2'}\n", b"\x01\0\x02\0")

    assert [[1], [2]] == read_npy(data).tolist()


def test_booleans_are_false_or_true_whatever_byte_came():
    """A byte of 2 is true, as 1 is."""
    data = file("{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }", b"\x00\x02\x01")

    assert b"\x00\x01\x01" == read_npy(data).tobytes()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no .npy file"),
        (b"\x93NUMPY", "version is 0"),
        (b"\x93NUMPY\x09\x00", "version is 9"),
        (b"\x93NUMPY\x01\x00\x10", "cut short in its header"),
        (b"\x93NUMPY\x01\x00\x10\x00{", "cut short in its header"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff", "header has 4294967295 bytes"),
        (file("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"), "elements are '|O'"),
        (file("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }"), "elements are '<c8'"),
        (file("{'descr': '<U1', 'fortran_order': False, 'shape': (1,), }"), "elements are '<U1'"),
        (file("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }"), "elements are records"),
        (file("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }"), "header does not say"),
        (file("{'descr': '<f4', 'fortran_order': False, 'shape': (1,,2), }"), "shape (1,,2) is none"),
        (file("{'descr': '<f4', 'fortran_order': 1, 'shape': (1,), }"), "header does not say"),
        (file("{'descr': '<f4', 'shape': (1,), }"), "header does not say"),
        (file("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,), }"), "header does not say"),
        (file("__import__('os').abort()"), "header does not say"),
        (file("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", bytes(7)), "cut short"),
        (file("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", bytes(9)), "1 bytes more"),
        (file(f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({'1,' * 33}), }}", bytes(4)), "33 axes"),
        (file(f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({10**18}, 0, {10**18}), }}"), "too large"),
    ],
)
def test_what_is_no_array_of_numbers_is_refused(data, words):
    """A file that is wrong is refused, and it is told what is."""
    with pytest.raises(Refused) as refused:
        read_npy(data)

    assert words in str(refused.value)


def test_a_shape_takes_no_memory_before_its_bytes_are_there():
    """A few bytes that say that they are a terabyte are refused without room being made for it."""
    data = file("{'descr': '<f8', 'fortran_order': False, 'shape': (137438953472,), }", bytes(64))
    tracemalloc.start()
    try:
        with pytest.raises(Refused):
            read_npy(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 1 << 20


def test_an_array_is_copied_once():
    """Reading takes as much memory as the array, and writing as much as the file."""
    array = numpy.ones((1 << 10, 1 << 10), "f8")
    data = write_npy(array)
    peaks = []
    for do in (lambda: read_npy(data), lambda: write_npy(array)):
        tracemalloc.start()
        kept = do()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        del kept

    assert max(peaks) < array.nbytes + (1 << 16)


@pytest.mark.parametrize("array", [numpy.array(["a"]), numpy.array([1j]), numpy.array([None])])
def test_what_is_not_of_numbers_is_not_written(array):
    """Texts, complex numbers and objects are refused, and never pickled."""
    with pytest.raises(Refused, match="ND4J has no type"):
        write_npy(array)
