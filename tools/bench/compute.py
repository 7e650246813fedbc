"""Compute: what a sandboxed job takes beyond its algorithm, and listing one owner's jobs among few and among many.

Run as `python -m tools.bench.compute [--jobs 40] [--rows 1000000] [--database URL]`. Needs a Redis server on PATH.
"""

from __future__ import annotations

import argparse
import contextlib
import http.server
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

from eth_account import Account
from eth_account.messages import encode_defunct

from handlers import services
from handlers.compute.statuses import Stage
from handlers.files.sealed import seal
from handlers.keys import Keys
from handlers.settings import Settings
from handlers.storage import migrate
from tools.bench.computed import OWN, fill
from tools.bench.download import KEY, PROVIDER_KEY, served
from tools.bench.jobs import redis_server

API: Final = "/api/v1/services/compute"
BRIZO_API: Final = "/api/v1/brizo/services/compute"
ACCOUNT: Final = Account.from_key(KEY)  #: who has things computed
LISTER: Final = Account.from_key("0x" + "44" * 32)  #: who lists
DID: Final = "did:op:" + "d0" * 32
ROWS: Final = "id,value\n" + "".join(f"{number},{number * number}\n" for number in range(1000))
PYTHON: Final = "/usr/bin/python3"  #: what stands for the image
ALGORITHM: Final = """
import json, os, pathlib
found = sorted(path for path in pathlib.Path(os.environ["INPUTS"]).rglob("*") if path.is_file())
lines = {path.name: len(path.read_text().splitlines()) for path in found}
pathlib.Path(os.environ["OUTPUTS"], "lines.json").write_text(json.dumps(lines))
"""
POLL_S: Final = 0.01
PATIENCE_S: Final = 60


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files, and says nothing of it."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextlib.contextmanager
def origin(folder: Path) -> Iterator[str]:
    """Serve the files of a folder, and give the address."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@contextlib.contextmanager
def worker() -> Iterator[None]:
    """Run a worker process."""
    command = [sys.executable, "-m", "handlers.cli", "work"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        yield
        process.terminate()


def publish(url: str) -> None:
    """Register the data."""
    here = services.services()
    sealed = seal([{"index": 0, "url": url}], Keys(here.settings).current)
    privacy = {"allowRawAlgorithm": True}
    metadata = {"type": "metadata", "index": 0, "attributes": {"main": {}, "encryptedFiles": sealed}}
    terms = {"main": {"cost": "0", "timeout": 0, "privacy": privacy}}
    here.assets.register({"id": DID, "service": [metadata, {"type": "compute", "index": 4, "attributes": terms}]})


def signed(account: Any, **subject: str) -> dict[str, str]:
    """Return the parameters of a request of an account's about *subject*."""
    nonce = services.services().nonces.read(account.address)
    signature = sign(account, f"{account.address}{''.join(subject.values())}{nonce}")
    return {"consumerAddress": account.address, "signature": signature, **subject}


def sign(account: Any, text: str) -> str:
    """Return the signature of a text."""
    return "0x" + str(account.sign_message(encode_defunct(text=text)).signature.hex()).removeprefix("0x")


