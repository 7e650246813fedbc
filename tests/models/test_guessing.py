"""The types of columns of CSV that no model and no file tells."""

from __future__ import annotations

import io

import pandas
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from handlers.errors import Unprocessable
from handlers.models.features import Shape
from handlers.models.guessing import kinds_in
from handlers.models.pieces import PIECE_ROWS
from handlers.models.reading import read_table

LONG = PIECE_ROWS + 10  #: rows, which are read in two pieces


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["3", "-4"], "int64"),
        (["3", None, "4"], "float64"),
        (["3", "2.5"], "float64"),
        (["2.5", "3"], "float64"),
        (["3", str(10**30)], "float64"),
        (["True", "false"], "bool"),
        (["True", "1"], "str"),
        (["3", "b"], "str"),
        (["b", "3"], "str"),
    ],
)
def test_a_column_has_the_type_that_all_its_values_have(values, kind):
    """As pandas takes a whole column: one text makes all of them texts, one gap makes whole numbers numbers."""
    assert [kind] == kinds_in([[value] for value in values], 1)


def rows_of(last):
    """Return what a model without types gets of a long table whose last value is *last*."""
    table = read_table(io.BytesIO(b"a,b\n" + b"1,2\n" * (LONG - 1) + f"{last},2\n".encode()), "csv")
    shape = Shape([{"name": "a", "type": "object"}, {"name": "b", "type": "float64"}], (), named=True)
    columns = shape.columns(table.columns)
    kinds = dict(zip(columns.untyped, table.kinds(columns.untyped), strict=True))
    taken = shape.columns(table.columns, [kinds.get(0), kinds.get(1)])
    return [taken(row) for piece, _ in table.pieces([0, 1]) for row in piece]


@pytest.mark.parametrize(("last", "kind"), [("x", str), ("1.5", float), ("7", int)])
def test_a_type_does_not_change_between_pieces(last, kind):
    """The last row of a table that is read in pieces has its say in the first; no row is lost to the first look."""
    rows = rows_of(last)

    assert LONG == len(rows)
    assert {kind} == {type(row[0]) for row in rows}
    assert {float} == {type(row[1]) for row in rows}


def test_a_line_that_is_broken_is_named_by_the_first_look():
    """It reads the whole table, and says where it breaks as the second would."""
    table = read_table(io.BytesIO(b"a,b\n1,2\n1\n"), "csv")

    with pytest.raises(Unprocessable, match="Line 3 has 1 fields"):
        table.kinds([0])


@pytest.mark.long
def test_numbers_reach_a_model_that_tells_no_types_as_numbers(client):
    """A column that is passed through has no type in the file; its numbers are added up, and not refused as texts."""
    rows = pandas.DataFrame({"size": [1.0, 2.0, 3.0], "code": [3, 1, 2]})
    through = ColumnTransformer([("all", "passthrough", ["size", "code"])])
    trained = make_pipeline(through, Ridge()).fit(rows, [1.0, 2.0, 3.0])
    endpoint = client.endpoint_of(client.upload(trained))["id"]

    answer = client.client.post(
        f"/ops/predictions/batch?endpoint_id={endpoint}", data=rows.to_csv(index=False), content_type="text/csv"
    )

    assert 200 == answer.status_code, answer.text
    found = pandas.read_csv(io.StringIO(answer.text))["predictions"]
    assert pytest.approx(trained.predict(rows).tolist()) == found.tolist()
