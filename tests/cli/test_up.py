"""`seamark up`, with real processes."""

import http.client
import signal
import socket
import stat
import subprocess
import time
from contextlib import closing
from pathlib import Path

import httpx
import psutil
import pytest

from handlers.settings import Settings
from tests.cli.conftest import Up, alive, environment_for, seamark, wait_for


def test_it_says_what_it_serves(server):
    """The APIs, where they are mounted and how far they are built, three commands to try, the token's file."""
    lines = [" ".join(line.split()) for line in server.banner.splitlines()]

    assert "invoke/hash /invoke/hash yes" in lines
    assert 3 == len([line for line in lines if line.startswith("curl ")])
    assert f"Management token: {server.environment['SEAMARK_HOME']}/token" in lines


def test_what_it_says_to_try_works(server):
    """The first line hashes at once; the second submits a job and asks for its status."""
    lines = [line.strip() for line in server.banner.splitlines() if line.strip().startswith("curl ")]
    answers = [
        subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True, timeout=60).stdout
        for line in lines
    ]

    assert '"hash_val":"3338be694f50c5f338814986cdf0686453a888b84f424d792af4b9202398f392"' in answers[0]
    assert '"status":"' in answers[1]
    assert '"invoke/hash"' in answers[2]


def test_it_is_alive_and_ready(server):
    """The web answers, every part works, and `check` agrees."""
    assert {"status": "alive"} == httpx.get(f"{server.url}/healthz").json()
    assert {"database", "queue", "blobs", "worker"} == set(httpx.get(f"{server.url}/readyz").json()["parts"])
    checked = seamark(server.environment, "check")
    assert 0 == checked.returncode, checked.stdout


def test_it_has_a_key_to_seal_files_with(server):
    """Made at the first start, so that clients of Provider find whom they look for."""
    provider = httpx.get(server.url, headers={"Accept": "application/json"}).json()["providerAddress"]
    body = {"documentId": "0x11", "publisherAddress": "0x" + "12" * 20, "document": "[]"}

    assert 201 == httpx.post(f"{server.url}/api/v1/services/encrypt", json=body).status_code
    assert provider == seamark(server.environment, "key", "show-address").stdout.strip()


def test_metrics_count_what_all_processes_did(server):
    """Requests that the web answered and jobs that a worker ended stand in one list."""
    inputs = {"to_hash": "counted"}
    job = httpx.post(f"{server.url}/invoke/hash/invokeasync", json=inputs).json()["jobid"]
    counted = 'seamark_job_seconds_count{outcome="succeeded",subject="hash"}'

    def asked():
        text = httpx.get(f"{server.url}/metrics").text
        return text if counted in text else None

    metrics = wait_for(asked)

    assert 'seamark_request_seconds_count{api="invoke/hash",operation="hash_async",status="201"}' in metrics
    assert "succeeded" in seamark(server.environment, "job", "show", job).stdout


def test_what_it_keeps_is_nobody_elses(server):
    """The token's file and the folder of the sockets can be read by their owner alone."""
    home = Path(server.environment["SEAMARK_HOME"])

    assert 0o600 == stat.S_IMODE((home / "token").stat().st_mode)
    assert 0o700 == stat.S_IMODE(Settings(home=home).runtime_dir.stat().st_mode)


def test_a_second_one_is_told_who_holds_the_home(server):
    """One `up` per home; the other says which process it is and where it serves."""
    second = seamark(server.environment, "up", "--port", 0)

    assert 1 == second.returncode
    assert f"process {server.process.pid} serves {server.url}" in second.stderr


def test_a_port_that_is_in_use_is_refused(server, tmp_path):
    """Another server does not share the port by accident, and says what to do."""
    port = server.url.rpartition(":")[2]

    other = seamark(environment_for(tmp_path), "up", "--port", port)

    assert 1 == other.returncode
    assert f"Port {port} of 127.0.0.1 is in use" in other.stderr


@pytest.mark.parametrize("words", ["handlers.cli.granian", "handlers.cli.worker", "redis-server"])
def test_a_killed_child_is_started_again(server, words):
    """SIGKILL of the web, the worker or Redis: soon all is ready again, and none is there twice."""
    before = server.find(words)
    for process in before:
        process.kill()
    # The queue shows a dead worker for a while, so readiness alone does not tell.
    wait_for(lambda: {one.pid for one in server.find(words)} - {one.pid for one in before} and not alive(before))

    wait_for(server.ready)

    assert 200 == httpx.post(f"{server.url}/invoke/hash/invokesync", json={"to_hash": ""}).status_code
    assert len(before) == wait_for(lambda: len(server.find(words)))


def test_an_orphan_of_a_killed_child_is_killed(server):
    """What the web process had started itself does not outlive it."""
    web, *_ = server.find("handlers.cli.granian")
    below = web.children(recursive=True)
    assert below

    web.kill()

    wait_for(lambda: not alive(below))
    wait_for(server.ready)


