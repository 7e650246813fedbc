"""Tables that strangers make: large ones in few bytes, broken ones, and values that are none."""

from __future__ import annotations

import io
import json
import tracemalloc
from contextlib import suppress
from itertools import islice

import numpy
import pandas
import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from handlers.errors import Unprocessable
from handlers.models.batches import SMALL_BYTES, UNPACKED_BYTES
from handlers.models.reading import read_table
from handlers.models.writing import TYPES
from tests.models import bombs

MOST_PIECES = 20
NAMES = ("x0", "x1", "x2", "x3")


@pytest.fixture(scope="module")
def numbered(client):
    """An endpoint whose inputs are called x0 to x3."""
    data = load_iris()
    return client.endpoint_of(client.upload(LogisticRegression(max_iter=500).fit(data.data, data.target)))["id"]


@pytest.fixture
def ask(client, numbered):
    """Sends a table, and returns the answer."""

    def ask(data, kind, expect=200, endpoint=None, **more):
        query = {"endpoint_id": endpoint or numbered, "output": "csv"}
        path = "/ops/predictions/batch"
        answer = client.client.post(path, data=data, content_type=TYPES[kind], query_string=query, **more)
        assert expect == answer.status_code, answer.text
        return answer

    return ask


def as_parquet(table, **more):
    """Return a Parquet file."""
    target = io.BytesIO()
    parquet.write_table(table, target, **more)
    return target.getvalue()


def as_arrow(table):
    """Return a stream."""
    target = io.BytesIO()
    with pyarrow.ipc.new_stream(target, table.schema) as stream:
        stream.write_table(table)
    return target.getvalue()


def equal(rows, **more):
    """Return a table with a row many times."""
    return pyarrow.table({name: numpy.full(rows, 1.5, numpy.float32) for name in NAMES} | more)


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_many_rows_in_few_bytes_are_a_job(ask, kind):
    """What counts is how many rows a table has, not how many bytes they take."""
    small = pyarrow.table({name: numpy.ones(60_000, numpy.int8) for name in NAMES})

    data = as_parquet(small) if kind == "parquet" else as_arrow(small)

    assert len(data) < 1 << 19
    ask(data, kind, 202)


def test_what_is_large_unpacked_is_a_job_or_refused(ask):
    """However few bytes are sent: a web process unpacks no more than a small table has."""
    zeros = pyarrow.record_batch({name: numpy.zeros(1000) for name in NAMES})
    texts = zeros.append_column("text", pyarrow.array(["x" * (40 << 10)] * 1000))
    large = bombs.stream(texts, compression="zstd")
    claims = bombs.stream(zeros, compression="zstd").replace(bombs.int64(8000), bombs.int64(1 << 40))

    assert len(large) < SMALL_BYTES < UNPACKED_BYTES < texts.nbytes
    ask(large, "arrow", 202)
    assert "Write smaller record batches." in ask(claims, "arrow", 422).text
    assert "bytes that it tells" in ask(bombs.page(200 << 20, names=NAMES), "parquet", 422).text


def test_a_table_has_a_most_of_rows(ask):
    """It is told before anything is read."""
    data = as_parquet(pyarrow.table({name: pyarrow.nulls(110_000_000) for name in NAMES}), compression="zstd")

    assert "100000000 are allowed" in ask(data, "parquet", 413).text


def test_a_column_that_is_no_input_is_not_read(numbered, here, tmp_path):
    """However much of it there is once it is unpacked."""
    long = pyarrow.array(["x" * (256 << 10)]).take(pyarrow.array([0])).dictionary_encode()
    table = equal(4096, s=pyarrow.DictionaryArray.from_arrays(numpy.zeros(4096, numpy.int32), long.dictionary))
    (tmp_path / "t").write_bytes(as_parquet(table, store_schema=False))

    tracemalloc.start()
    before = pyarrow.total_allocated_bytes()
    done = here.models.batches.at_once(numbered, tmp_path / "t", "parquet", tmp_path / "p", "csv")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert done
    assert most + pyarrow.total_allocated_bytes() - before < 64 << 20
    assert 4097 == len((tmp_path / "p").read_text().splitlines())


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_pieces_are_bounded_in_bytes(kind):
    """A long text that each row has makes short pieces; one that is too long by itself is refused with its row."""
    texts = pyarrow.DictionaryArray.from_arrays(numpy.zeros(500, numpy.int32), pyarrow.array(["x" * (256 << 10)]))
    write = as_parquet if kind == "parquet" else as_arrow
    table = pyarrow.table({"s": texts})
    data = write(table)

    pieces = [piece for piece, _ in read_table(io.BytesIO(data), kind).pieces([0])]
    with pytest.raises(Unprocessable, match="Row 3 has more than"):
        list(read_table(io.BytesIO(write(pyarrow.table({"s": ["a", "b", "x" * (17 << 20)]}))), kind).pieces([0]))

    assert 500 == sum(map(len, pieces))
    assert 64 == max(map(len, pieces))


