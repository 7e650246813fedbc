"""Models of a server that runs: uploads without measure, what is loaded when, and what is counted."""

from __future__ import annotations

import pickle
import shutil
import socket
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sklearn.linear_model import LinearRegression

from handlers.settings import Settings
from tests.e2e.conftest import Server, wait_for
from tests.models.test_hosts import hosts_here

pytestmark = pytest.mark.long

LIMIT = 32 << 20
HEAD = b'--b\r\nContent-Disposition: form-data; name="file"; filename="m.pkl"\r\n\r\n'
CHUNK = b"x" * (1 << 20)
WAIT_S = 20
PROCESSES = 3
SMALL_ROWS, JOB_ROWS = 40, 60_000
TRIALS = 1  #: jobs that have tried the file of an endpoint


@pytest.fixture(scope="module")
def up(tmp_path_factory):
    """A server of several web processes, whose temporary files are in a folder of their own."""
    folder = tmp_path_factory.mktemp("m")
    (folder / "t").mkdir()
    made = Server(folder / "home", web_processes=str(PROCESSES), upload_limit_bytes=str(LIMIT))
    made.environment["TMPDIR"] = str(folder / "t")
    yield made.start()
    made.stop()
    made.client.close()
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def doubling(up):
    """The id of an endpoint whose model doubles a number."""
    data = pickle.dumps(LinearRegression().fit([[0.0], [1.0]], [0.0, 2.0]))
    answer = up.client.post("/ops/upload", files={"file": ("doubling.pkl", data)}, headers=authorized(up))
    assert 201 == answer.status_code, answer.text
    endpoint = answer.json()["links"][-1]["href"].rpartition("/")[2]
    wait_for(lambda: up.client.get(f"/ops/endpoints/{endpoint}").json()["status"] == "in_service")
    return endpoint


def authorized(up):
    """Return the header of whoever may add models."""
    return {"Authorization": f"Bearer {(up.home / 'token').read_text().strip()}"}


def begin(up, path, framing):
    """Return a connection on which the head of an upload was sent."""
    (name, value), *_ = authorized(up).items()
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"{name}: {value}", framing]
    stream = socket.create_connection(("127.0.0.1", up.port), timeout=WAIT_S)
    stream.sendall("\r\n".join([*lines, "Content-Type: multipart/form-data; boundary=b", "", ""]).encode())
    return stream


def answer_on(stream):
    """Return what was answered, up to the end of the connection or of what is announced."""
    data = b""
    while b"\r\n\r\n" not in data or len(data.partition(b"\r\n\r\n")[2]) < length_in(data):
        more = stream.recv(1 << 16)
        if not more:
            break
        data += more
    return data.decode()


def length_in(answer):
    """Return the length that an answer announces."""
    lines = answer.partition(b"\r\n\r\n")[0].lower().split(b"\r\n")
    return next(int(line.partition(b":")[2]) for line in lines if line.startswith(b"content-length"))


def kept(up):
    """Return the files that uploads have left, and how many models there are."""
    folders = (up.home / "blobs", Path(up.environment["TMPDIR"]))
    files = {
        path for folder in folders for path in folder.rglob("*") if path.is_file() and "seamark-model-" not in str(path)
    }
    return files, up.client.get("/ops/models?total_count=true").json()["total_count"]


def predict(up, endpoint, number=2.0):
    """Return the answer to a prediction, over a connection of its own."""
    return httpx.post(f"{up.url}/ops/endpoints/{endpoint}/predict", json={"x0": number}, timeout=WAIT_S)


def hosts_of(endpoint):
    """Return the numbers of the processes that hold the model of an endpoint."""
    return [process.pid for process, plan in hosts_here() if endpoint in plan]


@pytest.mark.parametrize("path", ["/ops/upload", "/ops/models/{}"])
def test_three_gigabytes_are_refused_before_they_are_sent(up, path):
    """The length alone is enough for a problem document: not a byte of the body is waited for, and nothing is kept."""
    model = up.client.post("/ops/models", json={"name": "m"}, headers=authorized(up)).json()["id"]
    before = kept(up)

    with begin(up, path.format(model), f"Content-Length: {3 << 30}") as stream:
        answer = answer_on(stream)

    assert answer.startswith("HTTP/1.1 413 ")
    assert "content-type: application/problem+json" in answer
    assert str(LIMIT) in answer
    assert before == kept(up)


