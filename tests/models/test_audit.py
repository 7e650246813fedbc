"""The audit log: what is in it, what is not, and that it is in nobody's way."""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import stat
import time

import numpy
import pandas
import pytest
from sklearn.linear_model import LinearRegression

from handlers.errors import InputInvalid, NotFound
from handlers.models import audit as auditing
from handlers.models.audit import Audit, asked_by_job
from handlers.models.features import Shape
from handlers.models.ledger import TELL_S, Ledger
from handlers.models.masks import MASK, Masks
from handlers.settings import Settings

NAMES = ["income", "age"]
SENT = [{"name": "income", "value": 10.5}, {"name": "age", "value": 40}]
ROW = dict(zip(NAMES, (10.5, 40.0), strict=True))


def features(names):
    """Return inputs."""
    return [{"name": name, "order": order, "type": "float64"} for order, name in enumerate(names)]


def lines_of(path):
    """Return the lines of a log."""
    return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]


@pytest.fixture
def settings_of(tmp_path):
    """Makes settings with a log."""
    return lambda **more: Settings(home=tmp_path, **{"audit_log": tmp_path / "audit.jsonl", **more})


@pytest.fixture
def log(here, tmp_path, monkeypatch):
    """Keeps a log of the server's predictions, and returns its lines."""
    path = tmp_path / "audit.jsonl"

    def keep(**more):
        settings = here.settings.model_copy(update={"audit_log": path, **more})
        monkeypatch.setattr(here.models.predictor, "_audit", Audit(settings))
        return lambda: lines_of(path)

    return keep


@pytest.fixture(scope="module")
def model(client):
    """A model of two inputs with names."""
    rows = pandas.DataFrame([[0.0, 0.0], [1.0, 3.0], [2.0, 1.0]], columns=NAMES)
    return client.upload(LinearRegression().fit(rows, [0, 1, 2]), "audited.pkl")


def test_each_prediction_has_a_line(client, model, log):
    """By either operation: when, which request, of whom, of which endpoint, what was asked and answered."""
    lines = log()
    endpoint = client.endpoint_of(model)["id"]

    first = client.raw(model, ROW)
    second = client.client.post(f"/ops/endpoints/{endpoint}/predict", json=ROW)

    assert [first.headers["X-Request-Id"], second.headers["X-Request-Id"]] == [line["request"] for line in lines()]
    for line in lines():
        assert (ROW, first.json["result"], 1) == (line["inputs"], line["result"], line["rows"])
        assert (endpoint, None) == (line["endpoint"], line["caller"])
        assert 0 < line["seconds"] < 10
        assert line["time"].endswith("+00:00")


def test_what_is_refused_has_a_line(client, model, log):
    """An input that is wrong, an endpoint that is not there: with the problem in place of the result."""
    lines = log()

    client.predict(model, 400, income="much", age=1)
    client.call("POST", "/endpoints/none/predict", 404, json=ROW)

    wrong, missing = lines()
    assert ({"income": "much", "age": 1}, 400) == (wrong["inputs"], wrong["problem"]["status"])
    assert "'much'" in wrong["problem"]["detail"]
    assert (404, "none") == (missing["problem"]["status"], missing["endpoint"])
    assert not any("result" in line for line in lines())


def test_inference_has_a_line_for_each_request(client, model, log):
    """With all of its rows, by name; those of tables are counted only."""
    lines = log()
    rows = numpy.array([[1.0, 2.0], [3.0, 4.0]])
    tensor = {"name": "rows", "shape": [2, 2], "datatype": "FP64", "data": rows.tolist()}
    endpoint = client.endpoint_of(model)["id"]

    answer = client.client.post(f"/v2/models/{model['id']}/infer", json={"inputs": [tensor]}).json
    client.call("POST", f"/predictions/batch?endpoint_id={endpoint}", json=[ROW, ROW, ROW])

    inference, table = lines()
    assert [dict(zip(NAMES, row, strict=True)) for row in rows.tolist()] == inference["inputs"]
    assert answer["outputs"][0]["data"] == [result["predictions"] for result in inference["result"]]
    assert (2, 3) == (inference["rows"], table["rows"])
    assert not {"inputs", "result"} & table.keys()


