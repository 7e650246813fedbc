"""The gateway against stock connexion, bare Flask and FastAPI: one validated JSON POST, one process each, one run.

Run as `python -m tools.bench.gateway [--seconds 5] [--connections 8] [--threads 8] [--cache DIR]`. Needs wrk. The peers
are installed into an environment below the cache folder at the first run. Stock connexion's FlaskApp is an ASGI
application: under the WSGI server it runs behind a2wsgi, which is what its own test client and documentation offer, and
for information under uvicorn too.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import json
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import venv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.bench.peers.thing import BODY

ROOT = Path(__file__).parents[2]
PEERS = ("connexion[flask]", "flask", "granian", "a2wsgi", "uvicorn", "fastapi")
SAME_VERSION = ("connexion", "flask", "granian", "a2wsgi", "uvicorn")
START_S = 30.0
RATE = re.compile(r"Requests/sec:\s+([0-9.]+)")
LATENCY = re.compile(r"(50|99)%\s+([0-9.]+)(us|ms|s)")
MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclass(frozen=True)
class Contender:
    """A server and how it is started."""

    name: str
    target: str
    server: str  #: wsgi or asgi under granian, or uvicorn
    ours: bool = False


@dataclass(frozen=True)
class Figures:
    """What wrk measured."""

    rate: float  #: requests per second
    p50_ms: float
    p99_ms: float


CONTENDERS = (
    Contender("seamark", "tools.bench.peers.ours:app", "wsgi", ours=True),
    Contender("bare Flask", "tools.bench.peers.bare_flask:app", "wsgi"),
    Contender("stock connexion", "tools.bench.peers.stock_connexion:wsgi", "wsgi"),
    Contender("stock connexion, uvicorn", "tools.bench.peers.stock_connexion:app", "uvicorn"),
    Contender("FastAPI, uvicorn", "tools.bench.peers.fastapi_app:app", "uvicorn"),
    Contender("FastAPI, granian", "tools.bench.peers.fastapi_app:app", "asgi"),
)


def peers_python(cache: Path) -> Path:
    """Return the interpreter of the peers' environment, made if it is not there."""
    python = cache / "gateway-peers" / "bin" / "python"
    ready = cache / "gateway-peers" / "ready"
    if not ready.exists():
        print(f"installing the peers into {python.parent.parent}", file=sys.stderr)
        venv.create(python.parent.parent, with_pip=True, clear=True)
        pins = [f"{name}=={importlib.metadata.version(name)}" for name in SAME_VERSION if installed(name)]
        subprocess.run([python, "-m", "pip", "install", "-q", *PEERS, *pins], check=True)
        ready.touch()
    return python


def installed(name: str) -> bool:
    """Tell whether this environment has *name*: the peers then get the same version."""
    return bool(list(importlib.metadata.distributions(name=name)))


def command(contender: Contender, python: Path, port: int, threads: int) -> list[str]:
    """Return what starts *contender* in one process."""
    interpreter = sys.executable if contender.ours else str(python)
    where = ["--host", "127.0.0.1", "--port", str(port)]
    if contender.server == "uvicorn":
        return [interpreter, "-m", "uvicorn", *where, "--log-level", "error", "--no-access-log", contender.target]
    blocking = ["--blocking-threads", str(threads)] if contender.server == "wsgi" else []
    options = ["--interface", contender.server, "--workers", "1", "--no-ws", "--log-level", "error", *blocking]
    return [interpreter, "-m", "granian", *where, *options, contender.target]


@contextlib.contextmanager
def running(contender: Contender, python: Path, threads: int) -> Iterator[str]:
    """Run *contender* and yield the address of its operation."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    # Stock connexion behind a2wsgi writes pages of complaints when it is stopped.
    process = subprocess.Popen(command(contender, python, port, threads), cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}/things"
        wait_for(url, process)
        yield url
    finally:
        process.terminate()
        process.wait()


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until *url* answers rightly."""
    end = time.monotonic() + START_S
    request = urllib.request.Request(url, BODY, {"Content-Type": "application/json"})
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(urllib.error.URLError, ConnectionError), urllib.request.urlopen(request) as answer:
            assert json.loads(answer.read()) == json.loads(BODY)
            return
        time.sleep(0.1)
    raise SystemExit(f"{url} did not start")


def measure(url: str, connections: int, seconds: int, folder: Path) -> Figures:
    """Return what wrk measures, after a second of warming up."""
    script = folder / "post.lua"
    lines = [
        'wrk.method = "POST"',
        f"wrk.body = {json.dumps(BODY.decode())}",
        'wrk.headers["Content-Type"] = "application/json"',
        "done = function(summary) io.write('errors ', summary.errors.status + summary.errors.read, '\\n') end",
    ]
    script.write_text("\n".join(lines))
    wrk = ["wrk", "-t1", f"-c{connections}", "--latency", "-s", str(script), url]
    subprocess.run([*wrk, "-d1s"], check=True, capture_output=True)
    text = subprocess.run([*wrk, f"-d{seconds}s"], check=True, capture_output=True, text=True).stdout
    if "errors 0" not in text:
        raise SystemExit(f"{url} answered with errors:\n{text}")
    rate = RATE.search(text)
    assert rate is not None
    latency = {found[1]: float(found[2]) * MILLISECONDS[found[3]] for found in LATENCY.finditer(text)}
    return Figures(float(rate[1]), latency["50"], latency["99"])


def run(arguments: argparse.Namespace) -> dict[str, Figures]:
    """Return the figures of all contenders: the better of the rounds, which take turns."""
    python = peers_python(arguments.cache)
    chosen = [contender for contender in CONTENDERS if not arguments.only or contender.name in arguments.only]
    best: dict[str, Figures] = {}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(arguments.rounds):
            for contender in chosen:
                with running(contender, python, arguments.threads) as url:
                    figures = measure(url, arguments.connections, arguments.seconds, Path(folder))
                if contender.name not in best or figures.rate > best[contender.name].rate:
                    best[contender.name] = figures
    return best


def report(figures: dict[str, Figures]) -> None:
    """Print the table and the ratios."""
    print(f"{'':28} {'req/s':>9} {'p50 ms':>8} {'p99 ms':>8}")
    for name, found in figures.items():
        print(f"{name:28} {found.rate:9,.0f} {found.p50_ms:8.2f} {found.p99_ms:8.2f}")
    for name, peer, wanted in (
        ("gateway-stock-connexion", "stock connexion", 6),
        ("gateway-bare-flask", "bare Flask", 0.9),
    ):
        if {"seamark", peer} <= figures.keys():
            print(f"ratio {name} {figures['seamark'].rate / figures[peer].rate:.2f} wanted {wanted}")


def main(words: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=5, help="length of each measurement")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--threads", type=int, default=8, help="blocking threads of the WSGI server, as we ship it")
    parser.add_argument("--rounds", type=int, default=1, help="how often each is measured; the best counts")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "seamark-bench")
    parser.add_argument("--only", action="append", help="name of a contender; may be repeated")
    arguments = parser.parse_args(words)
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not on PATH: apt-get install wrk")
    report(run(arguments))


if __name__ == "__main__":
    main()
