"""`seamark model`, against a server that is up."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import tarfile
from pathlib import Path

import click
import click.testing
import httpx
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from handlers.cli import model as model_commands
from handlers.cli.modelinputs import read_input
from handlers.cli.modelserver import PAGE, ModelServer
from handlers.cli.output import show_members, text
from tests.cli.conftest import SEAMARK, Up, environment_for, seamark, wait_for


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server that may call those of this machine."""
    up = Up(tmp_path_factory.mktemp("up") / "home", allowed_networks="127.0.0.0/8")
    wait_for(up.ready)
    yield up
    up.stop()


@pytest.fixture(scope="module")
def iris(tmp_path_factory):
    """A trained model in a file, and what it was trained on."""
    data = load_iris(as_frame=True)
    kinds = data.target.map(dict(enumerate(data.target_names)))
    file = tmp_path_factory.mktemp("models") / "iris.pkl"
    file.write_bytes(pickle.dumps(LogisticRegression(max_iter=500).fit(data.data, kinds)))
    return file, data.data


def run(server, *arguments, expect=0):
    """Run the command, and return what it prints."""
    done = seamark(server.environment, "model", *arguments)
    assert expect == done.returncode, done.stdout + done.stderr
    return done


def test_a_model_is_added_asked_and_removed(server, iris):
    """By its id or its name, with nothing said of the server: it is the one that is up in the same home."""
    file, rows = iris
    inputs = [f"{name}={value}" for name, value in rows.iloc[100].items()]

    added = run(server, "add", file, "--name", "Flowers")
    again = run(server, "add", file, "--to", "Flowers").stdout.strip()
    model = added.stdout.strip()

    listed = run(server, "list").stdout.splitlines()
    shown = run(server, "show", model).stdout
    first = next(line.split()[1] for line in shown.splitlines() if line.startswith("endpoint") and again not in line)
    promoted = run(server, "promote", "Flowers", first).stdout
    tried = run(server, "promote", "Flowers", again, "--share", "10").stdout
    rolled = run(server, "rollback", "Flowers").stdout
    answer = json.loads(run(server, "predict", "Flowers", *inputs, "--json").stdout)
    removed = run(server, "rm", "Flowers").stdout

    assert "iris.pkl" in added.stderr
    assert [model, "Flowers", "in_service", "2"] == listed[1].split()[:4]
    assert "petal width (cm):float" in shown
    assert f"endpoint {again}  in_service" in shown
    assert f"{first} answers." == promoted.strip()
    assert f"{first} answers; {again} to 10% of the requests." == tried.strip()
    assert f"{again} answers." == rolled.strip()
    assert "virginica" == answer["predictions"]
    assert "Removed Flowers." == removed.strip()
    assert "There are no models." == run(server, "list").stdout.strip()


@pytest.mark.long
def test_a_list_fits_into_the_terminal(server, iris):
    """A long name is cut, and ids never are; with little room the time is left out; JSON has all of it."""
    file, _ = iris
    long = "n" * 200
    model = run(server, "add", file, "--name", long).stdout.strip()

    tables = {}
    for columns in ("60", "80", "120"):
        server.environment["COLUMNS"] = columns
        tables[columns] = run(server, "list").stdout.splitlines()
    del server.environment["COLUMNS"]
    listed = json.loads(run(server, "list", "--json").stdout)
    run(server, "rm", model)

    assert [60, 80, 120] == [max(map(len, lines)) for lines in tables.values()]
    for lines in tables.values():
        assert [model, "in_service"] == [lines[1].split()[place] for place in (0, 2)]
        assert lines[1].split()[1].endswith("n…")
    assert ["ID", "NAME", "STATUS", "ENDPOINTS"] == tables["80"][0].split()
    assert "CREATED" == tables["120"][0].split()[-1]
    assert listed[0]["created_at"][:19].replace("T", " ") == tables["120"][1][-19:]
    assert [long] == [one["name"] for one in listed]


def test_a_list_costs_as_many_requests_as_there_are_pages(monkeypatch):
    """Two for a page of models with their endpoints, however many there are."""
    asked = []

    def answer(request):
        kind, offset = request.url.path.rpartition("/")[2], int(request.url.params["offset"])
        asked.append((kind, offset))
        there = range(offset, min(offset + PAGE, PAGE + 3))
        links = [{"rel": "self" if kind == "endpoints" else "endpoint", "href": ""}]
        found = [{"id": str(at), "status": "failed", "links": [links[0] | {"href": f"/e/{at}"}]} for at in there]
        return httpx.Response(200, json={kind: found})

    server = ModelServer("http://h/ops", None)
    server._client = httpx.Client(base_url="http://h/ops", transport=httpx.MockTransport(answer))
    monkeypatch.setattr(model_commands, "open_server", lambda *_: server)

    done = click.testing.CliRunner().invoke(model_commands.command, ["list"])

    assert 0 == done.exit_code, done.output
    assert PAGE + 4 == len(done.output.splitlines())
    assert [("models", 0), ("models", PAGE), ("endpoints", 0), ("endpoints", PAGE)] == asked


