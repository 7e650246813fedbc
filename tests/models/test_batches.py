"""Predictions of whole tables, in each format, at once and as jobs."""

from __future__ import annotations

import io
import json
import time
from dataclasses import replace

import numpy
import pandas
import pyarrow
import pytest
from pyarrow import parquet
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from handlers import services
from handlers.identities.limits import Limits
from handlers.models.writing import TYPES


@pytest.fixture(scope="module")
def flowers(client):
    """An endpoint, its model as it is here, and a table with a column that is no input."""
    data = load_iris(as_frame=True)
    trained = LogisticRegression(max_iter=500).fit(data.data, data.target.map(dict(enumerate(data.target_names))))
    model = client.upload(trained, "flowers.pkl")
    table = data.data[data.data.columns[::-1]].assign(plot=range(len(data.data)))
    return client.endpoint_of(model)["id"], trained, table


@pytest.fixture
def ask(client, flowers):
    """Sends a table, and returns the answer."""

    def ask(data, kind="csv", expect=200, endpoint=flowers[0], headers=None, **query):
        path = "/ops/predictions/batch"
        query = {"endpoint_id": endpoint, **query}
        answer = client.client.post(path, data=data, content_type=TYPES[kind], query_string=query, headers=headers)
        assert expect == answer.status_code, answer.text
        return answer

    return ask


def written(table, kind):
    """Return a table in a format."""
    if kind == "csv":
        return table.to_csv(index=False).encode()
    if kind == "json":
        return table.to_json(orient="records").encode()
    arrow, target = pyarrow.Table.from_pandas(table, preserve_index=False), io.BytesIO()
    if kind == "parquet":
        parquet.write_table(arrow, target)
    else:
        with pyarrow.ipc.new_stream(target, arrow.schema) as stream:
            stream.write_table(arrow)
    return target.getvalue()


def read(data, kind):
    """Return a table of a format."""
    source = io.BytesIO(data)
    if kind == "csv":
        return pandas.read_csv(source)
    if kind == "json":
        return pandas.read_json(source, orient="records")
    return (parquet.read_table(source) if kind == "parquet" else pyarrow.ipc.open_stream(source).read_all()).to_pandas()


@pytest.mark.parametrize("given", TYPES)
@pytest.mark.parametrize("wanted", [None, *TYPES])
def test_a_table_is_predicted_row_by_row(ask, flowers, given, wanted):
    """In any format, and given back in any: the rows keep their order, columns are found by name."""
    _, trained, table = flowers

    answer = ask(written(table, given), given, **({"output": wanted} if wanted else {}))

    found = read(answer.data, wanted or given)
    inputs = table[list(trained.feature_names_in_)]
    assert TYPES[wanted or given] == answer.content_type.partition(";")[0]
    assert trained.predict(inputs).tolist() == found["predictions"].tolist()
    assert numpy.allclose(trained.predict_proba(inputs), found[["scores_0", "scores_1", "scores_2"]])


def test_a_large_table_becomes_a_job(client, ask, flowers):
    """It tells how far it has come, and gives its result to whoever asks, in parts as well."""
    _, trained, table = flowers
    many = pandas.concat([table] * 400, ignore_index=True)

    accepted = ask(written(many, "csv"), expect=202, output="parquet")
    where = accepted.headers["Location"].partition("/ops")[2]
    done = ended(client, where)

    assert ("succeeded", 100, len(many)) == (done["status"], done["progress"], done["rows"])
    result = client.client.get(done["links"][1]["href"].partition("localhost")[2])
    assert "attachment;filename=predictions.parquet" == result.headers["Content-Disposition"]
    inputs = many[list(trained.feature_names_in_)]
    assert trained.predict(inputs).tolist() == read(result.data, "parquet")["predictions"].tolist()
    assert [204, 410] == [client.client.open("/ops" + where, method=verb).status_code for verb in ("DELETE", "GET")]


def ended(client, where, within_s=60):
    """Wait for the end of a job."""
    end = time.monotonic() + within_s
    while (found := client.call("GET", where))["status"] in ("scheduled", "running"):
        assert time.monotonic() < end, found
        time.sleep(0.05)
    return found


def test_a_job_says_where_its_table_is_wrong(client, ask):
    """As its problem, with the row and the column."""
    row = "5.1,3.5,1.4,0.2\n"
    table = "sepal length (cm),sepal width (cm),petal length (cm),petal width (cm)\n" + 6000 * row + "5.1,x,1.4,0.2\n"

    where = ask(table.encode(), expect=202, headers={"Prefer": "respond-async"}).headers["Location"]
    done = ended(client, where.partition("/ops")[2])

    assert "failed" == done["status"]
    assert "In row 6001, the column 'sepal width (cm)' needs a number, and 'x' is none." in str(done["problem"])
    client.call("GET", where.partition("/ops")[2] + "/result", 409)


def test_a_stranger_does_not_fill_the_queue(client, here, flowers, monkeypatch):
    """Tables that become jobs are counted for whoever comes from elsewhere without a token; small ones are not."""
    limits = Limits(here.settings.model_copy(update={"calls_per_minute": 2}))
    monkeypatch.setattr(services, "_services", replace(here, limits=limits))
    table, kind = written(flowers[2], "csv"), {"content_type": TYPES["csv"]}
    path, later = f"/ops/predictions/batch?endpoint_id={flowers[0]}", {"Prefer": "respond-async"}

    def status(**more):
        return client.client.post(path, data=table, **kind, **more).status_code

    stranger = {"environ_base": {"REMOTE_ADDR": "203.0.113.7"}}
    assert [202, 202, 429] == [status(headers=later, **stranger) for _ in range(3)]
    assert 200 == status(**stranger)
    assert 202 == status(headers=later)


