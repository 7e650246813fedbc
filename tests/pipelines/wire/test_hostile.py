"""Readers are sent what strangers send."""

from __future__ import annotations

import tracemalloc
from contextlib import suppress
from io import BytesIO

import numpy
import pyarrow
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from handlers.pipelines.faults import Refused
from handlers.pipelines.wire.arrow import write_tensor
from handlers.pipelines.wire.binaryserde import write_binaryserde
from handlers.pipelines.wire.formats import READERS
from handlers.pipelines.wire.nd4jstream import write_nd4j_stream
from handlers.pipelines.wire.npy import write_npy
from tests.pipelines.wire.arrowfiles import written

ROOM_BYTES = 128 << 20  #: in Python and NumPy, for a few hundred bytes that lie as much as they can
ARRAYS = (numpy.arange(6, dtype="f4").reshape(2, 3), numpy.zeros((0, 3), "i2"), numpy.array([True, False]))
COLUMNS = {
    "n": [1, None, 3],
    "s": ["a", None, "ü"],
    "m": [[[1, 2], [3, 4]], None, [[5, 6]]],
    "f": pyarrow.array([[1, 2], None, [3, 4]], pyarrow.list_(pyarrow.int8(), 2)),
    "d": pyarrow.array(["a", "b", "a"]).dictionary_encode(),
    "v": pyarrow.array(["a", None, "x" * 30], pyarrow.string_view()),
}


def images():
    """Return an image in each format."""
    image = Image.fromarray(numpy.arange(300, dtype="u1").reshape(10, 10, 3))
    for kind in ("PNG", "JPEG", "BMP", "GIF", "WEBP"):
        sink = BytesIO()
        image.save(sink, kind)
        yield sink.getvalue()


FILES = {
    "NUMPY": [write_npy(array) for array in ARRAYS],
    "ND4J": [write(array) for array in ARRAYS for write in (write_binaryserde, write_nd4j_stream)],
    "ARROW": [
        *(write_tensor(array) for array in ARRAYS),
        *(written(COLUMNS, kind, compression=codec) for kind in ("file", "stream") for codec in (None, "lz4", "zstd")),
    ],
    "IMAGE": list(images()),
}
EXTREMES = [b"\xff" * 4, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", bytes(4), b"\xff" * 8, b"\xff" * 7 + b"\x7f"]
edits = st.lists(
    st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=4) | st.sampled_from(EXTREMES)),
    min_size=1,
    max_size=4,
)


def read_or_refuse(word, data):
    """Read; nothing but `Refused` may be raised, and memory has to stay in bounds."""
    tracemalloc.start()
    try:
        with suppress(Refused):
            READERS[word](memoryview(data))
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < ROOM_BYTES


@pytest.mark.parametrize("word", READERS)
@settings(deadline=None, max_examples=50)
@given(data=st.binary(max_size=300))
def test_random_bytes_are_refused(word, data):
    """Bytes of no format are refused, by each reader."""
    read_or_refuse(word, data)


@pytest.mark.parametrize("word", READERS)
@settings(deadline=None, max_examples=100)
@given(data=st.data())
def test_files_that_are_cut_short_are_refused(word, data):
    """A file of which the end is missing is refused, or is read as what is there."""
    file = data.draw(st.sampled_from(FILES[word]))

    read_or_refuse(word, file[: data.draw(st.integers(0, len(file) - 1))])


@pytest.mark.parametrize("word", READERS)
@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_files_that_were_changed_do_no_harm(word, data):
    """A file in which some bytes are others is read or refused, and takes no more memory than it may."""
    changed = bytearray(data.draw(st.sampled_from(FILES[word])))
    for where, other in data.draw(edits):
        at = int(where * len(changed))
        changed[at : at + len(other)] = other

    read_or_refuse(word, bytes(changed))
