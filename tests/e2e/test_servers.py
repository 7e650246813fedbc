"""`handlers.wsgi:app` under other WSGI servers."""

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import free_port, wait_for

pytestmark = pytest.mark.long

BIN = Path(sys.executable).parent
GUNICORN = "gunicorn --worker-class gthread --threads 8 --bind 127.0.0.1:{port} handlers.wsgi:app"
SERVERS = {
    "gunicorn": f"{GUNICORN} --workers 2",
    "gunicorn-preload": f"{GUNICORN} --preload",
    "uwsgi": "uwsgi --http-socket 127.0.0.1:{port} --module handlers.wsgi:app --master --processes 2 --threads 8"
    " --lazy-apps --enable-threads --die-on-term --worker-reload-mercy 5",
    "waitress": "waitress-serve --listen 127.0.0.1:{port} --threads 8 handlers.wsgi:app",
}


@pytest.fixture(params=SERVERS)
def url(request, shared, tmp_path):
    """The address of a WSGI server of each kind, beside a `seamark up` that does the jobs of the same home."""
    port = free_port()
    program, *options = SERVERS[request.param].format(port=port).split()
    log = (tmp_path / "server.log").open("w")
    environment = shared.environment | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    process = subprocess.Popen([str(BIN / program), *options], env=environment, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"

    def alive():
        assert process.poll() is None, Path(log.name).read_text()
        try:
            return httpx.get(f"{address}/healthz").status_code == 200
        except httpx.TransportError:
            return False

    try:
        wait_for(alive)
        yield address
    finally:
        process.terminate()
        process.wait(90)
        log.close()


def test_every_server_answers_alike(url, shared):
    """Synchronous and asynchronous runs, problems, HEAD and uploads work as under the server that we ship."""
    # uWSGI's own socket closes after each answer without saying so, so no connection is used twice.
    with httpx.Client(base_url=url, timeout=30, limits=httpx.Limits(max_keepalive_connections=0)) as client:
        now = client.post("/invoke/hash/invokesync", json={"to_hash": "abcd"})
        later = client.post("/invoke/hash/invokeasync", json={"to_hash": "abcd"})
        wrong = client.post("/invoke/hash/invokesync", json={})
        head = client.head("/healthz")
        token = {"Authorization": f"Bearer {(shared.home / 'token').read_text().strip()}"}
        added = client.post("/api/v1/manage/assets", files={"file": ("big.bin", os.urandom(3_000_000))}, headers=token)

    assert [200, 201, 400, 200, 201] == [answer.status_code for answer in (now, later, wrong, head, added)], added.text
    assert "succeeded" == shared.ended("hash", later.json()["jobid"])["status"]
    assert "/to_hash" in wrong.text


def test_a_body_in_chunks_is_read_or_refused(url, request):
    """Every server hands such bodies over but uWSGI, where the answer says so."""
    body = iter([b'{"to_hash":', b' "abcd"}'])

    kind = {"Content-Type": "application/json"}
    answer = httpx.post(f"{url}/invoke/hash/invokesync", content=body, headers=kind, timeout=30)

    assert (411 if "uwsgi" in request.node.name else 200) == answer.status_code
