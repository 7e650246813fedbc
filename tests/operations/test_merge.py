"""The operation `merge`, and the JSON lists that it reads."""

import csv
import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.errors import InputInvalid, OperationFailed
from handlers.operations import merge as operation
from handlers.operations.jsonlist import open_list
from tests.operations.conftest import as_asset

VEHICLES = "vin,make\n1,Volvo\n2,Saab\n,none\n3,DAF\n"
WORK = [
    {"vin": "2", "make": "oil", "km": 10.5},
    {"vin": 3, "make": "belt", "km": None},
    {"vin": 2, "make": "tyres", "extra": [1, {"a": "b"}]},
    {"vin": None, "make": "lost"},
    {"make": "unknown"},
]


@pytest.fixture
def asset(tmp_path):
    """Write a file and give it as an asset: a list is JSON, a text is CSV."""

    def write(name, content):
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return as_asset(path)

    return write


def joined(outputs):
    """Return what a merge wrote: rows of a CSV file, or objects."""
    with outputs["joined_dataset"].path.open(newline="", encoding="utf-8") as file:
        return json.load(file) if file.name.endswith(".json") else list(csv.reader(file))


def test_rows_with_the_same_key_are_joined(asset, tmp_path):
    """In the order of the left table, once with each partner; a column of both gets the suffix on the right."""
    left = asset("left.csv", VEHICLES)
    right = asset("right.csv", "vin,make,km\n3,belt,7\n2,oil,1\n9,no,0\n2,tyres,2\n,none,0\n")

    outputs = operation.run(left, right, "vin", directory=tmp_path)

    assert [
        ["vin", "make", "make_right", "km"],
        ["2", "Saab", "oil", "1"],
        ["2", "Saab", "tyres", "2"],
        ["3", "DAF", "belt", "7"],
    ] == joined(outputs)
    assert (3, 4, 5, 2) == tuple(outputs[name] for name in ("rows", "left_rows", "right_rows", "matched_rows"))


def test_a_left_join_keeps_the_rows_without_a_partner(asset, tmp_path):
    """Their cells on the right are empty; an empty key is the partner of nothing, not even of an empty key."""
    right = asset("right.csv", "vin,km\n2,1\n,5\n")

    outputs = operation.run(asset("left.csv", VEHICLES), right, "vin", how="left", directory=tmp_path)

    assert [
        ["vin", "make", "km"],
        ["1", "Volvo", ""],
        ["2", "Saab", "1"],
        ["", "none", ""],
        ["3", "DAF", ""],
    ] == joined(outputs)
    assert (4, 1) == (outputs["rows"], outputs["matched_rows"])


def test_a_table_joins_a_list(asset, tmp_path):
    """The outcome is JSON; a number is the same key as its text, and what is nested stays whole."""
    outputs = operation.run(asset("left.csv", VEHICLES), asset("right.json", WORK), "vin", directory=tmp_path)

    assert [
        {"vin": "2", "make": "Saab", "make_right": "oil", "km": 10.5},
        {"vin": "2", "make": "Saab", "make_right": "tyres", "extra": [1, {"a": "b"}]},
        {"vin": "3", "make": "DAF", "make_right": "belt", "km": None},
    ] == joined(outputs)
    assert "joined.json" == outputs["joined_dataset"].path.name


def test_a_list_joins_a_table_under_another_name(asset, tmp_path):
    """The key has a name of its own on the right, which does not appear; values of the left keep their types."""
    right = asset("right.csv", "vehicle,owner\n3,ann\n")

    outputs = operation.run(asset("left.json", WORK), right, "vin", right_key="vehicle", how="left", directory=tmp_path)

    assert [*WORK[:1], WORK[1] | {"owner": "ann"}, *WORK[2:]] == joined(outputs)


def test_a_join_without_partners_is_an_empty_file(asset, tmp_path):
    """A header alone, or an empty list."""
    right = asset("right.csv", "vin,km\n77,1\n")

    table = operation.run(asset("left.csv", VEHICLES), right, "vin", directory=tmp_path)
    (tmp_path / "right.sqlite").unlink()
    objects = operation.run(asset("left.json", WORK), right, "vin", directory=tmp_path)

    assert [["vin", "make", "km"]] == joined(table)
    assert [] == joined(objects)


def test_a_list_is_known_by_how_it_begins_where_nothing_else_tells(asset, tmp_path):
    """Neither name nor type says what these files are."""
    outputs = operation.run(asset("left", VEHICLES), asset("right", WORK), "vin", directory=tmp_path)

    assert (3, 2) == (outputs["rows"], outputs["matched_rows"])