def test_masked_values_are_nowhere(client, model, log):
    """Neither in inputs and results nor in the words of a problem, and under no other name."""
    lines = log(audit_masked="income, predictions")

    client.predict(model, income=10.5, age=40)
    client.predict(model, 400, income="secret", age=1)
    client.predict(model, 400, Income="secret", age=1)

    answered, wrong, misspelt = lines()
    assert ({"income": MASK, "age": 40}, {"predictions": MASK}) == (answered["inputs"], answered["result"])
    assert [{"income": MASK, "age": 1}, {"Income": MASK, "age": 1}] == [wrong["inputs"], misspelt["inputs"]]
    assert "secret" not in json.dumps(lines())


def test_there_is_no_log_by_default(client, model, here, tmp_path, monkeypatch):
    """And a mask alone makes none."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(here.models.predictor, "_audit", Audit(Settings(home=tmp_path, audit_masked="a")))

    client.predict(model, **ROW)

    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("where", ["none/audit", "", "/dev/full"])
def test_what_cannot_be_written_stops_nobody(client, model, log, tmp_path, where, caplog):
    """No folder, a folder in its place, a full disk: it is told once, and predictions are answered."""
    log(audit_log=tmp_path / where)

    with caplog.at_level(logging.ERROR, "handlers.models.ledger"):
        answers = [client.predict(model, **ROW) for _ in range(2)]

    assert answers[0] == answers[1]
    assert ["audit lines lost"] == [record.message for record in caplog.records]


def test_a_pipe_that_nobody_empties_keeps_nobody_waiting(tmp_path):
    """Lines beyond what it holds are lost."""
    os.mkfifo(tmp_path / "pipe")
    ledger, begun = Ledger(tmp_path / "pipe", 100), time.monotonic()

    for _ in range(1000):
        ledger.write(b"x" * 1000)

    assert time.monotonic() - begun < 5


def test_lines_that_are_lost_are_told_once_a_minute(tmp_path, caplog):
    """With their number."""
    moments = iter([0.0, 1.0, TELL_S - 0.1, TELL_S])
    ledger = Ledger(tmp_path / "none" / "log", 100, lambda: next(moments))

    with caplog.at_level(logging.ERROR, "handlers.models.ledger"):
        for _ in range(4):
            ledger.write(b"x")

    assert [1, 3] == [record.lines for record in caplog.records]


def test_a_job_is_named(settings_of):
    """Where there is no request, with its owner."""
    settings = settings_of()

    with asked_by_job("j", "ada"), Audit(settings).entry("e"):
        pass

    (line,) = lines_of(settings.audit_log)
    assert ("j", "ada", False) == (line["job"], line["caller"], "request" in line)


def test_only_its_owner_reads_it(settings_of):
    """Whatever the umask of the process allows."""
    settings, before = settings_of(), os.umask(0)
    try:
        with Audit(settings).entry("e"):
            pass
    finally:
        os.umask(before)

    assert 0o600 == stat.S_IMODE(settings.audit_log.stat().st_mode)


def test_what_is_too_large_is_counted_only(settings_of, monkeypatch):
    """Too many values, or too long ones, or an answer that is too deep."""
    monkeypatch.setattr(auditing, "MOST_VALUES", 3)
    settings, deep = settings_of(audit_bytes=1000), []
    for _ in range(5000):
        deep = [deep]
    audit = Audit(settings)
    shape = Shape(features(NAMES), (), named=True)

    for rows, result in (([[1, 2]] * 2, {}), ([[1, 2]], {"a": "x" * 1000}), ([[1, 2]], {"a": deep})):
        with audit.entry("e") as entry:
            entry.rows, entry.shape, entry.results = rows, shape, [result]

    lines = lines_of(settings.audit_log)
    assert [(2, True), (1, True), (1, True)] == [(line["rows"], line["left_out"]) for line in lines]


def test_any_value_can_be_written(settings_of):
    """Numbers that JSON or 64 bits do not have, halves of characters, line ends: still one line."""
    settings = settings_of()
    values = {"nan": float("nan"), "big": 1 << 80, "half": "\ud800", "ends": "a\nb\r\u2028"}

    for name, value in values.items():
        with Audit(settings).entry("e") as entry:
            entry.parameters, entry.results = [{"name": name, "value": value}], [{}]

    assert [None, 1 << 80, "\ud800", "a\nb\r\u2028"] == [
        next(iter(line["inputs"].values())) for line in lines_of(settings.audit_log)
    ]


@pytest.mark.parametrize("error", [InputInvalid("a"), NotFound("b"), ZeroDivisionError("inner words")])
def test_an_error_goes_on(settings_of, error):
    """It is noted and not caught; what is no problem says no more than its status."""
    settings = settings_of()

    with pytest.raises(type(error)), Audit(settings).entry("e"):
        raise error

    (line,) = lines_of(settings.audit_log)
    assert getattr(error, "status", 500) == line["problem"]["status"]
    assert "inner words" not in json.dumps(line)


def write_many(path, number, count):
    """Write lines of different lengths; run in a process of its own."""
    ledger = Ledger(path, 20_000)
    for turn in range(count):
        ledger.write(json.dumps({"who": number, "turn": turn, "more": "x" * (turn % 50)}).encode())


@pytest.mark.long
def test_processes_write_whole_lines(tmp_path):
    """All at once, while the file is moved away again and again: no line is torn, and both files keep to their size."""
    path, context = tmp_path / "log", multiprocessing.get_context("spawn")
    processes = [context.Process(target=write_many, args=(path, number, 500)) for number in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)

    older = path.with_name("log.1")
    found = [*lines_of(older), *lines_of(path)]
    assert [0, 0, 0] == [process.exitcode for process in processes]
    assert 499 == max(line["turn"] for line in found)
    assert max(path.stat().st_size, older.stat().st_size) < 21_000


def test_a_torn_line_spoils_no_other(tmp_path):
    """What a full disk has cut off is a line of its own."""
    path = tmp_path / "log"
    path.write_bytes(b'{"a": 1}\n{"b":')

    Ledger(path, 1000).write(b'{"c": 3}')

    assert [b'{"a": 1}', b'{"b":', b'{"c": 3}', b""] == path.read_bytes().split(b"\n")


def test_a_file_that_was_moved_is_left_alone(tmp_path):
    """Whoever moves logs away finds no further line in what was moved."""
    path, ledger = tmp_path / "log", Ledger(tmp_path / "log", 1000)
    ledger.write(b"1")
    path.rename(tmp_path / "moved")
    ledger.write(b"2")

    assert (b"1\n", b"2\n") == ((tmp_path / "moved").read_bytes(), path.read_bytes())


@pytest.mark.parametrize("word", ["income", "a"])
def test_an_input_is_masked_under_all_its_names(word):
    """Those of the file and those of its owner."""
    masks = Masks([word])
    shape = Shape(features(NAMES), features(["a", "b"]), named=True)
    others = [{"name": "a", "value": 1}, {"name": "b", "value": 2}]

    assert {"income": MASK, "age": 40} == masks.parameters(SENT, shape)
    assert {"a": MASK, "b": 2} == masks.parameters(others, shape)
    assert [{"a": MASK, "b": 2}] == masks.rows([[1, 2]], shape)


def test_where_names_tell_nothing_everything_is_masked():
    """Of an endpoint that is not known, and of rows of a model that takes any names."""
    masks, nameless = Masks(["income"]), Shape(features(["x0", "x1"]), (), named=False)

    assert {"income": MASK, "age": MASK} == masks.parameters(SENT, None)
    assert {"income": MASK, "age": 40} == masks.parameters(SENT, nameless)
    assert {"income": 10.5, "age": MASK} == Masks(["x1"]).parameters(SENT, nameless)
    assert [{"x0": MASK, "x1": MASK}] == masks.rows([[1, 2]], nameless)
    assert [{"x0": MASK}] == masks.rows([[1]], Shape(None, (), named=False))


def test_outputs_have_both_of_their_names_masked():
    """Ours, and those of the Open Inference Protocol."""
    assert {"predictions": 1, "scores": MASK} == Masks(["predict_proba"]).result({"predictions": 1, "scores": [0.5]})
