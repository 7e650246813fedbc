"""Many who wait for one model, and what all others are answered meanwhile."""

from __future__ import annotations

import operator
import os
import pickle
import signal
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest
from sklearn.linear_model import LinearRegression
from waitress.server import create_server

from handlers.app import create_app
from handlers.models.waits import MOMENT_S
from handlers.settings import Settings
from tests.jobs.conftest import eventually
from tests.models.test_hosts import host_of, hosts_here
from tests.served import serving, start_worker

pytestmark = pytest.mark.long

THREADS = 6
SEATS = 3  #: of one model in so many threads
CALLERS = 4 * THREADS
LOAD_S = 8
FAST, SLOW = 1, 2


class Nap:
    """Sleeps when it is loaded."""

    def __reduce__(self):
        return time.sleep, (LOAD_S,)


class Late:
    """A model whose file takes its time to load."""

    def __init__(self, model):
        """Become *model*."""
        self.model = model

    def __reduce__(self):
        return operator.getitem, ([Nap(), self.model], 1)


def says(number):
    """Return a model that always says a number."""
    return LinearRegression().fit([[0], [1]], [number, number])


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server of few threads with a fast model and one that takes long to load; uploads are not waited for."""
    home = tmp_path_factory.mktemp("w")
    settings = Settings(
        home=home,
        redis_url=f"unix://{home}/s",
        manage_open=True,
        apis="ops,v2",
        web_threads=THREADS,
        upload_wait_s=0,
        predict_timeout_s=20,
        model_classes="time.sleep,_operator.getitem",
    )
    with serving(settings) as here, listening(create_app(settings)) as url:
        worker = start_worker(settings)
        yield Server(url, here)
        worker.terminate()
        worker.wait(30)


@contextmanager
def listening(app):
    """Serve an application with so many threads, and give its address."""
    server, stop = create_server(app, host="127.0.0.1", port=0, threads=THREADS), threading.Event()

    def run():
        while not stop.is_set():
            server.asyncore.loop(timeout=0.1, map=server._map, count=1)

    thread = threading.Thread(target=run)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    stop.set()
    thread.join()
    server.task_dispatcher.shutdown()
    server.close()


class Server:
    """Calls the server, each time over a connection of its own."""

    def __init__(self, url, here):
        """Call at *url*; *here* are its services."""
        self.url = url
        self.here = here
        self.pool = ThreadPoolExecutor(CALLERS)

    def upload(self, model, *, ready=True):
        """Upload a model; return the id of its endpoint, which has been tried if it is to be *ready*."""
        answer = httpx.post(f"{self.url}/ops/upload", files={"file": ("m.pkl", pickle.dumps(model))}, timeout=60)
        endpoint = answer.json()["links"][1]["href"].rpartition("/")[2]
        if ready:
            eventually(lambda: self.status(endpoint) == "in_service", 60)
        return endpoint

    def status(self, endpoint):
        """Return how an endpoint is."""
        return httpx.get(f"{self.url}/ops/endpoints/{endpoint}").json()["status"]

    def predict(self, endpoint):
        """Return the answer to a prediction."""
        return httpx.post(f"{self.url}/ops/endpoints/{endpoint}/predict", json={"x0": 0.5}, timeout=60)

    def callers(self, endpoint, count=CALLERS):
        """Have many ask at a time; return their answers to be."""
        return [self.pool.submit(self.predict, endpoint) for _ in range(count)]

    def is_crowded(self, endpoint):
        """Tell whether as many wait for an endpoint as may."""
        return self.here.models.hosts.seats.full(endpoint)

    def answers_others(self, fast):
        """Show that everything else is answered."""
        for path in ("/healthz", "/ops/models", "/v2/health/ready"):
            assert 200 == httpx.get(self.url + path).status_code
        assert FAST == pytest.approx(self.predict(fast).json()["result"]["predictions"])


@pytest.fixture(scope="module")
def fast(server):
    """The endpoint of a model that answers at once."""
    return server.upload(says(FAST))


def outcomes(callers):
    """Return how often each status was answered; whoever was refused was told when to come again."""
    answers = [caller.result() for caller in callers]
    assert all("Retry-After" in answer.headers for answer in answers if answer.status_code != 200)
    return Counter(answer.status_code for answer in answers)


def test_a_file_that_is_tried_keeps_no_thread_from_others(server, fast):
    """A few wait for the trial and are answered after it; all others are told at once to come again."""
    endpoint = server.upload(Late(says(SLOW)), ready=False)
    callers = server.callers(endpoint)
    eventually(lambda: server.is_crowded(endpoint))

    server.answers_others(fast)

    assert server.is_crowded(endpoint), "they must have waited all the while for this to prove anything"
    assert {200: SEATS, 503: CALLERS - SEATS} == outcomes(callers)


def test_a_model_that_is_loaded_keeps_no_thread_from_others(server, fast):
    """A few wait for the host that is being started, which is answered then; all others are told to come again."""
    endpoint = server.upload(Late(says(SLOW)))
    server.here.models.hosts.stop(endpoint)
    eventually(lambda: not [plan for _, plan in hosts_here() if endpoint in plan])
    callers = server.callers(endpoint)
    eventually(lambda: server.is_crowded(endpoint))

    server.answers_others(fast)
    refused = server.predict(endpoint)

    assert server.is_crowded(endpoint), "they must have waited all the while for this to prove anything"
    assert (503, "1") == (refused.status_code, refused.headers["Retry-After"])
    assert {200: SEATS, 503: CALLERS - SEATS} == outcomes(callers)
    assert SLOW == pytest.approx(server.predict(endpoint).json()["result"]["predictions"])


def test_a_model_that_hangs_keeps_no_thread_from_others(server, fast):
    """However many ask it, a few wait until it is given up, and nobody else longer than a moment."""
    endpoint = server.upload(says(SLOW))
    assert 200 == server.predict(endpoint).status_code
    os.kill(host_of(endpoint).pid, signal.SIGSTOP)
    callers = server.callers(endpoint)
    eventually(lambda: server.is_crowded(endpoint))

    server.answers_others(fast)

    assert server.is_crowded(endpoint), "they must have waited all the while for this to prove anything"
    assert {503: CALLERS} == outcomes(callers)
    eventually(lambda: server.predict(endpoint).status_code == 200)


def test_a_fast_model_may_have_all_threads(server, fast):
    """More callers than a slow model may have, for far longer than a moment, are all answered."""
    end = time.monotonic() + 4 * MOMENT_S
    found = Counter()

    while time.monotonic() < end:
        found += outcomes(server.callers(fast))

    assert {200} == set(found)
