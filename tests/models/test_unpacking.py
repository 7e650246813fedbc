"""Tables that become large when they are unpacked: they are refused before that, and all others are read."""

from __future__ import annotations

import io
import struct
from contextlib import suppress
from itertools import islice
from re import search

import numpy
import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from handlers.errors import Unprocessable
from handlers.models.arrowahead import MOST_BATCH_BYTES
from handlers.models.batches import SMALL_BYTES, UNPACKED_BYTES
from handlers.models.reading import read_table
from tests.models import bombs
from tests.models.bombs import PLAIN, batch, file, int64, once, stream, varint

GROWN_BYTES = 150 << 20  #: that a process may need for all that is refused
ROWS = 3000


def sample(first=0, rows=ROWS):
    """Return a batch with values of each kind."""
    numbers = numpy.arange(first, first + rows)
    kinds = pyarrow.array([f"kind {number % (5 + first)}" for number in numbers], pyarrow.string())
    return batch(
        number=numbers * 1.5,
        null=pyarrow.array([None if number % 3 else int(number) for number in numbers], pyarrow.int16()),
        text=pyarrow.array([f"text {number}" for number in numbers], pyarrow.string()),
        kind=kinds.dictionary_encode(),
        list=pyarrow.array([[1, 2], None, []] * (rows // 3), pyarrow.list_(pyarrow.int64())),
        flag=numbers % 2 == 0,
        time=pyarrow.array(numbers, pyarrow.timestamp("ms", "UTC")),
        nothing=pyarrow.nulls(rows),
    )


def rows_in(data, kind):
    """Return the rows of a table."""
    table = read_table(io.BytesIO(data), kind)
    return [row for piece, _ in table.pieces(range(len(table.columns))) for row in piece]


def rows_of(*batches):
    """Return the rows of batches as they should be read."""
    columns = [name for name in batches[0].schema.names if name != "time"]
    return [tuple(row[name] for name in columns) for one in batches for row in one.to_pylist()]


def without_time(rows):
    """Return rows without the column whose values are written in another way."""
    return [(*row[:6], row[7]) for row in rows]


@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
@pytest.mark.parametrize("more", [{}, {"emit_dictionary_deltas": True}, {"use_legacy_format": True}])
def test_every_stream_of_arrow_is_read(compression, more):
    """With dictionaries that grow, or are replaced, with batches that are empty, and in the format before 0.15."""
    parts = [sample(0, 3), sample(), sample(0, 0), sample(3)]

    data = stream(*parts, compression=compression, **more)

    assert rows_of(*parts) == without_time(rows_in(data, "arrow"))


@pytest.mark.parametrize("compression", ["none", "snappy", "gzip", "zstd", "brotli", "lz4"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("dictionary", [True, False])
def test_every_file_of_parquet_is_read(compression, version, dictionary):
    """With every codec and both kinds of pages, many of them, in several row groups."""
    part = sample()
    options = {"compression": compression, "data_page_version": version, "use_dictionary": dictionary}

    data = file(pyarrow.table(part), row_group_size=1300, data_page_size=500, **options)

    assert rows_of(part) == without_time(rows_in(data, "parquet"))


@pytest.mark.parametrize("compression", ["snappy", "gzip", "zstd", "brotli"])
def test_a_page_that_compression_makes_longer_is_read(compression):
    """What stands for it in the file is more than what it has unpacked."""
    data = numpy.random.default_rng(1).bytes(3 << 20)
    noise = pyarrow.table({"n": [numpy.frombuffer(data, numpy.int64)]})  # one row, and so one page

    written = file(noise, use_dictionary=False, compression=compression, data_page_size=1 << 20)

    column = parquet.ParquetFile(io.BytesIO(written)).metadata.row_group(0).column(0)
    assert column.total_compressed_size > column.total_uncompressed_size
    assert [tuple(noise["n"].to_pylist())] == rows_in(written, "parquet")


def test_other_encodings_of_parquet_are_read():
    """Those of numbers; of texts that are written as differences the words say what to do."""
    table = pyarrow.table({"a": range(ROWS), "b": numpy.arange(ROWS) * 0.5})
    texts = pyarrow.table({"s": [str(number) for number in range(ROWS)]})
    numbers = {"a": "DELTA_BINARY_PACKED", "b": "BYTE_STREAM_SPLIT"}

    found = rows_in(file(table, use_dictionary=False, column_encoding=numbers), "parquet")

    assert [(number, number * 0.5) for number in range(ROWS)] == found
    for encoding in ("DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"):
        with pytest.raises(Unprocessable, match=r"'s' in row group 1 has the encoding \d\. Write"):
            rows_in(file(texts, use_dictionary=False, column_encoding={"s": encoding}), "parquet")


def test_names_with_points_and_names_that_repeat_are_read():
    """Since such a name may stand for several columns of a file."""
    columns = [pyarrow.array([1, 2]), pyarrow.array(["x", "y"]), pyarrow.array([[1], []])]

    for names in (["a", "a.b", "b"], ["a", "b", "a"]):
        data = file(pyarrow.Table.from_arrays(columns, names))
        assert [(1, "x", [1]), (2, "y", [])] == rows_in(data, "parquet")
        assert [("x",), ("y",)] == [
            row for part, _ in read_table(io.BytesIO(data), "parquet").pieces([1]) for row in part
        ]


@pytest.mark.parametrize(
    "column",
    [
        pyarrow.array([{"x": 1}]),
        pyarrow.array([[[1]]]),
        pyarrow.array([["a"]]),
        pyarrow.array(["a"], pyarrow.string_view()),
        pyarrow.array([[(1, 2)]], pyarrow.map_(pyarrow.int64(), pyarrow.int64())),
    ],
)
def test_columns_that_are_no_cells_are_not_unpacked(column):
    """They are refused where they are wanted, and else left in the file."""
    data = file(pyarrow.table({"a": [1], "b": column}))

    assert [[(1,)]] == [piece for piece, _ in read_table(io.BytesIO(data), "parquet").pieces([0])]
    with pytest.raises(Unprocessable, match=r"'b' has values of the type .* which are no cells of a table"):
        list(read_table(io.BytesIO(data), "parquet").pieces([0, 1]))


def test_no_column_at_all_still_has_rows():
    """Of a table of which a model needs nothing."""
    for data, kind in ((file(pyarrow.table(sample())), "parquet"), (stream(sample()), "arrow")):
        assert ROWS == sum(len(piece) for piece, _ in read_table(io.BytesIO(data), kind).pieces([]))


def packed():
    """Return a stream whose first compressed buffer says that it has 8000 bytes."""
    return stream(batch(a=numpy.zeros(1000), b=numpy.ones(1000)), compression="lz4")


def kinds():
    """Return a stream with two dictionaries whose texts are said to have 3000 bytes each."""
    return stream(
        batch(**{name: pyarrow.array([f"{number:03}" for number in range(1000)]).dictionary_encode() for name in "ab"}),
        compression="lz4",
    )


def arrow_bombs():
    """Give streams of Arrow, and what is said of them."""
    honest, larger = batch(a=numpy.zeros(34 << 20)), "more than 268435456 bytes unpacked. Write smaller record batches"
    small = stream(batch(a=[1.0]), batch(a=[2.0]))
    start = len(bombs.schema_of(small))
    yield (
        stream(batch(a=[1.5]), honest, compression="zstd"),
        f"Record batch 2 of the Arrow stream and its dicti.*{larger}",
    )
    yield once(packed(), int64(8000), int64(300 << 30)), f"Record batch 1 .*{larger}"
    yield packed().replace(int64(8000), int64((1 << 63) - 1)), f"Record batch 1 .*{larger}"
    yield packed().replace(int64(8000), int64(200 << 20)), f"Record batch 1 .*{larger}"
    yield once(packed(), int64(8000), int64(-2)), "has a buffer of -2 bytes"
    yield kinds().replace(int64(3000), int64(200 << 20)), f"Record batch 1 .*{larger}"
    yield bombs.body_length(small, 300 << 30), "says that it has 322122547200 bytes"
    yield bombs.body_length(small, -8), "says that it has -8 bytes"
    yield bombs.body_length(small, 1 << 20), "Record batch 1 of the Arrow stream is cut short"
    yield small[: start + 4] + struct.pack("<i", 1 << 30) + small[start + 8 :], "1073741824 bytes of metadata"
    yield small[: start + 4] + struct.pack("<i", -5) + small[start + 8 :], "-5 bytes of metadata"
    yield struct.pack("<i", 1 << 30) + small[8:], "The schema says that it has 1073741824 bytes of metadata"
    yield bombs.overlapping(3000), f"Record batch 1 .*{larger}"
    yield bombs.shared_notes(2000, 1 << 16), "names and notes of the Arrow stream have more than"
    yield bombs.stream_with_note(b"ARROW:experimental_compression"), "compressed as Arrow 0.17 did"


def parquet_bombs():
    """Give files of Parquet, and what is said of them."""
    zeros = file(pyarrow.table({"a": numpy.zeros(1000)}), **PLAIN)
    fixed = pyarrow.array([bytes(17 << 20)], pyarrow.binary(17 << 20))
    yield bombs.page(200 << 20), "has pages of more than the 80.. bytes that it tells"
    yield bombs.page(300 << 20), "has a page of 314572800 bytes; 268435456 are allowed"
    yield bombs.page(-1, packed=-1), "has a page that is cut short"
    yield file(pyarrow.table({"f": fixed}), **PLAIN), "'f' has values of 17825792 bytes"
    yield file(pyarrow.table({"l": [numpy.zeros(17 << 20, numpy.int8)]})), "values in lists. Write smaller row groups"
    yield (
        file(pyarrow.table({"a": [1]}).replace_schema_metadata({"k": "x" * (17 << 20)})),
        "bytes; 16777216 are allowed",
    )
    yield zeros[:-8] + struct.pack("<I", 1 << 31) + zeros[-4:], "Parquet file is broken"
    yield once(zeros, varint(1000) + b"\x16", varint(-1000) + b"\x16"), "has sizes below 0"


@pytest.mark.parametrize("kind", ["arrow", "parquet"])
def test_what_would_be_large_is_refused_in_little_memory(kind):
    """Whether its lengths are true or not; the words tell where and why."""
    tables = list(arrow_bombs() if kind == "arrow" else parquet_bombs())

    found, grown = bombs.outcomes([(kind, data) for data, _ in tables])

    assert [] == [
        (wanted, said) for said, (_, wanted) in zip(found, tables, strict=True) if not search(wanted, str(said))
    ]
    assert grown < GROWN_BYTES


@pytest.mark.long
def test_a_page_that_is_as_large_as_it_says_is_refused_too():
    """A text that takes a moment to be written."""
    data = file(pyarrow.table({"s": ["x" * (260 << 20)]}), **PLAIN)

    (said,), grown = bombs.outcomes([("parquet", data)])

    assert len(data) < SMALL_BYTES
    assert "'s' in row group 1 has a page of 272629770 bytes" in said
    assert grown < GROWN_BYTES


def test_a_text_that_many_rows_have_is_read_a_few_rows_at_a_time():
    """Also where its length is the column's, and Arrow makes a copy for each row."""
    texts = pyarrow.array([bytes(4 << 20)] * 64, pyarrow.binary(4 << 20))
    data = file(pyarrow.table({"f": texts}))

    (rows,), grown = bombs.outcomes([("parquet", data)])

    assert len(data) < SMALL_BYTES
    assert 12 == rows
    assert grown < GROWN_BYTES


def test_a_small_stream_tells_how_large_it_is():
    """So that it becomes a job, as a file of Parquet does; a large one is not looked through before it is read."""
    zeros = batch(a=numpy.zeros(UNPACKED_BYTES // 16))
    small, large = stream(*[zeros] * 3, compression="zstd"), stream(*[zeros] * 3)

    assert len(small) < SMALL_BYTES
    assert 3 * zeros.nbytes == read_table(io.BytesIO(small), "arrow").size
    assert len(large) == read_table(io.BytesIO(large), "arrow").size


def test_lists_of_few_bytes_count_with_their_values():
    """A file of Parquet has a list of equal numbers in a few bytes, however long it is."""
    data = file(pyarrow.table({"l": [numpy.zeros(5 << 20, numpy.int8)]}))

    assert len(data) < SMALL_BYTES
    assert read_table(io.BytesIO(data), "parquet").size >= 8 * (5 << 20)


@pytest.mark.long
def test_dictionaries_that_are_replaced_do_not_add_up():
    """They are held one at a time, so that a stream may be as long as it likes."""
    parts = [
        batch(k=pyarrow.array([f"{number}" * (1 << 20) for number in range(start, start + 10)]).dictionary_encode())
        for start in range(100, 1000, 50)
    ]

    assert sum(part.nbytes for part in parts) > 2 * MOST_BATCH_BYTES
    assert 10 * len(parts) == len(rows_in(stream(*parts), "arrow"))


SMALL = [sample(0, 6), sample(3, 3)]
FILES = {
    "arrow": [stream(*SMALL, compression=codec) for codec in ("lz4", "zstd")]
    + [stream(*SMALL, emit_dictionary_deltas=True, use_legacy_format=True)],
    "parquet": [
        file(pyarrow.table(SMALL[0]), compression="zstd", data_page_version="2.0", row_group_size=4),
        file(pyarrow.table(SMALL[0]), compression="snappy", use_dictionary=False, store_schema=False),
    ],
}


@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_is_broken_or_cut_short_is_refused_and_nothing_else(kind):
    """Whatever bytes are changed: it is read, or it is no table."""

    @settings(max_examples=300, deadline=None)
    @given(
        st.sampled_from(FILES[kind]),
        st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=3),
        st.floats(0, 1) | st.just(1.0),
    )
    def broken(data, changes, part):
        changed = bytearray(data)
        for place, byte in changes:
            changed[int(place * len(changed))] = byte
        with suppress(Unprocessable):
            table = read_table(io.BytesIO(bytes(changed[: int(part * len(changed))])), kind)
            for piece, _ in islice(table.pieces(range(len(table.columns))), bombs.MOST_PIECES):
                assert all(len(row) == len(table.columns) for row in piece)

    broken()
