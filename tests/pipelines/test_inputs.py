"""What comes, as values of a pipeline's inputs, where whole requests do not reach."""

from __future__ import annotations

from io import BytesIO

import numpy
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from handlers.pipelines.config import read_configuration
from handlers.pipelines.faults import Refused
from handlers.pipelines.inputs import from_files, input_of, read, together
from handlers.pipelines.loaded import tailored
from handlers.pipelines.pipeline import load_pipeline
from handlers.pipelines.words import JSON
from handlers.spec.documents import read_generated
from tests.pipelines.made import python_step, write
from tests.pipelines.wire.arrowfiles import written

NAMES = st.text(min_size=1, max_size=20).filter(lambda name: name.isprintable() and name[-1] != "]")


def configured(folder, **members):
    """Return the configuration of code with a variable that may be there."""
    code = "c = a + (b or 0)"
    return read_configuration(write(folder, {"steps": [python_step(code, {"a": "INT"}, {"c": "INT"}, **members)]}))


def asked(configuration, rows):
    """Return what a pipeline makes of rows of JSON."""
    batch = read(configuration, JSON, [("", memoryview(orjson.dumps(rows)))])
    return load_pipeline(configuration, configuration.folder).run(batch)["default"]


def test_a_further_variable_may_come_and_need_not(tmp_path):
    """Names of `extraInputs` are columns that a row may have; others stay refused."""
    configuration = configured(tmp_path, extraInputs={"b": "INT"})

    assert [{"c": 3}, {"c": 1}, {"c": 1}] == asked(configuration, [{"a": 1, "b": 2}, {"a": 1}, {"a": 1, "b": None}])
    with pytest.raises(Refused, match="'d', which is no column"):
        asked(configuration, {"a": 1, "d": 2})
    with pytest.raises(Refused, match="has no 'a'"):
        asked(configuration, {"b": 1})


def test_the_document_tells_of_further_variables(tmp_path):
    """Clients that are generated have an argument for each, of which only the inputs are needed."""
    (api,) = (one for one in read_generated() if one.name == "konduit")
    document = tailored(api.document, configured(tmp_path, extraInputs={"b": "STR"}))

    row = document["components"]["schemas"]["Row"]

    assert ["a"] == row["required"]
    assert {"a": "integer", "b": "string"} == {name: one["type"] for name, one in row["properties"].items()}


@given(NAMES, st.integers(0, 999_999))
def test_a_numbered_part_is_for_its_input(name, number):
    """`x[2]` is the third file of `x`, and `x` its first, whatever else the name holds."""
    assert (name, number) == input_of(f"{name}[{number}]", [name, "other"])
    assert (name, 0) == input_of(name, [name, "other"])


def test_a_name_is_looked_for_as_it_stands_first():
    """Brackets and spaces may belong to the name of an input; only then they are read as numbers and colons."""
    assert ("x[1]", 0) == input_of("x[1]", ["x[1]", "x"])
    assert ("x", 2) == input_of("x[2]", ["x[1]", "x"])
    assert ("a b", 0) == input_of("a b", ["a:b", "a b"])
    assert ("a:b", 3) == input_of("a b[3]", ["a:b"])
    for part in ("x[1", "x[-1]", "x[1234567]", "[0]", "y", ""):
        with pytest.raises(Refused, match="no input of this name"):
            input_of(part, ["x"])


def test_files_of_one_input_are_together():
    """Arrays of one shape are stacked, of several shapes they are records, and records follow each other."""
    one, two = numpy.zeros(2), numpy.ones(2)

    assert [[0, 0], [1, 1]] == together([one, two], "x").tolist()
    assert [(2,), (3,)] == [row["x"].shape for row in together([one, numpy.zeros(3)], "x")]
    assert [{"a": 1}, {"a": 2}] == together([[{"a": 1}], [{"a": 2}]], "x")


def png(width, height):
    """Return a black image as a PNG file, which has few bytes."""
    sink = BytesIO()
    Image.new("RGB", (width, height)).save(sink, "PNG")
    return sink.getvalue()


@pytest.mark.parametrize(
    ("comes", "data", "beyond"),
    [
        ("IMAGE", png(5000, 4000), 4),
        ("ARROW", written({"n": numpy.zeros(1_000_000)}, compression="zstd"), 1),
    ],
)
def test_small_files_do_not_become_much_together(comes, data, beyond):
    """Each is within the bound of its format; what all of them would take is refused by the part that is too much."""
    assert len(data) < 200_000

    with pytest.raises(Refused, match="send fewer at once") as refused:
        from_files(["x"], comes, [(f"x[{number}]", memoryview(data)) for number in range(8)])

    assert f"x[{beyond}]" == refused.value.place
