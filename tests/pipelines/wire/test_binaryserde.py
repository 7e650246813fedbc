"""BinarySerde of ND4J. The vectors are computed from its layout: no file that Java wrote is to be had."""

from __future__ import annotations

import struct

import numpy
import pytest
from hypothesis import given

from handlers.pipelines.faults import Refused
from handlers.pipelines.wire.binaryserde import read_binaryserde, write_binaryserde
from handlers.pipelines.wire.nd4j import read_nd4j
from tests.pipelines.wire.arrays import same, some_arrays

ONE_AXIS = "0100000000000000 {length}00000000000000 0100000000000000 {options} 0100000000000000 6300000000000000"
VECTORS = {
    "floats": (
        numpy.array([1, 2], "f4"),
        "01000000 01000000" + ONE_AXIS.format(length="02", options="0020000000000000") + "0000803f 00000040",
    ),
    "a single double": (
        numpy.array(1.0),
        "00000000 00000000 0000000000000000 0040000000000000 0100000000000000 6300000000000000 000000000000f03f",
    ),
    "booleans": (
        numpy.array([True, False, True]),
        "01000000 08000000" + ONE_AXIS.format(length="03", options="0000080000000000") + "010001",
    ),
    "unsigned bytes": (
        numpy.array([7, 255], "u1"),
        "01000000 06000000" + ONE_AXIS.format(length="02", options="0080800000000000") + "07ff",
    ),
}
ORDINALS = {
    **{"f8": 0, "f4": 1, "f2": 2, "i8": 3, "i4": 4, "i2": 5, "u1": 6, "i1": 7, "?": 8},
    **{"u2": 12, "u4": 13, "u8": 14},
}
OPTIONS = {
    **{"f2": 4096, "f4": 8192, "f8": 16384, "i1": 32768, "i2": 65536, "i4": 131072, "i8": 262144, "?": 524288},
    **{"u1": 8388608 + 32768, "u2": 8388608 + 65536, "u4": 8388608 + 131072, "u8": 8388608 + 262144},
}


def serde(rank, ordinal, words, data=b""):
    """Return bytes that say this."""
    return struct.pack("<ii", rank, ordinal) + struct.pack(f"<{len(words)}q", *words) + data


@pytest.mark.parametrize("name", VECTORS)
def test_vectors(name):
    """Each array is written as these bytes, and these bytes are read as this array."""
    array, text = VECTORS[name]

    assert bytes.fromhex(text) == write_binaryserde(array)
    same(array, read_binaryserde(bytes.fromhex(text)))


def test_a_matrix():
    """A matrix of 2 times 3 floats has 96 bytes, and strides in elements."""
    data = write_binaryserde(numpy.arange(6, dtype="f4").reshape(2, 3))

    assert 96 == len(data)
    assert (2, 2, 3, 3, 1, 8192, 1, 99) == struct.unpack_from("<8q", data, 8)


@pytest.mark.parametrize("shape", [(1, 5), (5, 1), (1, 1)])
def test_a_row_and_a_column_have_strides_of_one(shape):
    """ND4J tells both strides of a row, or a column, as 1."""
    data = write_binaryserde(numpy.zeros(shape, "f4"))

    assert (1, 1) == struct.unpack_from("<2q", data, 8 + 3 * 8)


@pytest.mark.parametrize("name", ORDINALS)
def test_each_type_has_its_number_and_its_options(name):
    """A type is written by its ordinal and by its bits in the options."""
    data = write_binaryserde(numpy.zeros(2, name))

    assert ORDINALS[name] == struct.unpack_from("<i", data, 4)[0]
    assert OPTIONS[name] == struct.unpack_from("<q", data, 8 + 3 * 8)[0]


@given(array=some_arrays)
def test_what_is_written_is_read(array):
    """An array of any type, shape, order and byte order comes back as it was."""
    data = write_binaryserde(array)

    same(array, read_binaryserde(memoryview(data)))
    same(array, read_nd4j(data))