def test_a_table_of_json_costs_what_its_bytes_cost(ask):
    """Names that are no inputs are not looked for in each row."""
    first = dict.fromkeys(NAMES, 1) | {f"y{number}": 1 for number in range(9000)}
    rows = [first, *[dict.fromkeys(NAMES, 2)] * 20_000]

    assert 20_002 == len(ask(as_json(rows), "json").text.splitlines())


def as_json(rows):
    """Return rows as JSON."""
    return json.dumps(rows).encode()


def test_an_unknown_category_is_named_by_its_row(client, ask):
    """It is found by halves, so that the host has soon done with it, and answers the next at once."""
    kinds, wanted = pandas.DataFrame({"x0": [1.0, 2.0] * 20}), [0, 1] * 20
    model = client.upload(make_pipeline(OneHotEncoder(), LogisticRegression()).fit(kinds, wanted))
    endpoint = client.endpoint_of(model)["id"]
    rows = [{"x0": 3 if number in (1234, 3000) else 1 + number % 2} for number in range(6000)]

    refused = ask(as_json(rows), "json", 400, endpoint=endpoint).json["errors"]

    assert "/1235" == refused[0]["place"]
    assert refused[0]["detail"].startswith("In row 1235: The model does not take this input")
    assert 3 == len(ask(as_json(rows[:2]), "json", endpoint=endpoint).text.splitlines())


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (pyarrow.array([0, 1 << 60], pyarrow.timestamp("s")), "In row 2, the column 'x1'"),
        (pyarrow.array([0, 1 << 60], pyarrow.int64()).cast(pyarrow.duration("s")), "In row 2, the column 'x1'"),
        (pyarrow.array([0, 86400000 << 30], pyarrow.int64()).view(pyarrow.date64()), "In row 2, the column 'x1'"),
        (pyarrow.array([{"a": 1}, {"a": 2}]), "column 'x1' is broken: values of the type struct"),
        (pyarrow.array([b"1", b"\xff"]).view(pyarrow.binary()), "In row 2, the column 'x1'"),
        (pyarrow.array([b"1", b"\xff"]).view(pyarrow.string()), "UTF8"),
    ],
)
def test_values_that_are_none_are_named(ask, column, words):
    """With their row and column."""
    table = pyarrow.table({name: column if name == "x1" else pyarrow.array([1.0, 2.0]) for name in NAMES})

    assert words in ask(as_arrow(table), "arrow", 422).text


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_names_that_are_no_text_are_refused(ask, kind):
    """In each format."""
    data = (as_parquet if kind == "parquet" else as_arrow)(pyarrow.table({"xxxx": [1.0]}))

    assert "broken" in ask(data.replace(b"xxxx", b"\xff\xfe\xff\xfe"), kind, 422).text


@pytest.mark.parametrize("kind", TYPES)
def test_no_rows_are_no_fault(ask, kind):
    """A table without any gives one without any, in each format; CSV has its first line still."""
    nothing = equal(0)
    data = {"csv": b"x0,x1,x2,x3\n", "json": b"[]", "arrow": as_arrow(nothing), "parquet": as_parquet(nothing)}

    lines = ask(data[kind], kind).text.splitlines()

    assert 1 == len(lines)
    assert lines[0].startswith("predictions")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"x0,x1,x2,x3,y,y\n1,1,1,1,1,1\n", "Two columns are called 'y'."),
        (b'x0,x1,x2,x3\n1,1,1,1\n1,1,"1"x,1\n', "Line 3 is no CSV"),
    ],
)
def test_csv_is_refused_where_it_is_wrong(ask, data, words):
    """Names that repeat, and quotes in the middle of a field."""
    assert words in ask(data, "csv", 422).text


SAMPLE = pyarrow.table(
    {
        "a": [1.5, None, 3.0],
        "b": ["u", "vv", None],
        "c": pyarrow.array([1, 2, 3], pyarrow.timestamp("ms", "UTC")),
        "d": pyarrow.array(["p", "q", "p"]).dictionary_encode(),
        "e": [[1, 2], [], None],
    }
)
FILES = {
    "arrow": [as_arrow(SAMPLE)],
    "parquet": [as_parquet(SAMPLE), as_parquet(SAMPLE, compression="none", use_dictionary=False)],
}


@pytest.mark.parametrize("kind", FILES)
def test_a_broken_file_is_refused_and_nothing_else(kind):
    """Whatever bytes are changed in a table: it is read, or it is no table."""

    @settings(max_examples=400, deadline=None)
    @given(
        st.sampled_from(FILES[kind]),
        st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=4),
    )
    def broken(data, changes):
        changed = bytearray(data)
        for place, byte in changes:
            changed[int(place * len(changed))] = byte
        with suppress(Unprocessable):
            table = read_table(io.BytesIO(bytes(changed)), kind)
            pieces = table.pieces(range(len(table.columns)))
            for piece, _ in islice(pieces, MOST_PIECES):  # a length that was changed may be any
                assert all(len(row) == len(table.columns) for row in piece)

    broken()
