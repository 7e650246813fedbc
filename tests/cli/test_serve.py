"""`seamark serve` and `seamark work`, each on its own."""

import re
import signal
import subprocess

import click
import httpx
import pytest

from handlers.cli.serve import served
from tests.cli.conftest import SEAMARK, environment_for, wait_for


@pytest.fixture
def start():
    """Start `seamark` with arguments; all is stopped at the end."""
    started = []

    def begin(environment, *arguments):
        process = subprocess.Popen([SEAMARK, *arguments], env=environment, stderr=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield begin
    for process in started:
        process.send_signal(signal.SIGTERM)
    assert [0] * len(started) == [process.wait(60) for process in started]
    for process in started:
        process.stderr.close()


def url_of(process):
    """Return where a server serves, once it answers."""
    url = re.search(r"http://\S+", process.stderr.readline())[0]

    def answers():
        try:
            return 200 == httpx.get(f"{url}/healthz").status_code
        except httpx.TransportError:
            return False

    wait_for(answers)
    return url


@pytest.mark.long
def test_operations_are_served_at_the_root(tmp_path, start):
    """The contract's own addresses: with --mount / /O/invokesync, and nothing else is served."""
    url = url_of(start(environment_for(tmp_path), "serve", "--port", "0", "--api", "invoke", "--mount", "/"))

    hashed = httpx.post(f"{url}/hash/invokesync", json={"to_hash": ""}, timeout=30)

    assert 200 == hashed.status_code
    assert 404 == httpx.post(f"{url}/invoke/hash/invokesync", json={"to_hash": ""}).status_code
    assert 404 == httpx.get(f"{url}/ops/info").status_code
    assert f"{url}/hash" == httpx.get(f"{url}/openapi/invoke/hash.json").json()["servers"][0]["url"]


def test_a_host_may_be_a_name(tmp_path, start):
    """`localhost` is an address of this machine like its number."""
    url = url_of(start(environment_for(tmp_path / "home"), "serve", "--host", "localhost", "--port", "0"))

    assert re.fullmatch(r"http://(127\.0\.0\.1|\[::1\]):\d+", url)


@pytest.mark.long
def test_one_operation_is_served_at_the_root(tmp_path, start):
    """With --operation too, just /invokesync, and several web processes share the port."""
    arguments = ["--port", "0", "--operation", "hash", "--mount", "/", "--processes", "2", "--threads", "2"]
    url = url_of(start(environment_for(tmp_path), "serve", *arguments))

    # The first run waits for the processes that run operations to start.
    assert 200 == httpx.post(f"{url}/invokesync", json={"to_hash": ""}, timeout=30).status_code
    assert ["invoke/hash"] == [api["name"] for api in httpx.get(f"{url}/openapi").json()["apis"]]


@pytest.mark.long
def test_web_and_workers_find_each_other(tmp_path, start):
    """A server, workers and a Redis that are started apart do the jobs together."""
    address = tmp_path / "redis.sock"
    with subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", address, "--save", ""]) as redis:
        try:
            environment = environment_for(tmp_path / "home", redis_url=f"unix://{address}")
            url = url_of(start(environment, "serve", "--port", "0"))
            start(environment, "work", "--workers", "2", "--queue", f"unix://{address}")
            wait_for(lambda: "seamark_workers 2.0" in httpx.get(f"{url}/metrics").text)

            job = httpx.post(f"{url}/invoke/hash/invokeasync", json={"to_hash": ""}).json()["jobid"]

            status = f"{url}/invoke/hash/getstatus"
            wait_for(lambda: "succeeded" == httpx.get(status, params={"jobid": job}).json()["status"])
        finally:
            redis.terminate()


def test_options_say_what_is_served():
    """APIs and mounts become settings, by the name of the API or of the operation."""
    assert {} == served((), None, None)
    assert {"apis": "ops,provider"} == served(("ops", "provider"), None, None)
    assert {"apis": "invoke", "mounts": "invoke=/"} == served(("invoke",), "/", None)
    assert {"apis": "invoke/hash", "mounts": "invoke/hash=/"} == served(("invoke",), "/", "hash")


@pytest.mark.parametrize("options", [((), "/", None), (("ops", "konduit"), "/", None), (("ops",), None, "hash")])
def test_options_that_do_not_go_together_are_refused(options):
    """One mount is for one API, and an operation is of invoke."""
    with pytest.raises(click.UsageError):
        served(*options)
