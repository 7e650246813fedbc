"""Downloads under real WSGI servers: what breaks off is seen to break off."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest

from tests.e2e.conftest import free_port, wait_for
from tests.files.upstream import always, ranging, whole
from tests.provider.conftest import API, KEY, PROVIDER_KEY, Consumer

BIN = Path(sys.executable).parent
SERVERS = {
    "granian": "seamark serve --port {port}",
    "gunicorn": "gunicorn --worker-class gthread --threads 4 --bind 127.0.0.1:{port} handlers.wsgi:app",
    "waitress": "waitress-serve --listen 127.0.0.1:{port} --threads 4 handlers.wsgi:app",
}
BODY = os.urandom(1 << 20)
LARGE = 256  # times BODY
ROOM_KB = {"waitress-serve": 128 << 10}  # what a server may grow by; waitress keeps 16 MiB for each client
OTHERS_KB = 32 << 10


class Remote(Consumer):
    """Signs and fetches over HTTP."""

    def __init__(self, url):
        super().__init__(None, KEY)
        self.http = httpx.Client(base_url=url, timeout=30)
        self.process = None

    def nonce(self):
        """Return the nonce to be signed next."""
        return self.http.get(f"{API}/nonce", params={"userAddress": self.address}).json()["nonce"]

    def stream(self, did):
        """Begin to fetch a file."""
        return self.http.stream("GET", f"{API}/download", params=self.parameters(did, serviceId=3))

    def fetch(self, did, **headers):
        """Fetch a file."""
        return self.http.get(f"{API}/download", params=self.parameters(did, serviceId=3), headers=headers)


@pytest.fixture(params=["granian", *(pytest.param(name, marks=pytest.mark.long) for name in [*SERVERS][1:])])
def remote(request, here, tmp_path):
    """A caller of a server of each kind, over the stores of this process."""
    port = free_port()
    program, *options = SERVERS[request.param].format(port=port).split()
    environment = os.environ | {
        "SEAMARK_HOME": str(tmp_path),
        "SEAMARK_REDIS_URL": here.settings.redis_url,
        "SEAMARK_ALLOWED_NETWORKS": "127.0.0.0/8",
        "SEAMARK_PROVIDER_KEY": PROVIDER_KEY,
        "SEAMARK_APIS": "provider",
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
    }
    log = (tmp_path / "server.log").open("w")
    process = subprocess.Popen([str(BIN / program), *options], env=environment, stdout=log, stderr=log)
    caller = Remote(f"http://127.0.0.1:{port}")
    caller.process = psutil.Process(process.pid)

    def alive():
        assert process.poll() is None, Path(log.name).read_text()
        try:
            return caller.http.get("/healthz").status_code == 200
        except httpx.TransportError:
            return False

    try:
        wait_for(alive)
        yield caller
    finally:
        caller.http.close()
        process.terminate()
        process.wait(30)
        log.close()


def test_a_truncated_file_is_an_aborted_answer(remote, publish, upstream):
    """The client sees that bytes are missing, and can go on where it ended with a part."""
    upstream.paths["/short"] = always(*whole(BODY[:500_000], length=len(BODY)))
    upstream.paths["/chunks"] = always(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"%x\r\n" % len(BODY), BODY[:1000]
    )
    upstream.paths["/unknown"] = always(b"HTTP/1.1 200 OK\r\n\r\n", BODY)
    short, chunks, unknown = (
        publish(upstream.url + path, digits=digit * 64)
        for path, digit in (("/short", "a"), ("/chunks", "b"), ("/unknown", "c"))
    )

    with pytest.raises(httpx.RemoteProtocolError):
        remote.fetch(short)
    assert 502 == remote.fetch(chunks).status_code
    assert (BODY, str(len(BODY))) == ((found := remote.fetch(unknown)).content, found.headers["Content-Length"])

    upstream.paths["/short"] = ranging(BODY)
    rest = remote.fetch(short, Range="bytes=500000-")
    assert (206, BODY[500_000:]) == (rest.status_code, rest.content)


def peak_kb(process):
    """Return the most memory that a process and those below it have had, in kB."""
    found = [Path(f"/proc/{one.pid}/status").read_text() for one in (process, *process.children(recursive=True))]
    return sum(int(re.search(r"VmHWM:\s+(\d+) kB", text)[1]) for text in found)


def test_a_large_file_is_never_in_memory(remote, publish, upstream):
    """Nor is it while one client does not read on, and others do."""
    head, _ = whole(b"", length=LARGE * len(BODY))
    upstream.paths["/small"] = ranging(BODY)
    upstream.paths["/large"] = lambda *_: itertools.chain([head], itertools.repeat(BODY, LARGE))
    small, large = publish(upstream.url + "/small"), publish(upstream.url + "/large", digits="b" * 64)
    for _ in range(4):
        assert BODY == remote.fetch(small).content
    before = peak_kb(remote.process)

    with contextlib.ExitStack() as stack:
        slow = stack.enter_context(remote.stream(large)).iter_raw(65536)
        next(slow)
        others = [stack.enter_context(remote.stream(large)) for _ in range(2)]
        sizes = [sum(map(len, other.iter_raw(1 << 20))) for other in others]
        sizes.append(65536 + sum(map(len, slow)))

    assert [LARGE * len(BODY)] * 3 == sizes
    assert peak_kb(remote.process) - before < ROOM_KB.get(remote.process.name(), OTHERS_KB)


def test_who_hangs_up_lets_go_of_thread_and_upstream(remote, publish, upstream):
    """More clients than there are threads give up half way; whoever comes next is served."""
    left = []

    def serve(method, headers):
        try:
            yield from itertools.chain(whole(b"", length=LARGE * len(BODY))[:1], itertools.repeat(BODY, LARGE))
        finally:
            left.append(method)

    upstream.paths["/large"] = serve
    upstream.paths["/small"] = ranging(BODY)
    small, large = publish(upstream.url + "/small"), publish(upstream.url + "/large", digits="b" * 64)

    for _ in range(12):
        with remote.stream(large) as stream:
            next(stream.iter_raw(65536))

    assert BODY == remote.fetch(small).content
    wait_for(lambda: len(left) == 12)
