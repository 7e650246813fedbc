"""The operation `filter-rows`, and what all operations on CSV files share."""

import csv
import tracemalloc

import pytest

from handlers.errors import OperationFailed
from handlers.operations import csvfile
from handlers.operations import filter_rows as operation
from tests.operations.conftest import as_asset


@pytest.fixture
def table(tmp_path):
    """Write a CSV file and give it as an asset."""

    def write(text):
        path = tmp_path / "table.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return as_asset(path)

    return write


def rows_of(output):
    """Return the rows of a CSV file that an operation made."""
    with output.path.open(newline="") as file:
        return list(csv.reader(file))


def test_rows_with_more_empty_cells_are_left_out(table, tmp_path):
    """One empty cell is borne, two are not; blanks are empty; blank lines are no rows."""
    asset = table('a,b,c\n1,2,3\n1,,3\n\n1,, \n,"x\ny",3\n')

    outputs = operation.run(asset, 1, directory=tmp_path)

    assert [["a", "b", "c"], ["1", "2", "3"], ["1", "", "3"], ["", "x\ny", "3"]] == rows_of(outputs["filtered_dataset"])
    assert (3, 1) == (outputs["rows"], outputs["dropped"])


def test_cells_survive_as_they_are(table, tmp_path):
    """Quotation marks, commas, line breaks, blanks and letters of all kinds are the same afterwards."""
    cells = ['say "hi"', "a,b", "two\r\nlines", " padded ", "日本語 é", "'=1+1", "\0"]
    with (tmp_path / "in.csv").open("w", newline="") as file:
        csv.writer(file).writerows([cells, cells])

    outputs = operation.run(as_asset(tmp_path / "in.csv"), 0, directory=tmp_path)

    assert [cells, cells] == rows_of(outputs["filtered_dataset"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["no header"]),
        ("\n1,2\n", ["no header"]),
        ("a,b\n1,2\n1\n", ["Line 3", "1 cells", "the header has 2"]),
        ('a,b\n"x\ny",2\n1,2,3\n', ["Line 4", "3 cells"]),
        (b"a,b\n1,2\n\xff,2\n", ["line 3", "no CSV in UTF-8"]),
        ('a,b\n1,2\n"1,2\n', ["line 3", "no CSV in UTF-8"]),
        ('a,b\n1,2\n"1"x,2\n', ["line 3", "no CSV in UTF-8"]),
    ],
)
def test_what_is_no_table_is_refused_with_its_line(text, words, table, tmp_path):
    """The line is that on which the row begins."""
    with pytest.raises(OperationFailed) as caught:
        operation.run(table(text), directory=tmp_path)

    assert [] == [word for word in words if word not in caught.value.detail]


def test_a_row_without_an_end_is_refused_before_it_fills_the_memory(tmp_path):
    """Neither a line of commas nor a quotation that is never closed is read further than a row may be long."""
    for number, text in enumerate((b"a,b\n" + b"," * 30_000_000, b'a,b\n"' + b"x\n" * 15_000_000)):
        path = tmp_path / f"{number}.csv"
        path.write_bytes(text)
        tracemalloc.start()

        with pytest.raises(OperationFailed, match="line 2"):
            operation.run(as_asset(path), directory=tmp_path)

        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 10 * csvfile.ROW_BYTES


@pytest.mark.long
def test_a_long_table_takes_no_more_memory_than_a_short_one(tmp_path):
    """Two megabytes of rows pass through less than one."""
    path = tmp_path / "long.csv"
    path.write_bytes(b"a,b\n" + b"some text,\n" * 200_000)
    tracemalloc.start()

    outputs = operation.run(as_asset(path), 0, directory=tmp_path)

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 200_000 == outputs["dropped"]
    assert peak < 1_000_000
