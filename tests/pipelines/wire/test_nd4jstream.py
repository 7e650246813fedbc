"""What `Nd4j.write` writes. The head is of a file that Java wrote; the file itself is not to be had here."""

from __future__ import annotations

import struct

import numpy
import pytest
from hypothesis import given

from handlers.pipelines.faults import Refused
from handlers.pipelines.wire.nd4j import read_nd4j
from handlers.pipelines.wire.nd4jstream import is_stream, read_nd4j_stream, write_nd4j_stream
from tests.pipelines.wire.arrays import same, some_arrays


def text(name):
    """Return a name as `writeUTF` of Java writes it."""
    return struct.pack(">H", len(name)) + name.encode()


def buffer(data, kind="FLOAT", mode="MIXED_DATA_TYPES", count=None):
    """Return a buffer of elements that are big-endian already."""
    length = struct.pack(
        ">q" if mode in ("MIXED_DATA_TYPES", "LONG_SHAPE") else ">i", len(data) if count is None else count
    )
    return text(mode) + length + text(kind) + data.tobytes()


def words(*numbers, kind=">i8"):
    """Return numbers that tell a shape."""
    return numpy.array(numbers, kind)


FLOATS = numpy.array([1, 2], ">f4")
SHAPE = buffer(words(1, 2, 1, 8192, 1, 99), "LONG")


def test_the_head_of_a_file_of_java():
    """A row of 639893 floats begins as `coefficients.bin` of a network that DL4J has saved."""
    head = text("MIXED_DATA_TYPES") + bytes.fromhex("0000000000000008") + text("LONG")
    head += struct.pack(">8q", 2, 1, 639893, 1, 1, 8192, 1, 99)
    head += text("MIXED_DATA_TYPES") + struct.pack(">q", 639893) + text("FLOAT")
    data = write_nd4j_stream(numpy.full((1, 639893), 0.5, "f4"))

    assert head == data[: len(head)]
    assert 2_559_701 == len(data)  # as long as that file


@given(array=some_arrays)
def test_what_is_written_is_read(array):
    """An array of any type, shape, order and byte order comes back as it was, and is known for what it is."""
    data = write_nd4j_stream(array)

    assert is_stream(data)
    same(array, read_nd4j_stream(memoryview(data)))
    same(array, read_nd4j(data))


@pytest.mark.parametrize("mode", ["MIXED_DATA_TYPES", "LONG_SHAPE", "DIRECT", "HEAP", "JAVACPP"])
def test_both_ways_to_tell_a_length_are_read(mode):
    """The allocation mode says whether a length has eight bytes or four."""
    data = buffer(words(1, 2, 1, 8192, 1, 99), "LONG", mode) + buffer(FLOATS, mode=mode)

    assert [1.0, 2.0] == read_nd4j(data).tolist()


def test_an_old_file_tells_its_shape_in_ints():
    """Old files have an offset where there are options now; whatever it is, it is not taken for options."""
    shape = buffer(words(2, 1, 2, 2, 1, 12, 1, 102, kind=">i4"), "INT", "DIRECT")

    assert [[1.0, 2.0]] == read_nd4j(shape + buffer(FLOATS, mode="DIRECT")).tolist()


def test_bfloat16_is_read_as_float32():
    """NumPy has no BFLOAT16, which is the upper half of a float."""
    halves = (numpy.array([1.5, -2.0], "f4").view("u4") >> 16).astype(">u2")
    data = buffer(words(1, 2, 1, 2048, 1, 99), "LONG") + buffer(halves, "BFLOAT16")

    same(numpy.array([1.5, -2.0], "f4"), read_nd4j(data))


@pytest.mark.parametrize("rest", [b"", buffer(words(kind=">f4"))])
def test_an_empty_array_may_lack_its_second_buffer(rest):
    """Whether there is a buffer of no elements or none, the type is known by the options."""
    data = buffer(words(2, 0, 3, 0, 0, 8192 | 8, 1, 99), "LONG") + rest

    same(numpy.zeros((0, 3), "f4"), read_nd4j(data))


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "cut short in the head"),
        (text("ELSEWHERE"), "no allocation mode"),
        (b"\xff\xff" + bytes(100), "65535 bytes"),
        (text("DIRECT") + b"\0\0", "cut short in the head"),
        (SHAPE, "cut short in the head"),
        (SHAPE[:-1], "cut short in its shape"),
        (SHAPE + buffer(FLOATS)[:-1], "2 elements of FLOAT, and 7 bytes"),
        (SHAPE + buffer(FLOATS) + b"x", "2 elements of FLOAT, and 9 bytes"),
        (SHAPE + buffer(FLOATS, count=2**62), "4611686018427387904 elements"),
        (SHAPE + buffer(FLOATS, count=-1), "-1 elements"),
        (SHAPE + buffer(FLOATS, "UTF8"), "'UTF8' are not read"),
        (SHAPE + buffer(FLOATS, "COMPRESSED"), "'COMPRESSED' are not read"),
        (SHAPE + buffer(FLOATS[:1]), "cut short: its shape [2]"),
        (buffer(words(1, 2, 1, 8192, 1, 99), "FLOAT"), "numbers of FLOAT"),
        (buffer(words(1, 2, 1, 8192, 1, 99), "LONG", count=2**40), "1099511627776 numbers"),
        (buffer(words(1, 2, 1, 8192, 1, 99), "LONG", count=-1), "-1 numbers"),
        (buffer(words(3, 2, 1, 8192, 1, 99), "LONG"), "3 axes need 10"),
        (buffer(words(kind=">i8"), "LONG"), "-1 axes"),
        (buffer(words(1, 2, 1, 8192 | 4, 1, 99), "LONG") + buffer(FLOATS), "compressed"),
    ],
)
def test_what_is_no_array_is_refused(data, told):
    """Bytes that are wrong are refused, and it is told what is."""
    with pytest.raises(Refused) as refused:
        read_nd4j_stream(data)

    assert told in str(refused.value)


def test_what_is_no_stream_is_taken_for_binaryserde():
    """The two formats are told apart by the name that a stream begins with."""
    assert not is_stream(b"")
    assert not is_stream(b"\x00\x10MIXED_DATA_TYPE")
    assert not is_stream(struct.pack("<ii", 2, 1))
