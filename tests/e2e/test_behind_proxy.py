"""What the README shows of nginx stands in front of a real server."""

from __future__ import annotations

import json
import os
import re
import signal
from contextlib import ExitStack, closing

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct

from handlers.errors import NotFound, TooManyRequests
from tests.e2e.conftest import running
from tests.e2e.nginx import PUBLIC, Proxy, fronted, is_problem, shown

SIZE = 30 << 20  # bytes of a file that no buffer on the way holds
CALLS = 10  # that a client may make in a minute, of those that are counted
HASH = "/invoke/hash/invokesync"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server that believes one proxy, and lets strangers invoke."""
    home = tmp_path_factory.mktemp("behind") / "home"
    with running(home, trusted_proxies="1", invoke_open="1", calls_per_minute=str(CALLS)) as made:
        yield made


@pytest.fixture(scope="module")
def proxy(server, tmp_path_factory):
    """The proxy in front of it."""
    with closing(Proxy(tmp_path_factory.mktemp("proxy") / "nginx", server.port)) as made:
        yield made


@pytest.fixture(scope="module")
def token(server):
    """The header of a manager."""
    return {"Authorization": f"Bearer {(server.home / 'token').read_text().strip()}"}


@pytest.fixture(scope="module")
def file(server, tmp_path_factory):
    """A file, and the DID under which the server gives it out."""
    path = tmp_path_factory.mktemp("file") / "large.bin"
    path.write_bytes(os.urandom(SIZE))
    return path.read_bytes(), server.add(path)


def download_query(client, did: str) -> str:
    """Return the query of a signed download by somebody new."""
    account = Account.create()
    nonce = client.get("/api/v1/services/nonce", params={"userAddress": account.address}).json()["nonce"]
    signature = account.sign_message(encode_defunct(text=f"{did}{nonce}")).signature.hex().removeprefix("0x")
    return f"documentId={did}&fileIndex=0&consumerAddress={account.address}&signature=0x{signature}"


def statuses(client, requests: int = 20) -> set[int]:
    """Return how requests are answered."""
    return {client.post(HASH, json={"to_hash": str(number)}).status_code for number in range(requests)}


def test_slow_bodies_and_slow_headers_keep_nobody_waiting(proxy):
    """40 sockets that drip bodies and 40 that stop in the header: others are answered, and one address has no more."""
    head = f"POST {HASH} HTTP/1.1\r\nHost: sea.example\r\n"
    body = f"{head}Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
    with ExitStack() as stack, proxy.client() as others, proxy.client("127.0.0.2") as greedy:
        dripping = [stack.enter_context(proxy.dial("127.0.0.2")) for _ in range(40)]
        halting = [stack.enter_context(proxy.dial("127.0.0.3")) for _ in range(40)]
        for connection in dripping:
            connection.sendall(body.encode())
        for connection in halting:
            connection.sendall(head.encode())

        for _ in range(10):
            for connection in dripping:
                connection.sendall(b" ")
            assert {200} == statuses(others, 5)

        assert is_problem(refused := greedy.get("/healthz"), TooManyRequests)
        assert "5" == refused.headers["Retry-After"]


def test_readers_that_stop_reading_keep_nobody_waiting(proxy, file):
    """One address has three downloads at a time: each may take a thread for as long as it is read, and no disk."""
    with ExitStack() as stack, proxy.client() as others, proxy.client("127.0.0.4") as greedy:
        for _ in range(3):
            query = download_query(greedy, file[1])
            reader = stack.enter_context(proxy.dial("127.0.0.4", receive_bytes=4096))
            reader.sendall(f"GET /api/v1/services/download?{query} HTTP/1.1\r\nHost: sea.example\r\n\r\n".encode())
            assert b"HTTP/1.1 200" == reader.recv(12)

        assert is_problem(greedy.get(f"/api/v1/services/download?{query}"), TooManyRequests)
        assert {200} == statuses(others) | statuses(greedy)
    assert "upstream response is buffered to a temporary file" not in proxy.warnings()


def test_an_upload_in_chunks_gets_through(proxy, token):
    """Tens of megabytes without a Content-Length arrive whole, by way of the proxy's disk."""
    boundary = "b0undary"
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="large"\r\n\r\n'.encode()

    def chunks():
        yield head
        for _ in range(SIZE >> 20):
            yield bytes(1 << 20)
        yield f"\r\n--{boundary}--\r\n".encode()

    kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    with proxy.client() as client:
        answer = client.post("/api/v1/manage/assets", content=chunks(), headers=token | kind, timeout=120)

    assert 201 == answer.status_code, answer.text
    assert SIZE == answer.json()["size"]
    assert "client request body is buffered to a temporary file" in proxy.warnings()