def test_fortran_order_is_read():
    """With the order f, the first axis runs fastest."""
    data = serde(2, 1, [2, 2, 3, 1, 2, 8192, 1, 102], numpy.arange(6, dtype="<f4").tobytes())

    assert [[0, 2, 4], [1, 3, 5]] == read_binaryserde(data).tolist()


def test_strides_are_not_looked_at():
    """Whatever strides are told, the elements lie one behind the other."""
    data = serde(2, 1, [2, 2, 1, 77, -5, 8192, 0, 99], numpy.array([1, 2], "<f4").tobytes())

    assert [[1], [2]] == read_binaryserde(data).tolist()


def test_bfloat16_is_read_as_float32():
    """NumPy has no BFLOAT16, which is the upper half of a float."""
    halves = (numpy.array([1.5, -2.0, numpy.inf], "<f4").view("<u4") >> 16).astype("<u2")
    found = read_binaryserde(serde(1, 11, [1, 3, 1, 2048, 1, 99], halves.tobytes()))

    same(numpy.array([1.5, -2.0, numpy.inf], "f4"), found)


@pytest.mark.parametrize(("words", "shape"), [([0, 8192 | 8, 1, 99], (0,)), ([2, 0, 3, 0, 0, 8192 | 8, 1, 99], (0, 3))])
def test_an_empty_array_is_read(words, shape):
    """ND4J's empty arrays have no elements; one without axes, which NumPy has not, becomes one of length 0."""
    found = read_binaryserde(serde(words[0], 1, words))

    assert (shape, numpy.dtype("f4")) == (found.shape, found.dtype)


def test_an_empty_array_is_written_as_such():
    """Its options say that it is empty."""
    assert 8192 | 8 == struct.unpack_from("<q", write_binaryserde(numpy.zeros((0, 3), "f4")), 8 + 5 * 8)[0]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "It has 0 bytes"),
        (serde(-1, 1, []), "-1 axes"),
        (serde(33, 1, [33] * 70), "33 axes"),
        (serde(2**31 - 1, 1, []), "2147483647 axes"),
        (serde(1, 9, [1, 1, 1, 1 << 20, 1, 99], bytes(4)), "UTF8"),
        (serde(1, 10, [1, 1, 1, 4, 1, 99], bytes(4)), "COMPRESSED"),
        (serde(1, 15, [1, 1, 1, 0, 1, 99], bytes(4)), "UNKNOWN"),
        (serde(1, 16, [1, 1, 1, 0, 1, 99], bytes(4)), "number of its type is 16"),
        (serde(1, 1, [1, 1, 1]), "cut short"),
        (serde(1, 1, [2, 1, 1, 8192, 1, 99], bytes(4)), "again that it has 2"),
        (serde(1, 1, [1, 1, 1, 8192, 1, 98], bytes(4)), "order is 98"),
        (serde(1, 1, [1, 1, 1, 8192 | 4, 1, 99], bytes(4)), "compressed"),
        (serde(1, 1, [1, 1, 1, 8192 | 2, 1, 99], bytes(4)), "sparse"),
        (serde(1, 1, [1, 1, 1, 8192 | 8, 1, 99], bytes(4)), "says that it is empty"),
        (serde(1, 1, [1, -1, 1, 8192, 1, 99], bytes(4)), "negative"),
        (serde(1, 1, [1, 2**62, 1, 8192, 1, 99], bytes(4)), "cut short"),
        (serde(1, 1, [1, 1, 1, 8192, 1, 99], bytes(5)), "1 bytes more"),
    ],
)
def test_what_is_no_array_is_refused(data, words):
    """Bytes that are wrong are refused, and it is told what is."""
    with pytest.raises(Refused) as refused:
        read_binaryserde(data)

    assert words in str(refused.value)


@pytest.mark.parametrize("array", [numpy.array(["a"]), numpy.array([1j])])
def test_what_nd4j_has_no_type_for_is_not_written(array):
    """Texts and complex numbers are refused."""
    with pytest.raises(Refused, match="ND4J has no type"):
        write_binaryserde(array)
