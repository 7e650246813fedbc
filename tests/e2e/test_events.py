"""Many callers wait for events on a real server, and others are answered all the same."""

import json
import signal
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.e2e.conftest import Server, running, wait_for

CLIENTS = 50


class Listener:
    """Reads the events of a job until they end."""

    def __init__(self, server: Server, job: str) -> None:
        """Ask for them."""
        self.status = 0
        self.retry_after = ""
        self.states: list[str] = []
        self.thread = threading.Thread(target=self.listen, args=(f"{server.url}/api/v1/invoke/jobs/{job}/events",))
        self.thread.start()

    def listen(self, url: str) -> None:
        """Note what comes."""
        with httpx.Client(timeout=60) as client, client.stream("GET", url) as answer:
            self.retry_after = answer.headers.get("Retry-After", "")
            self.status = answer.status_code
            for line in answer.iter_lines():
                if line.startswith("data: "):
                    self.states.append(json.loads(line.removeprefix("data: "))["status"])


def answered(server: Server, requests: int = 100) -> Counter:
    """Send requests from ten clients at once, and count their statuses."""

    def one(number: int) -> int:
        with httpx.Client(base_url=server.url, timeout=20) as client:
            if number % 2:
                return client.get("/api/v1/invoke/operations").status_code
            return client.post("/invoke/hash/invokesync", json={"to_hash": str(number)}).status_code

    with ThreadPoolExecutor(10) as pool:
        return Counter(pool.map(one, range(requests)))


def wait_and_end(server: Server) -> tuple[list[Listener], Counter]:
    """Have 50 clients wait for a job that no worker takes up; meanwhile send other requests; then let the job end."""
    workers = server.processes("handlers.cli.worker")
    for worker in workers:
        worker.send_signal(signal.SIGSTOP)
    job = server.submit("hash", to_hash="")
    listeners = [Listener(server, job) for _ in range(CLIENTS)]
    wait_for(lambda: all(listener.status for listener in listeners))
    others = answered(server)
    for worker in workers:
        worker.send_signal(signal.SIGCONT)
    for listener in listeners:
        listener.thread.join(60)
    assert not any(listener.thread.is_alive() for listener in listeners)
    return listeners, others


def test_fifty_listeners_leave_room_for_others(server):
    """With the settings as they come some listen, the rest are told when to come back, and all others are answered."""
    listeners, others = wait_and_end(server)

    listening = [listener for listener in listeners if listener.status == 200]
    refused = [listener for listener in listeners if listener.status != 200]
    assert {200: 100} == others
    assert 4 == len(listening)
    assert {(503, "5")} == {(listener.status, listener.retry_after) for listener in refused}
    assert {"succeeded"} == {listener.states[-1] for listener in listening}


@pytest.mark.long
def test_with_threads_enough_all_fifty_listen(tmp_path):
    """A thread for each and some to spare is what it takes."""
    with running(tmp_path / "home", web_threads="60", event_streams="50") as server:
        listeners, others = wait_and_end(server)

    assert {200: 100} == others
    assert {200} == {listener.status for listener in listeners}
    assert {("scheduled", "succeeded")} == {(listener.states[0], listener.states[-1]) for listener in listeners}


def test_listeners_who_go_away_make_room(server):
    """A seat is free again soon after its listener has hung up."""
    for worker in server.processes("handlers.cli.worker"):
        worker.send_signal(signal.SIGSTOP)
    url = f"{server.url}/invoke/hash/events?jobid={server.submit('hash', to_hash='')}"

    def status() -> int:
        with httpx.Client() as client, client.stream("GET", url) as answer:
            return answer.status_code

    with httpx.Client() as client:
        streams = [client.send(client.build_request("GET", url), stream=True) for _ in range(4)]
        assert 503 == status()
        for stream in streams:
            stream.close()
    wait_for(lambda: status() == 200)
    for worker in server.processes("handlers.cli.worker"):
        worker.send_signal(signal.SIGCONT)