def test_events_arrive_as_they_happen(proxy, server):
    """That a job is scheduled is told while no worker can take it, and its end when it has ended."""
    workers = server.processes("handlers.cli.worker")
    for worker in workers:
        worker.send_signal(signal.SIGSTOP)
    try:
        with proxy.client() as client:
            job = client.post("/invoke/hash/invokeasync", json={"to_hash": ""}).json()["jobid"]
            with client.stream("GET", f"/api/v1/invoke/jobs/{job}/events") as answer:
                lines = (line for line in answer.iter_lines() if line.startswith("data: "))
                first = json.loads(next(lines)[6:])["status"]
                for worker in workers:
                    worker.send_signal(signal.SIGCONT)
                *_, last = (json.loads(line[6:])["status"] for line in lines)
    finally:
        for worker in workers:
            worker.send_signal(signal.SIGCONT)

    assert ("scheduled", "succeeded") == (first, last)


@pytest.mark.parametrize("name", ["X-Forwarded-For", "X_Forwarded_For", "Forwarded", "X-Real-IP"])
def test_a_client_cannot_say_that_it_is_another(proxy, name):
    """Calls are counted for the address that the proxy sees, whatever the client tells in which header."""
    names = ["X-Forwarded-For", "X_Forwarded_For", "Forwarded", "X-Real-IP"]
    liar, other = (f"127.0.{net}.{names.index(name) + 1}" for net in (1, 2))

    def call(address, claimed):
        with proxy.client(address) as client:
            asked = {"url": "ftp://x"}
            return client.post("/api/v1/services/fileinfo", json=asked, headers={name: claimed}).status_code

    lies = [call(liar, f"192.0.2.{number}") for number in range(CALLS + 1)]

    assert [200] * CALLS + [429] == lies
    assert 200 == call(other, liar)


FORGED = {
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Prefix": "/evil",
    "X_Forwarded_Host": "evil.example",
}


@pytest.mark.parametrize("host", ["sea.example", "evil.example"])
def test_links_have_the_public_address(proxy, host):
    """Scheme and host are the proxy's own, whatever the client says."""
    with proxy.client() as client:
        answer = client.post("/invoke/hash/invokeasync", json={"to_hash": ""}, headers=FORGED | {"Host": host})
        served = client.get("/openapi/ops.json", headers=FORGED | {"Host": host}).json()["servers"][0]["url"]

    assert 201 == answer.status_code
    assert answer.headers["Location"].startswith(f"{PUBLIC}/invoke/hash/")
    assert f"{PUBLIC}/ops" == served


def test_it_serves_under_a_prefix(server, tmp_path):
    """With the README's other location all is below it, the links and the documentation too."""
    site, prefix = shown()
    (location,) = re.findall(r"    location / \{.*?\n    \}\n", site, re.DOTALL)
    with fronted(tmp_path, server.port, {location: prefix}) as client:
        answer = client.post("/seamark/invoke/hash/invokeasync", json={"to_hash": ""}, headers=FORGED)
        page = client.get("/seamark/docs/ops").text
        links = [client.get(f"/seamark/docs/{link}") for link in re.findall(r'(?:href|src)="([^"]+)"', page)]

        assert is_problem(client.get("/invoke/hash/getstatus"), NotFound)

    assert answer.headers["Location"].startswith(f"{PUBLIC}/seamark/invoke/hash/")
    assert links
    assert {200} == {link.status_code for link in links}


def test_a_part_of_a_file_is_downloaded(proxy, file):
    """Range, HEAD and the whole file pass."""
    data, did = file
    with proxy.client() as client:
        address = f"/api/v1/services/download?{download_query(client, did)}"
        head = client.head(address)
        part = client.get(address, headers={"Range": f"bytes={SIZE - 5}-"})
        whole = client.get(f"/api/v1/services/download?{download_query(client, did)}")

    assert (200, str(SIZE), b"") == (head.status_code, head.headers["Content-Length"], head.content)
    assert (206, data[-5:]) == (part.status_code, part.content)
    assert f"bytes {SIZE - 5}-{SIZE - 1}/{SIZE}" == part.headers["Content-Range"]
    assert (200, data) == (whole.status_code, whole.content)


@pytest.mark.parametrize(
    ("status", "path", "kind"),
    [
        (413, HASH, "application/json"),
        (415, HASH, "text/plain"),
        (401, "/api/v1/manage/assets", "application/octet-stream"),
        (404, "/nowhere", "application/octet-stream"),
        (405, "/healthz", "application/octet-stream"),
    ],
)
def test_what_seamark_refuses_is_told_by_seamark(proxy, status, path, kind):
    """A large body that it does not want is taken off the proxy all the same, which else would answer 502."""
    with proxy.client() as client:
        answer = client.post(path, content=bytes(SIZE), headers={"Content-Type": kind})

    assert (status, "application/problem+json") == (answer.status_code, answer.headers["Content-Type"])