def start(url: str) -> str:
    """Start a job and return its id."""
    container = {"entrypoint": "python $ALGO", "image": "python", "tag": "3.11"}
    body = signed(ACCOUNT, documentId=DID) | {"algorithmMeta": {"rawcode": ALGORITHM, "container": container}}
    request = urllib.request.Request(url + API, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return str(json.load(answer)[0]["jobId"])


def stands(url: str, job: str) -> int:
    """Return where a job stands, as anybody may ask."""
    query = urllib.parse.urlencode({"consumerAddress": ACCOUNT.address, "jobId": job})
    with urllib.request.urlopen(f"{url}{API}?{query}") as answer:
        return int(json.load(answer)[0]["status"])


def job_s(url: str) -> tuple[float, float]:
    """Return what a job took in the worker, and what it took for who has sent it and polls, in seconds."""
    began = time.perf_counter()
    job_id = start(url)
    while (status := stands(url, job_id)) < Stage.COMPLETED:
        assert time.perf_counter() < began + PATIENCE_S, "the benchmark hangs"
        time.sleep(POLL_S)
    took = time.perf_counter() - began
    assert status == Stage.COMPLETED, f"the job ended with {status}"
    job = services.services().jobs.read(job_id, all_owners=True)
    assert job.started
    assert job.finished
    return (job.finished - job.started).total_seconds(), took


def bare_s(folder: Path) -> float:
    """Return what the algorithm takes by itself, without a sandbox, in seconds; the start of the interpreter too."""
    (folder / "outputs").mkdir(exist_ok=True)
    (folder / "algorithm").write_text(ALGORITHM)
    environment = {"INPUTS": str(folder / "inputs"), "OUTPUTS": str(folder / "outputs"), "PATH": "/usr/bin:/bin"}
    began = time.perf_counter()
    subprocess.run(["/bin/sh", "-c", f"{PYTHON} {folder / 'algorithm'}"], env=environment, check=True)
    return time.perf_counter() - began


def bench_overhead(home: Path, jobs: int) -> None:
    """Measure a job and its algorithm alone, in turn."""
    inputs = home / "bench" / "inputs"
    inputs.mkdir(parents=True)
    (inputs / "rows.csv").write_text(ROWS)
    with origin(inputs) as files, served("handlers.cli", "serve", probe="/healthz") as (url, _), worker():
        publish(files + "/rows.csv")
        job_s(url)  # the first one waits for the worker to come up
        pairs = [(bare_s(inputs.parent), *job_s(url)) for _ in range(jobs)]
    alone, inside, outside = (sorted(1000 * value for value in column) for column in zip(*pairs, strict=True))
    over = statistics.median(inside) - statistics.median(alone)
    print(f"algorithm alone                  p50 {statistics.median(alone):7.1f} ms")
    print(f"sandboxed job, in the worker     p50 {statistics.median(inside):7.1f} ms   p95 {p95(inside):7.1f} ms")
    print(f"POST to finished, for its client p50 {statistics.median(outside):7.1f} ms   p95 {p95(outside):7.1f} ms")
    print(f"ratio compute-overhead-ms {over:.1f} wanted <=150", flush=True)


def p95(found: list[float]) -> float:
    """Return the 95th percentile of sorted values."""
    return found[int(len(found) * 0.95)]


def list_ms(times: int = 300) -> float:
    """Return the p50 of listing the jobs of one owner, in ms.

    The owner has signed as Brizo's do: a nonce would be written down, which takes what the disk takes at the moment.
    """
    found, signature = [], sign(LISTER, LISTER.address)
    query = urllib.parse.urlencode({"consumerAddress": LISTER.address, "signature": signature})
    with served("handlers.cli", "serve", probe="/healthz") as (url, _):
        for _ in range(times):
            began = time.perf_counter()
            with urllib.request.urlopen(f"{url}{BRIZO_API}?{query}") as answer:
                told = json.load(answer)
            found.append((time.perf_counter() - began) * 1000)
            assert len(told) == OWN, f"{len(told)} jobs"
    return statistics.median(found[times // 10 :])


def bench_lists(rows: int) -> None:
    """Compare listing one owner's jobs among few rows and among many."""
    fill(1000, LISTER.address)
    few = list_ms()
    fill(rows, LISTER.address)
    many = list_ms()
    print(f"list {OWN} jobs of one owner        {many:7.2f} ms of {rows} rows   {few:7.2f} ms of 1000 rows")
    print(f"ratio compute-list {many / few:.2f} wanted <=1.5")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=40)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--database", default="")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sm") as name, redis_server(Path(name)) as redis:
        settings = {"HOME": name, "REDIS_URL": redis, "PROVIDER_KEY": PROVIDER_KEY, "ALLOWED_NETWORKS": "127.0.0.0/8",
                    "APIS": "provider,brizo", "DATABASE_URL": given.database,
                    "CALLS_PER_MINUTE": "1000000", "SIGNED_CALLS_PER_MINUTE": "1000000"}  # fmt: skip
        os.environ.update({f"SEAMARK_{key}": value for key, value in settings.items()})
        migrate.upgrade(services.start(Settings()).database)
        if given.jobs:
            bench_overhead(Path(name), given.jobs)
        if given.rows:
            bench_lists(given.rows)


if __name__ == "__main__":
    main()