def test_what_was_stopped_is_forgotten_by_another_delete(client, here, ask):
    """The first stops it, and tells how it has ended; the second forgets that, as of all that have ended."""
    here.queue.put = lambda job_id, **_: None  # so that it has not ended before it is stopped
    try:
        where = ask(b"a\n1\n", expect=202, headers={"Prefer": "respond-async"}).headers["Location"].partition("/ops")[2]
    finally:
        del here.queue.put

    client.call("DELETE", where, 204)
    assert "cancelled" == client.call("GET", where)["status"]
    client.call("DELETE", where, 204)
    client.call("GET", where, 410)


def test_numbers_of_more_than_64_bits_are_numbers(ask, flowers):
    """In a column that is an input, and in one that is none."""
    names = list(flowers[1].feature_names_in_)

    answer = ask(json.dumps([{**dict.fromkeys(names, 10**30), "plot": 10**30}]).encode(), "json")

    assert flowers[1].predict(pandas.DataFrame([[1e30] * 4], columns=names)).tolist() == [answer.json[0]["predictions"]]


@pytest.mark.parametrize(
    ("data", "kind", "status", "words"),
    [
        (b"", "csv", 422, "from 1 to"),
        (b"a,b\n1,2\n", "csv", 400, "These columns are missing: 'sepal length (cm)'"),
        (b"a,b\n1\n", "csv", 400, "missing"),
        (b"\xff\xfe", "csv", 422, "no CSV in UTF-8"),
        (b'a,"b\n1,2', "csv", 422, "no CSV"),
        (b"nothing", "parquet", 422, "Parquet file is broken"),
        (b"nothing", "arrow", 422, "Arrow stream is broken"),
        (b"{}", "json", 400, "array"),
    ],
)
def test_what_is_no_table_is_refused(ask, data, kind, status, words):
    """With what is wrong, and where."""
    assert words in ask(data, kind, status).text


@pytest.mark.parametrize("kind", ["csv", "json"])
@pytest.mark.parametrize("charset", ["utf-16", "UTF-16LE", "iso-8859-1", "no-such-charset"])
def test_another_charset_is_refused_and_never_misread(client, flowers, kind, charset):
    """Bytes that UTF-8 could read otherwise are not looked at; the answer names the charset that came."""
    content_type = f'{TYPES[kind]}; charset="{charset}"'
    path = f"/ops/predictions/batch?endpoint_id={flowers[0]}"

    answer = client.client.post(path, data=written(flowers[2], kind), content_type=content_type)

    assert (415, "application/problem+json") == (answer.status_code, answer.content_type)
    assert f"UTF-8 only, and not {charset}".lower() in answer.json["detail"].lower()


def test_utf_8_may_be_named(client, flowers):
    """Also as what spreadsheets write: with a byte order mark."""
    path = f"/ops/predictions/batch?endpoint_id={flowers[0]}"

    answer = client.client.post(
        path, data=b"\xef\xbb\xbf" + written(flowers[2], "csv"), content_type="text/csv; charset=UTF-8; header=present"
    )

    assert 200 == answer.status_code, answer.text


@pytest.mark.parametrize("kind", TYPES)
def test_a_value_that_is_none_is_named(ask, flowers, kind):
    """By row, column and what was expected, whatever the format."""
    table = flowers[2].head(3).astype(object)
    table.iloc[1, 0] = "wide"
    table = table.astype({table.columns[0]: str})

    fault = ask(written(table, kind), kind, 400).json["errors"][0]

    words = "In row 2, the column 'petal width (cm)' needs a number, and 'wide' is none."
    assert ("body", "/2", words) == (fault["in"], fault["place"], fault["detail"])


@pytest.mark.parametrize("kind", TYPES)
def test_columns_that_are_missing_are_named(ask, flowers, kind):
    """With those that are there, and no word of parameters, which a table has not."""
    fault = ask(written(flowers[2][["petal width (cm)", "plot"]], kind), kind, 400).json["errors"][0]

    assert ("body", "") == (fault["in"], fault["place"])
    assert fault["detail"].startswith("These columns are missing: 'sepal length (cm)', 'sepal width (cm)',")
    assert fault["detail"].endswith("; the table has 'petal width (cm)', 'plot'.")


def test_lines_have_as_many_fields_as_the_first(ask, flowers):
    """Else the line is named; an empty line is none."""
    names = ",".join(f'"{name}"' for name in flowers[1].feature_names_in_)

    good = ask(f"{names}\n1,2,3,4\n\n1,2,3,4\n".encode())
    bad = ask(f"{names}\n1,2,3,4\n1,2,3\n".encode(), expect=422)

    assert 3 == len(good.text.splitlines())
    assert "Line 3 has 3 fields" in bad.text


def test_other_jobs_are_no_tables(client, ask, flowers):
    """Nor is an endpoint that is not there."""
    trial = client.call("GET", f"/endpoints/{flowers[0]}")

    client.call("GET", "/predictions/batch/none", 404)
    ask(b"a\n1\n", expect=404, endpoint="none")
    assert trial["status"] == "in_service"


def test_an_empty_table_gives_an_empty_table(ask, flowers):
    """In each format."""
    nothing = flowers[2].iloc[:0]

    for kind in ("csv", "arrow", "parquet"):
        answer = ask(written(nothing, kind), kind)
        assert 0 == len(read(answer.data, kind))
