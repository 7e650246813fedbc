"""Hosts that are attacked, killed, hang or take too much."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import VotingRegressor
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures

from handlers.errors import Unprocessable
from handlers.models.process import Plan, Processes
from handlers.models.trial import try_model
from tests.jobs.conftest import eventually

LABOUR_INPUTS = 14
SLEEP_S = "71.0625"  # that no other process has among its arguments


class Shell:
    """A pickle that runs a command when it is loaded."""

    def __init__(self, command):
        """Run *command*."""
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


def hosts_here():
    """Return the processes of model hosts that run."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if "handlers.models.host" in words and os.path.basename(words[0]).startswith("python"):
            found.append((process, words[-1]))
    return found


def host_of(endpoint):
    """Return the process of an endpoint's host."""
    return next(process for process, plan in hosts_here() if endpoint in plan)


def linear(flowers):
    """Return a small model."""
    return LinearRegression().fit(*flowers)


def test_a_pickle_that_runs_a_command_is_refused(client, tmp_path):
    """The name of the function is refused before it is called, and the command has no effect."""
    mark = tmp_path / "mark"
    tmp_path.chmod(0o777)

    answer = client.upload(Shell(f"touch {mark}"), expect=422)

    assert "posix.system" in answer["error"]
    assert not mark.exists()


def test_a_command_that_does_run_reaches_nothing_outside(here, tmp_path):
    """Even where an operator trusts `os.system`, what a pickle runs can write no file, see no home and no network."""
    mark = tmp_path / "mark"
    tmp_path.chmod(0o777)
    file = tmp_path / "evil.pkl"
    trusting = here.settings.model_copy(update={"model_classes": "posix.system"})
    plan = Plan(endpoint="x", blob="x", format="pickle", takes="auto", gives="auto")
    heard = bytearray()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        orders = f"touch {mark}; touch /run/model/more; ls {here.settings.home}; exec 3<>/dev/tcp/127.0.0.1/{port}"
        file.write_bytes(pickle.dumps(Shell(f"bash -c '{orders}; echo it ran; id -u'")))
        with pytest.raises(Unprocessable, match="holds a int"):
            try_model(Processes(trusting), plan, file, heard.extend)
        listening.settimeout(0.1)
        with pytest.raises(TimeoutError):
            listening.accept()

    assert b"it ran" in heard, "the command must have run for this to prove anything"
    assert [file] == list(tmp_path.iterdir())
    assert b"cannot access" in heard


def trial_of(settings, folder, data, **changes):
    """Try a file with other settings."""
    file = folder / "m.pkl"
    file.write_bytes(data)
    plan = Plan(endpoint="x", blob="x", format="pickle", takes="auto", gives="auto")
    return try_model(Processes(settings.model_copy(update=changes)), plan, file, lambda _: None)


def test_a_bomb_harms_nobody(settings, tmp_path):
    """A file that becomes far larger than a model may be is refused, and says that it needed too much memory."""
    bomb = zlib.compress(pickle.dumps(bytes(600 << 20)), 1)

    with pytest.raises(Unprocessable, match="more memory"):
        trial_of(settings, tmp_path, bomb, model_memory_bytes=300 << 20)


def test_loading_takes_no_longer_than_it_may(settings, tmp_path):
    """A file that makes its host sleep is refused when its time is over, and nothing of it is left."""
    sleeps = pickle.dumps(Shell(f"sleep {SLEEP_S}"))

    with pytest.raises(Unprocessable, match="within 3 s"):
        trial_of(settings, tmp_path, sleeps, model_load_s=3.0, model_classes="posix.system")

    assert [] == [one for one in psutil.process_iter(["cmdline"]) if SLEEP_S in (one.info["cmdline"] or [])]


def test_a_model_is_warm_before_it_is_asked(client, flowers):
    """The host that has tried an upload stays for the predictions: the first of them starts none."""
    model = client.upload(linear(flowers))
    tried = host_of(client.endpoint_of(model)["id"])

    client.predict(model, **dict(zip(flowers[0].columns, [5.1, 3.5, 1.4, 0.2], strict=True)))

    assert tried == host_of(client.endpoint_of(model)["id"])


