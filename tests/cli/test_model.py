"""`seamark model`, against a server that is up."""

from __future__ import annotations

import json
import pickle

import httpx
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from tests.cli.conftest import Up, environment_for, seamark, wait_for


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
    counted = httpx.get(f"{server.url}/metrics").text
    removed = run(server, "rm", "Flowers").stdout

    assert "iris.pkl" in added.stderr
    assert [model, "Flowers", "in_service", "2"] == listed[1].split()[:4]
    assert "petal width (cm):float" in shown
    assert f"endpoint {again}  in_service" in shown
    assert f"{first} answers." == promoted.strip()
    assert f"{first} answers; {again} to 10% of the requests." == tried.strip()
    assert f"{again} answers." == rolled.strip()
    assert "virginica" == answer["predictions"]
    assert f'seamark_prediction_seconds_count{{endpoint="{again}",outcome="answered"}} 1.0' in counted
    assert "Removed Flowers." == removed.strip()
    assert "There are no models." == run(server, "list").stdout.strip()


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
    assert "is not NAME=VALUE" in run(server, "predict", "x", "1", expect=2).stderr
    assert "Give inputs" in run(server, "predict", "x", expect=2).stderr
    assert "Traceback" not in run(server, "add", broken, expect=1).stderr
    elsewhere = seamark(environment_for(tmp_path / "home"), "model", "list")
    assert (2, True) == (elsewhere.returncode, "start `seamark up`" in elsewhere.stderr)


def test_a_model_may_be_another_servers(server, iris, tmp_path):
    """Here of the same server, which has to be allowed first; by both protocols, under the name that is given."""
    file, rows = iris
    model = run(server, "add", file, "--name", "Original").stdout.strip()
    inputs = [f"{name}={value}" for name, value in rows.iloc[100].items()]

    for protocol, url, there in (("ops", f"{server.url}/ops", model), ("v2", server.url, "Original")):
        run(server, "add", "--remote", url, "--protocol", protocol, "--model", there, "--name", protocol)
        assert "virginica" == json.loads(run(server, "predict", protocol, *inputs, "--json").stdout)["predictions"]

    run(server, "rm", "ops", "v2", "Original")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        [__file__, "--remote", "http://h"],
        ["--remote", "http://h"],
        ["--remote", "http://h", "--protocol", "v2"],
        ["--remote", "http://h", "--protocol", "v2", "--model", "m", "--to", "n"],
        [__file__, "--protocol", "v2"],
    ],
)
def test_a_model_comes_from_one_place(server, arguments):
    """From a file or from another server, which is said in full."""
    run(server, "add", *arguments, expect=2)
