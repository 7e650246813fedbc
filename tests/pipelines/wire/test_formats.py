"""Formats by the words of the API."""

from __future__ import annotations

from io import BytesIO

import numpy
import orjson
import pytest
from PIL import Image

from handlers.pipelines.faults import Refused
from handlers.pipelines.wire.formats import READERS, WRITERS, read, write
from handlers.pipelines.wire.nd4jstream import write_nd4j_stream
from tests.pipelines.wire.arrays import same

ARRAY = numpy.array([[1, 2, 3]], "f4")


@pytest.mark.parametrize("word", ["NUMPY", "ND4J", "ARROW"])
def test_a_format_that_is_answered_can_be_sent(word):
    """What was written in a format is read in it."""
    content_type, data = write(word, ARRAY)

    assert "application/octet-stream" == content_type
    same(ARRAY, read(word, memoryview(data)))


def test_nd4j_is_read_in_both_of_its_formats():
    """An upload of ND4J may be what `Nd4j.saveBinary` has saved."""
    same(ARRAY, read("ND4J", memoryview(write_nd4j_stream(ARRAY))))


def test_json_is_a_document():
    """An array becomes an object of JSON."""
    content_type, data = write("JSON", ARRAY)

    assert "application/json" == content_type
    assert {"dataType": "FLOAT", "shape": [1, 3], "data": [1.0, 2.0, 3.0]} == orjson.loads(data)


def test_records_go_as_arrow():
    """Arrow holds records, too; the other formats hold arrays."""
    _, data = write("ARROW", [{"x": "a"}])

    assert [{"x": "a"}] == read("ARROW", memoryview(data))
    for word in ("NUMPY", "ND4J", "JSON"):
        with pytest.raises(Refused, match="Records are no array"):
            write(word, [{"x": 1}])


def test_images_are_read():
    """An image becomes an array of bytes."""
    sink = BytesIO()
    Image.new("RGB", (3, 2)).save(sink, "PNG")

    same(numpy.zeros((2, 3, 3), "u1"), read("IMAGE", memoryview(sink.getvalue())))


def test_the_words_are_those_of_the_specification():
    """There is a reader and a writer for each word, and for no other."""
    assert {"NUMPY", "ND4J", "ARROW", "IMAGE"} == READERS.keys()
    assert {"NUMPY", "ND4J", "ARROW", "JSON"} == WRITERS.keys()
    with pytest.raises(Refused, match="Files are not read as 'JSON'"):
        read("JSON", memoryview(b""))
    with pytest.raises(Refused, match="Nothing is written as 'IMAGE'"):
        write("IMAGE", ARRAY)