@pytest.mark.parametrize(
    ("inputs", "place", "words"),
    [
        ({"key": "VIN"}, "/key", "'VIN' among vin, make"),
        ({"key": "vin", "right_key": "id"}, "/right_key", "'id' among vin, make, make_right"),
        ({"key": "vin"}, "/suffix", "'make_right'"),
    ],
)
def test_columns_that_do_not_fit_are_faults_of_the_inputs(inputs, place, words, asset, tmp_path):
    """Each fault names its input and the columns that there are."""
    right = asset("right.csv", "vin,make,make_right\n1,a,b\n")

    with pytest.raises(InputInvalid) as caught:
        operation.run(asset("left.csv", VEHICLES), right, **inputs, directory=tmp_path)

    assert [place] == [fault.place for fault in caught.value.faults]
    assert words in caught.value.faults[0].detail


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "no objects"),
        ('{"vin": 1}', r"Line 1: \[ is wanted here, and not {"),
        ('[\n{"vin": 1},\n2]', "Line 3: an object is wanted"),
        ('[\n{"vin": 1}\n{"vin": 2}]', "Line 3: , or ] is wanted here, and not {"),
        ('[\n{"vin": 1},\n]', "Line 3: an object is wanted"),
        ('[\n{"vin": 1},\n{"vin":\n 2', "Line 3: it cannot be read on from line 4"),
        ('[{"vin": 1}', "and the file ends"),
        ('[{"vin": 1}]\n[]', "Line 2: there is more after the end"),
        ('[{"vin": 1, "vin": 2}]', "two members 'vin'"),
        ('[{"vin": NaN}]', "NaN is no JSON"),
        ('[{"vin": 1e999}]', "too large a number"),
        ('[{"vin": ' + "[" * 100_000, "recursion"),
        ('[{"vin": true}]', "Line 1 of 'right.json': 'vin' is neither"),
        ('[{"vin": "\\ud800"}]', "surrogate"),
        ('[{"vin": ' + "9" * 5000 + "}]", "digits"),
    ],
)
def test_what_is_no_list_of_objects_is_refused_with_its_line(text, words, asset, tmp_path):
    """Nothing that is not exactly a JSON list of objects is taken for one."""
    with pytest.raises(OperationFailed, match=words):
        operation.run(asset("left.csv", VEHICLES), asset("right.json", text), "vin", directory=tmp_path)


def test_a_list_that_is_no_utf_8_is_refused(asset, tmp_path):
    """Bytes that are no text are not replaced."""
    path = tmp_path / "right.json"
    path.write_bytes(b'[\n{"vin": "\xff"}]')

    with pytest.raises(OperationFailed, match="no UTF-8"):
        operation.run(asset("left.csv", VEHICLES), as_asset(path), "vin", directory=tmp_path)


def test_an_outcome_that_grows_without_bound_is_refused(asset, tmp_path, monkeypatch):
    """A thousand rows of one key on either side would make a million; the join ends at its bound."""
    monkeypatch.setattr(operation, "OUTPUT_CHARACTERS", 100_000)
    many = "vin\n" + "1\n" * 1000

    with pytest.raises(OperationFailed, match="more than 100000"):
        operation.run(asset("left.csv", many), asset("right.csv", many), "vin", directory=tmp_path)


@pytest.mark.long
def test_a_long_list_takes_no_more_memory_than_a_short_one(tmp_path):
    """Four megabytes on either side are joined in less than two."""
    for side in ("left", "right"):
        rows = ({"id": number, side: "x" * 60} for number in range(40_000))
        (tmp_path / f"{side}.json").write_text("[" + ",\n".join(map(json.dumps, rows)) + "]")
    tracemalloc.start()

    outputs = operation.run(
        as_asset(tmp_path / "left.json"), as_asset(tmp_path / "right.json"), "id", directory=tmp_path
    )

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (40_000, 40_000) == (outputs["rows"], outputs["matched_rows"])
    assert peak < 2_000_000


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(
    objects=st.lists(st.dictionaries(st.text(), VALUES, max_size=3), max_size=4),
    indent=st.sampled_from([None, 0, 2]),
    plain=st.booleans(),
    chunk=st.integers(1, 50),
)
def test_a_list_is_read_as_the_standard_library_reads_it(objects, indent, plain, chunk, tmp_path_factory):
    """Wherever the file is cut into pieces, the objects are the same."""
    path = tmp_path_factory.mktemp("list") / "list.json"
    path.write_text(json.dumps(objects, indent=indent, ensure_ascii=plain), encoding="utf-8", errors="surrogatepass")

    with pytest.MonkeyPatch.context() as patch, open_list(as_asset(path)) as found:
        patch.setattr("handlers.operations.jsonlist.CHUNK_BYTES", chunk)

        assert objects == list(found)
