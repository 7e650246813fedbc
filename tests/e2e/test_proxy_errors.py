"""What the README's nginx answers by itself, with nothing that works behind it."""

from __future__ import annotations

import json
import os
import re
import socket
import threading
from contextlib import closing, contextmanager

import httpx
import pytest

from handlers import errors
from handlers.errors import BadGateway, BadRequest, MethodNotAllowed, NotFound, TimedOut, TooLarge
from handlers.operations.replies import WAIT_S
from handlers.settings import Settings
from tests.e2e.conftest import free_port
from tests.e2e.nginx import Proxy, fronted, is_problem, shown

HASH = "/invoke/hash/invokesync"


@pytest.fixture(scope="module")
def proxy(tmp_path_factory):
    """A proxy in front of nothing."""
    with closing(Proxy(tmp_path_factory.mktemp("proxy") / "nginx", free_port())) as made:
        yield made


def test_what_no_setting_allows_is_refused_by_the_proxy(proxy):
    """Its answer is the same problem document that Seamark would send."""
    head = f"POST {HASH} HTTP/1.1\r\nHost: sea.example\r\nContent-Type: application/json\r\n"

    answer, body = proxy.told(f"{head}Content-Length: {3 << 30}\r\n\r\n".encode())

    assert (413, TooLarge().as_document()) == (answer.status, json.loads(body))
    assert "application/problem+json" == answer.headers["Content-Type"]


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"NONSENSE\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/3.0\r\nHost: sea.example\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: sea.example\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: sea.example\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: sea.example\r\nX-Long: " + b"x" * 9000 + b"\r\n\r\n",
    ],
)
def test_what_is_no_request_is_refused(proxy, request_bytes):
    """The proxy's answer is a problem document, too."""
    answer, body = proxy.told(request_bytes)

    assert (400, BadRequest().as_document()) == (answer.status, json.loads(body))
    assert "application/problem+json" == answer.headers["Content-Type"]


def test_a_request_in_the_clear_is_refused(proxy):
    """Who speaks HTTP to the port of TLS is told so as others are."""
    answer = httpx.get(f"http://127.0.0.1:{proxy.port}/healthz")

    assert is_problem(answer, BadRequest)


def test_a_method_that_no_proxy_passes_is_refused(proxy):
    """TRACE would show what the proxy adds to a request."""
    with proxy.client() as client:
        assert is_problem(client.request("TRACE", "/healthz"), MethodNotAllowed)


def test_every_error_of_the_proxy_has_the_words_of_seamark():
    """What the configuration tells of a status is what the problem of that status tells."""
    names, words = (
        dict(re.findall(r"(\d{3}|default) \"?(.+?)\"?;", block))
        for block in re.findall(r"map \$status \$problem(?:_words)? \{(.*?)\}", shown()[0], re.DOTALL)
    )

    assert {status: getattr(errors, name).title() for status, name in names.items()} == words
    known = {status: str(getattr(errors, name).status.value) for status, name in names.items()}
    assert {status: "400" if status == "default" else status for status in names} == known


def test_the_proxys_own_page_is_nobodys(proxy):
    """The location that its errors come from answers as any address that does not exist."""
    with proxy.client() as client:
        assert is_problem(client.get("/.problem"), NotFound)


def test_while_seamark_is_down_callers_are_told_so(tmp_path):
    """A problem document says it, and when to come back."""
    with fronted(tmp_path, free_port()) as client:
        answer = client.post(HASH, json={"to_hash": ""})
        head = client.head("/healthz")

    assert is_problem(answer, BadGateway)
    assert "5" == answer.headers["Retry-After"]
    assert (502, b"") == (head.status_code, head.content)


@contextmanager
def listening(answer):
    """Give the port of a server that has each connection handled by *answer*, and the requests that came."""
    asked = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    while data := connection.recv(65536):
                        asked.append(data.partition(b" ")[0].decode())
                        if not answer(connection, len(asked)):
                            break

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1], asked
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(30)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_no_request_is_sent_twice(tmp_path, method):
    """A server that hangs up on a request, over a connection that it has kept open, may have done what it was asked."""

    def once(connection, number):
        if number == 1:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        return number == 1

    with listening(once) as (port, asked), fronted(tmp_path, port) as client:
        assert 200 == client.get("/").status_code
        assert is_problem(client.request(method, "/"), BadGateway)

    assert ["GET", method] == asked


def test_a_server_that_hangs_is_not_waited_for_without_end(tmp_path):
    """After its time the proxy answers that the work took too long."""
    soon = {"proxy_read_timeout 300s": "proxy_read_timeout 1s"}

    with listening(lambda connection, number: True) as (port, asked), fronted(tmp_path, port, soon) as client:
        assert is_problem(client.get("/"), TimedOut)

    assert ["GET"] == asked


def test_its_numbers_are_those_of_the_settings(monkeypatch):
    """What the proxy takes is the largest upload, and it waits longer than any request does by default."""
    for name in [name for name in os.environ if name.startswith("SEAMARK_")]:
        monkeypatch.delenv(name)
    settings, site = Settings(), shown()[0]
    (gigabytes,) = re.findall(r"client_max_body_size (\d+)g;", site)
    (read_s,) = re.findall(r"proxy_read_timeout (\d+)s;", site)
    times = (settings.sync_timeout_s, settings.predict_timeout_s, settings.model_load_s, settings.upload_wait_s, WAIT_S)

    assert settings.upload_limit_bytes == int(gigabytes) << 30
    assert max(times) < int(read_s)