def test_a_host_that_dies_is_started_again(client, here, flowers):
    """After a host was killed, predictions are answered again, and in between nothing but 503 with Retry-After.

    What it had counted stays counted.
    """
    model = client.upload(linear(flowers))
    endpoint = client.endpoint_of(model)["id"]
    values = dict(zip(flowers[0].columns, [5.1, 3.5, 1.4, 0.2], strict=True))
    expected = client.predict(model, **values)
    process = host_of(endpoint)
    codes = []

    def ask():
        end = time.monotonic() + 6
        while time.monotonic() < end:
            answer = client.raw(model, values)
            codes.append(answer.status_code)
            assert 200 == answer.status_code or "Retry-After" in answer.headers

    asking = threading.Thread(target=ask)
    asking.start()
    time.sleep(0.5)
    process.kill()
    asking.join()

    assert {200, 503} >= set(codes)
    assert expected == client.predict(model, **values)
    rows, *calls = here.models.hosts.batches()[endpoint]
    assert rows == sum(calls) == calls[0], "whoever asks for one row after the other is never one of many"
    assert 2 + codes.count(200) <= rows <= 2 + len(codes)


@pytest.mark.long
def test_a_host_that_is_killed_amid_a_prediction_leaves_nobody_waiting(client):
    """Who is being answered gets a 503 with Retry-After; who waits at the door is let in by the next host, or told."""
    model = client.upload(laborious())
    values = {f"x{number}": number for number in range(LABOUR_INPUTS)}
    assert 7 == client.predict(model, **values)["predictions"]
    process = host_of(client.endpoint_of(model)["id"])
    before = labour_of(process)

    with ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(client.raw, model, values) for _ in range(4)]
        eventually(lambda: labour_of(process) > before + 0.2)
        assert not any(one.done() for one in asking), "the host must be at work for this to prove anything"
        process.kill()
        answers = [one.result(30) for one in asking]

    codes = [answer.status_code for answer in answers]
    assert 503 in codes
    assert {200, 503} >= set(codes)
    for answer in answers:
        assert int(answer.headers["Retry-After"]) > 0 if answer.status_code == 503 else says_seven(answer)
    assert says_seven(eventually(lambda: (again := client.raw(model, values)).status_code == 200 and again))


def laborious():
    """Return a model of a few kilobytes that takes a second or so for a row, and always says 7."""
    row = [[0.0] * LABOUR_INPUTS]
    part = make_pipeline(PolynomialFeatures(degree=10), DummyRegressor(strategy="constant", constant=7)).fit(row, [7])
    model = VotingRegressor([("part", part)])
    model.estimators_ = [part] * 500
    return model


def says_seven(answer):
    """Tell whether a prediction is that of the model."""
    return answer.json["result"] == {"predictions": 7}


def labour_of(process):
    """Return for how many seconds a process has worked."""
    times = process.cpu_times()
    return times.user + times.system


@pytest.mark.long
def test_a_host_that_hangs_is_killed(client, flowers, settings):
    """A host that no longer moves answers 503 within the time, and is replaced."""
    model = client.upload(linear(flowers))
    values = dict(zip(flowers[0].columns, [5.1, 3.5, 1.4, 0.2], strict=True))
    expected = client.predict(model, **values)
    process = host_of(client.endpoint_of(model)["id"])

    os.kill(process.pid, signal.SIGSTOP)
    began = time.monotonic()
    answer = client.raw(model, values)

    assert 503 == answer.status_code
    assert time.monotonic() - began < settings.predict_timeout_s + 5
    assert expected == eventually(lambda: (a := client.raw(model, values)).status_code == 200 and a.json["result"])


def test_what_waits_is_predicted_together_and_not_mixed_up(client, flowers):
    """Many callers at a time each get the answer to their own question; one that asks nonsense harms no other."""
    trained = linear(flowers)
    model = client.upload(trained)
    rows = flowers[0]
    expected = trained.predict(rows)

    def ask(number):
        values = rows.iloc[number % 150].to_dict()
        if number % 10 == 0:
            values[rows.columns[0]] = "nan"
        return client.raw(model, values)

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, range(600)))

    for number, answer in enumerate(answers):
        if number % 10 == 0:
            assert 400 == answer.status_code
        else:
            assert pytest.approx(expected[number % 150]) == answer.json["result"]["predictions"]


def test_a_removed_endpoint_predicts_no_more(client, flowers):
    """From the answer to a removal on nothing is predicted, and the host ends."""
    model = client.upload(linear(flowers))
    values = dict(zip(flowers[0].columns, [5.1, 3.5, 1.4, 0.2], strict=True))
    client.predict(model, **values)
    endpoint = client.endpoint_of(model)["id"]

    client.call("DELETE", f"/models/{model['id']}", 204)

    client.predict(model, expect=404, **values)
    eventually(lambda: not [plan for _, plan in hosts_here() if endpoint in plan])