def test_what_is_wrong_with_an_endpoint_is_shown(monkeypatch):
    """Why its file cannot be loaded, or who has written it, without what a terminal would obey."""
    endpoints = [
        {"id": "a", "status": "failed", "problem": "\x1b[2JIt is no pickle."},
        {"id": "b", "status": "in_service", "written_by": "scikit-learn 1.2, and not 1.9"},
        {"id": "c", "status": "in_service"},
    ]

    def answer(request):
        return httpx.Response(200, json={"models": [{"id": "m", "name": "m", "links": []}], "endpoints": endpoints})

    server = ModelServer("http://h/ops", None)
    server._client = httpx.Client(base_url="http://h/ops", transport=httpx.MockTransport(answer))
    monkeypatch.setattr(model_commands, "open_server", lambda *_: server)

    done = click.testing.CliRunner().invoke(model_commands.command, ["show", "m"])

    assert 0 == done.exit_code, done.output
    assert [
        "endpoint a  failed  ?[2JIt is no pickle.",
        "endpoint b  in_service  written by scikit-learn 1.2, and not 1.9",
        "endpoint c  in_service",
    ] == done.output.splitlines()[-3:]


@pytest.mark.parametrize("arguments", [["model", "list"], ["job", "list"], ["asset", "list"], ["token", "list"]])
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_reader_who_goes_away_hears_no_complaint(server, arguments, form):
    """As `head -1` does: nothing is written to standard error."""
    reads, writes = os.pipe()
    os.close(reads)

    with open(writes, "wb") as away:
        command, environment = [SEAMARK, *arguments, *form], server.environment
        done = subprocess.run(command, env=environment, stdout=away, stderr=subprocess.PIPE, text=True, check=False)

    assert (1, "") == (done.returncode, done.stderr)


def test_inputs_come_from_a_file_as_well(server, iris, tmp_path):
    """As one JSON object; those of the command line go before."""
    file, rows = iris
    model = run(server, "add", file, "--format", "pickle", "--json").stdout
    inputs = tmp_path / "row.json"
    inputs.write_text(json.dumps(rows.iloc[0].to_dict()))

    answers = [
        run(server, "predict", json.loads(model)["id"], "--from", inputs).stdout,
        run(
            server,
            "predict",
            json.loads(model)["id"],
            "--from",
            inputs,
            "petal length (cm)=6.6",
            "petal width (cm)=2.5",
        ).stdout,
    ]

    assert ["setosa", "virginica"] == [answer.splitlines()[0].split()[-1] for answer in answers]
    run(server, "rm", json.loads(model)["id"])


def test_what_cannot_be_is_said_in_a_line(server, iris, tmp_path):
    """No trace, and a code other than 0."""
    broken = tmp_path / "broken.pkl"
    broken.write_bytes(b"no model at all")

    assert "There is no model nothing." in run(server, "show", "nothing", expect=1).stderr
    assert ("x", "NaN") == read_input("x=NaN")
    assert "is not NAME=VALUE" in run(server, "predict", "x", "1", expect=2).stderr
    assert "Give inputs" in run(server, "predict", "x", expect=2).stderr
    assert "Traceback" not in run(server, "add", broken, expect=1).stderr
    elsewhere = seamark(environment_for(tmp_path / "home"), "model", "list")
    assert (2, True) == (elsewhere.returncode, "start `seamark up`" in elsewhere.stderr)


@pytest.mark.long
def test_a_model_may_be_another_servers(server, iris, tmp_path):
    """Here of the same server, which has to be allowed first; by both protocols, under the name that is given."""
    file, rows = iris
    model = run(server, "add", file, "--name", "Original").stdout.strip()
    inputs = [f"{name}={value}" for name, value in rows.iloc[100].items()]

    for protocol, url, there in (("ops", f"{server.url}/ops", model), ("v2", server.url, "Original")):
        run(server, "add", "--remote", url, "--protocol", protocol, "--model", there, "--name", protocol)
        assert "virginica" == json.loads(run(server, "predict", protocol, *inputs, "--json").stdout)["predictions"]

    run(server, "rm", "ops", "v2", "Original")


@pytest.fixture(scope="module")
def closed(tmp_path_factory, iris):
    """Another server, whose models need a token, with one model."""
    up = Up(tmp_path_factory.mktemp("closed") / "home", ops_closed="discover,run")
    wait_for(up.ready)
    yield up
    up.stop()