def test_a_file_without_an_end_is_cut_off(up):
    """In chunks, of no length that is told: a byte too many is answered, no end is waited for, and nothing is left."""
    before = kept(up)

    with begin(up, "/ops/upload", "Transfer-Encoding: chunked") as stream:
        for data in (HEAD, *[CHUNK] * (LIMIT // len(CHUNK) - 1), CHUNK[: 1 - len(HEAD)]):
            stream.sendall(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        answer = answer_on(stream)

    assert answer.startswith("HTTP/1.1 413 ")
    assert "content-type: application/problem+json" in answer
    wait_for(lambda: before == kept(up))


def test_what_all_web_processes_answer_is_counted_together(up, doubling):
    """By endpoint: how many were answered and refused, for how long, of how many rows; jobs are counted apart."""
    table = {"headers": {"Content-Type": "text/csv"}, "timeout": WAIT_S}
    batch = f"{up.url}/ops/predictions/batch?endpoint_id={doubling}"
    asked, refused = 0, 0

    while len(counting(up, doubling)) < 2:  # web processes take turns as they like
        assert asked < 500
        assert [200] * 10 == [predict(up, doubling, number).status_code for number in range(10)]
        assert 400 == predict(up, doubling, "much").status_code
        asked, refused = asked + 10, refused + 1
    small = httpx.post(batch, content="x0\n" + "1\n" * SMALL_ROWS, **table)
    large = httpx.post(batch, content="x0\n" + "1\n" * JOB_ROWS, **table)
    where = f"/ops/predictions/batch/{large.json()['id']}"
    wait_for(lambda: up.client.get(where).json()["status"] == "succeeded", 60)
    first, *others = [counts(up, doubling) for _ in range(2 * PROCESSES)]

    assert (200, 202) == (small.status_code, large.status_code)
    assert [first] * len(others) == others, "whichever process tells it"
    assert asked + 1 == first["prediction_seconds_count answered"]
    assert refused == first["prediction_seconds_count InputInvalid"]
    assert 0 < first["prediction_seconds_sum answered"] < WAIT_S * (asked + 1)
    assert asked + refused == first["prediction_rows_bucket 1.0"] == first["prediction_rows_bucket 32.0"]
    assert asked + refused + 1 == first["prediction_rows_bucket 64.0"] == first["prediction_rows_count"]
    assert asked + refused + SMALL_ROWS == first["prediction_rows_sum"]
    assert 1 == first["job_seconds_count succeeded"] - TRIALS
    assert asked + SMALL_ROWS + JOB_ROWS == first["batch_rows_sum"], "what a job asks for is a host's work as well"
    assert asked <= first["batch_rows_bucket 1.0"] < first["batch_rows_count"] == first["batch_rows_bucket +Inf"]


def counting(up, endpoint):
    """Return the files of web processes in which predictions of an endpoint are counted."""
    folder = Settings(home=up.home).runtime_dir / "metrics"
    counted = f'"endpoint": "{endpoint}"'.encode()
    return [path for path in folder.glob("*.db") if counted in path.read_bytes()]


def counts(up, endpoint):
    """Return what is counted of an endpoint, by what is counted, and the outcome or the end of the bucket."""
    text = httpx.get(f"{up.url}/metrics", timeout=WAIT_S).text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    found = {}
    for sample in samples:
        labels = sample.labels
        if endpoint in (labels.get("endpoint"), labels.get("subject")) and "seconds_bucket" not in sample.name:
            which = labels.get("outcome") or labels.get("le") or ""
            found[f"{sample.name.removeprefix('seamark_')} {which}".strip()] = sample.value
    return found


def test_the_first_prediction_after_a_deployment_starts_nothing(up, doubling):
    """Once an endpoint is in service its host is there, and answers whichever web process asks."""
    data = pickle.dumps(LinearRegression().fit([[0.0], [1.0]], [0.0, 3.0]))
    answer = up.client.post("/ops/upload", files={"file": ("m.pkl", data)}, headers=authorized(up)).json()
    endpoint = answer["links"][-1]["href"].rpartition("/")[2]
    wait_for(lambda: up.client.get(f"/ops/endpoints/{endpoint}").json()["status"] == "in_service")
    (tried,) = hosts_of(endpoint)

    answers = [predict(up, endpoint) for _ in range(4 * PROCESSES)]

    assert [6.0] * len(answers) == [pytest.approx(one.json()["result"]["predictions"]) for one in answers]
    assert [tried] == hosts_of(endpoint)


def test_after_a_restart_a_model_is_loaded_when_it_is_asked(up, doubling):
    """A server that stops leaves no host, one that starts loads nothing; the first prediction waits for its answer."""
    up.stop()
    assert [] == hosts_of(doubling)
    up.start()
    assert [] == hosts_of(doubling)

    first = predict(up, doubling)
    (host,) = hosts_of(doubling)
    second = predict(up, doubling)

    assert [4.0, 4.0] == [pytest.approx(one.json()["result"]["predictions"]) for one in (first, second)]
    assert [host] == hosts_of(doubling)