@pytest.mark.parametrize("number", [pytest.param(signal.SIGINT, marks=pytest.mark.long), signal.SIGTERM])
def test_it_stops_cleanly_and_keeps_all_data(tmp_path, number):
    """No process and no socket is left, and a second start finds the jobs, the assets and the same token."""
    up = Up(tmp_path / "home")
    wait_for(up.ready)
    job = httpx.post(f"{up.url}/invoke/hash/invokeasync", json={"to_hash": "a"}).json()["jobid"]
    did = seamark(up.environment, "asset", "add", __file__).stdout.strip()
    children = up.find("")
    token = (tmp_path / "home" / "token").read_text()

    assert 0 == up.stop(number)

    assert [] == alive(children)
    assert [] == list(Settings(home=tmp_path / "home").runtime_dir.glob("*.sock"))
    again = Up(tmp_path / "home")
    try:
        address = f"{again.url}/invoke/hash/getstatus"
        wait_for(lambda: "succeeded" == httpx.get(address, params={"jobid": job}).json()["status"])
        assert did in seamark(again.environment, "asset", "list").stdout
        assert token == (tmp_path / "home" / "token").read_text()
    finally:
        again.stop()


@pytest.mark.long
def test_when_it_is_killed_nothing_is_left(tmp_path):
    """SIGKILL of `up` itself ends all that it started, and the next start is not in the way of anything."""
    up = Up(tmp_path / "home")
    wait_for(up.ready)
    children = up.find("")

    up.stop(signal.SIGKILL)

    wait_for(lambda: not alive(children))
    again = Up(tmp_path / "home")
    wait_for(again.ready)
    again.stop()


@pytest.mark.parametrize(
    ("status", "method", "path", "kind"),
    [
        (404, "POST", "/nowhere", "application/json"),
        (404, "POST", "/invoke/train-classifier/invokesync", "application/json"),
        (405, "PATCH", "/invoke/hash/invokesync", "application/json"),
        (415, "POST", "/invoke/hash/invokesync", "text/plain"),
        (401, "POST", "/api/v1/manage/assets", "application/json"),
        (200, "GET", "/ops/info", "application/json"),
    ],
)
@pytest.mark.parametrize("size", [2, 300_000])
def test_a_body_that_nobody_reads_is_not_in_the_way_of_the_next_request(server, status, method, path, kind, size):
    """Though it comes after its headers, as most clients send it, and the answer does not wait for it."""
    with closing(http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=30)) as connection:
        connection.connect()
        connection.auto_open = False  # it is this one or none

        connection.putrequest(method, path)
        connection.putheader("Content-Type", kind)
        connection.putheader("Content-Length", str(size))
        connection.endheaders()
        time.sleep(0.05)
        connection.send(b"x" * size)
        answer = connection.getresponse()
        assert (status, True) == (answer.status, answer.read() != b"")
        connection.request("GET", "/healthz")

        assert 200 == connection.getresponse().status


def test_requests_in_flight_are_answered_before_it_stops(tmp_path):
    """SIGTERM in the middle of a request: it is answered, and only then the web ends."""
    up = Up(tmp_path / "home")
    host, _, port = up.url.removeprefix("http://").partition(":")
    body = b'{"to_hash": "hello"}'
    head = f"POST /invoke/hash/invokesync HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:5])
        wait_for(lambda: psutil.Process(up.process.pid).is_running())
        up.process.send_signal(signal.SIGTERM)
        web = up.find("handlers.cli.granian")
        connection.sendall(body[5:])

        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 200 ")

    assert 0 == up.process.wait(60)
    assert [] == alive(web)
    up.stop()


@pytest.mark.long
def test_a_server_that_cannot_start_says_why(tmp_path):
    """What the children said last is shown, and nothing is left running."""
    failed = seamark(environment_for(tmp_path, apis="nonsense"), "up", "--port", 0)

    assert 1 == failed.returncode
    assert "web keeps ending" in failed.stderr
    assert "There is no API 'nonsense'" in failed.stderr


def test_management_that_is_open_to_all_is_not_put_on_the_net(tmp_path):
    """Binding to another address is refused while management needs no token."""
    refused = seamark(environment_for(tmp_path, manage_open=True), "up", "--host", "192.0.2.1")

    assert 1 == refused.returncode
    assert "SEAMARK_MANAGE_OPEN" in refused.stderr


def test_a_redis_of_ones_own_is_used(server, tmp_path):
    """With SEAMARK_REDIS_URL no other Redis is started."""
    (redis,) = server.find("redis-server")
    address = f"unix://{Settings(home=Path(server.environment['SEAMARK_HOME'])).runtime_dir}/redis.sock"

    up = Up(tmp_path / "home", redis_url=address)
    wait_for(up.ready)

    assert redis.is_running()
    assert [] == up.find("redis-server")
    assert 0 == up.stop()


@pytest.mark.parametrize("command", ["up", "serve"])
@pytest.mark.parametrize(("host", "warned"), [("127.1", True), ("127.0.0.1", False)])
def test_who_binds_beyond_loopback_is_told_to_have_a_proxy(server, tmp_path, command, host, warned):
    """Before anything is started; a host that is not known to be loopback counts as one that strangers reach."""
    port = server.url.rpartition(":")[2]

    refused = seamark(environment_for(tmp_path), command, "--host", host, "--port", port)

    assert f"Port {port} of {host} is in use" in refused.stderr
    assert warned == (f"Other machines reach {host}, and no proxy buffers bodies" in refused.stderr)