@pytest.mark.long
def test_a_closed_server_is_shown_a_secret(server, closed, iris, tmp_path):
    """From a file, a variable or a question, by each of the ways; it is changed, and never shown."""
    file, rows = iris
    there = run(closed, "add", file, "--name", "Closed").stdout.strip()
    token = seamark(closed.environment, "token", "new", "proxy", "--scopes", "models").stdout.strip()
    bearer, kept = tmp_path / "header", tmp_path / "token"
    bearer.write_text(f"Bearer {token}\n")
    kept.write_text(f"{token}\n")
    inputs = [f"{name}={value}" for name, value in rows.iloc[100].items()]
    remote = ["--remote", closed.url, "--protocol", "v2", "--model", "Closed", "--name", "Proxy"]
    server.environment["SECRET"] = token

    refused = run(server, "add", *remote, expect=1).stderr
    wrong = run(server, "add", *remote, "--remote-user", "ann", "--remote-password-file", kept, expect=1).stderr
    added = run(server, "add", *remote, "--remote-token-file", "env:SECRET", "--json").stdout
    said = [run(server, "predict", "Proxy", *inputs, "--json").stdout]
    taken = run(server, "credentials", "Proxy", "--none").stdout
    away = run(server, "predict", "Proxy", *inputs, expect=1).stderr
    given = run(server, "credentials", "Proxy", "--remote-header", f"Authorization={bearer}").stdout
    said.append(run(server, "predict", "Proxy", *inputs, "--json").stdout)
    asked = seamark(server.environment, "model", "credentials", "Proxy", "--remote-token-file", "-", typed=f"{token}\n")
    said.append(run(server, "predict", "Proxy", *inputs, "--json").stdout)
    shown = run(server, "show", "Proxy", "--json").stdout + run(server, "list").stdout + added + given + asked.stdout
    log = closed_log(server)

    assert "wants credentials" in refused
    assert "refuses the credentials" in wrong
    assert ["virginica"] * 3 == [json.loads(one)["predictions"] for one in said]
    assert "gets no credentials from now on" in taken
    assert "wants credentials" in away
    assert 0 == asked.returncode, asked.stderr
    assert token not in shown + log + refused + wrong + away
    assert token not in exported(server, tmp_path)
    run(server, "rm", "Proxy")
    run(closed, "rm", there)


def closed_log(server):
    """Return all that a server has printed."""
    return Path(server.environment["SEAMARK_HOME"]).with_suffix(".log").read_text()


def exported(server, folder):
    """Return a backup of a server, and what lies in its database."""
    done = seamark(server.environment, "backup", folder / "backup")
    assert 0 == done.returncode, done.stdout + done.stderr
    database = Path(server.environment["SEAMARK_HOME"], "seamark.sqlite").read_bytes()
    with tarfile.open(folder / "backup") as archive:
        files = [archive.extractfile(member).read() for member in archive if member.isfile()]
    return b"".join([database, *files]).decode("latin-1")


@pytest.mark.long
def test_a_model_of_another_server_is_read_again(server, iris):
    """When somebody says so; one of a file has nothing that could be read again."""
    file, _ = iris
    run(server, "add", file, "--name", "Original")
    run(server, "add", "--remote", server.url, "--protocol", "v2", "--model", "Original", "--name", "Copy")

    assert "Copy takes sepal length (cm):float" in run(server, "refresh", "Copy").stdout
    assert "not one of another server" in run(server, "refresh", "Original", expect=1).stderr
    run(server, "rm", "Original")
    assert "says 404" in run(server, "refresh", "Copy", expect=1).stderr
    run(server, "rm", "Copy")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--remote-token-file", "/nowhere"], "cannot be read: No such file"),
        (["--remote-token-file", "env:NOT_SET"], "There is no secret"),
        (["--remote-user", "ann"], "go together"),
        (["--remote-header", "X-Key"], "NAME=FILE"),
        (["--remote-header", "X-Key=env:HOME", "--remote-header", "X-Key=env:HOME"], "twice"),
        ([], "or --none"),
        (["--none", "--remote-token-file", "env:HOME"], "or --none"),
    ],
)
def test_a_secret_that_is_not_there_is_missed(server, arguments, words):
    """Before anybody is asked."""
    assert words in run(server, "credentials", "m", *arguments, expect=2).stderr


def test_names_of_others_do_nothing_to_a_terminal():
    """What it obeys is shown as a question mark, in names as in values."""
    hostile = "\x1b[2J\x9b1m\x07"

    assert "?[2J?1m?" == text(hostile) == text([hostile])
    with click.Context(click.Command("x")), click.testing.CliRunner().isolation() as (out, *_):
        show_members({hostile: {hostile: hostile}})
        assert not set(hostile) & set("\x1b\x9b\x07") & set(out.getvalue().decode())


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        [__file__, "--remote", "http://h"],
        ["--remote", "http://h"],
        ["--remote", "http://h", "--protocol", "v2"],
        ["--remote", "http://h", "--protocol", "v2", "--model", "m", "--to", "n"],
        [__file__, "--protocol", "v2"],
        [__file__, "--remote-token-file", __file__],
    ],
)
def test_a_model_comes_from_one_place(server, arguments):
    """From a file or from another server, which is said in full."""
    run(server, "add", *arguments, expect=2)
