"""How fast a file comes through the provider, against curl from its origin, and how much memory that takes.

An origin in memory is as fast as a core. Origin, server and curl then share the cores, and nothing that hands bytes on
comes near to curl from the origin: what nginx reaches in the same place tells what can be had.

python -m tools.bench.download --large-mb 2048
"""

from __future__ import annotations

import argparse
import contextlib
import os
import secrets
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil
from eth_account import Account
from eth_account.messages import encode_defunct

from handlers import services
from handlers.files.fetch import CHUNK_BYTES
from handlers.files.sealed import seal
from handlers.keys import Keys
from handlers.settings import Settings
from handlers.storage import migrate
from tools.bench.peers.proxy import FOUND, proxy

KEY: Final = "0x" + "22" * 32
PROVIDER_KEY: Final = "0x" + "33" * 32
SIZES_MB: Final = (1, 64, 512)
API: Final = "/api/v1/services"

ORIGIN: Final = """
import socket, sys, threading, time
BLOCK, WINDOW_S = bytes(1 << 20), 0.01
rate = float(sys.argv[1]) * 1e9 / 8

def serve(connection):
    with connection:
        size = int(connection.recv(65536).split()[1][1:]) << 20
        head = f"HTTP/1.1 200 OK\\r\\nContent-Length: {size}\\r\\nConnection: close\\r\\n\\r\\n"
        connection.sendall(head.encode())
        begun, sent = time.perf_counter(), 0
        while sent < size:
            ahead = sent / rate - (time.perf_counter() - begun) if rate else 0
            if ahead > WINDOW_S:
                time.sleep(ahead)
            sent += len(BLOCK)
            connection.sendall(BLOCK)

with socket.create_server(("127.0.0.1", 0)) as listener:
    print(listener.getsockname()[1], flush=True)
    while True:
        threading.Thread(target=serve, args=listener.accept()[:1], daemon=True).start()
"""


@dataclass(frozen=True)
class Measured:
    """What a file took, each way."""

    straight_s: float
    through_s: float
    memory_mb: float  #: of the server, the most that it had until then

    @property
    def ratio(self) -> float:
        """How fast the provider is, against curl from the origin."""
        return self.straight_s / self.through_s


def asset(origin: str, size_mb: int) -> str:
    """Register a file at the origin and return its DID."""
    did = f"did:op:{secrets.token_hex(32)}"
    here = services.services()
    sealed = seal([{"index": 0, "url": f"{origin}/{size_mb}"}], Keys(here.settings).current)
    metadata = {"type": "metadata", "index": 0, "attributes": {"main": {}, "encryptedFiles": sealed}}
    here.assets.register({"id": did, "service": [metadata, {"type": "access", "index": 3, "attributes": {}}]})
    return did


def address(url: str, did: str) -> str:
    """Return where a file is downloaded, signed."""
    account = Account.from_key(KEY)
    nonce = services.services().nonces.read(account.address)
    signature = account.sign_message(encode_defunct(text=f"{did}{nonce}")).signature.hex().removeprefix("0x")
    query = {"documentId": did, "fileIndex": 0, "consumerAddress": account.address, "signature": "0x" + signature}
    return f"{url}{API}/download?{urllib.parse.urlencode(query)}"


def curl_s(url: str) -> float:
    """Return how long curl takes, in seconds."""
    began = time.perf_counter()
    subprocess.run(["curl", "-sSf", "-o", "/dev/null", url], check=True)
    return time.perf_counter() - began


@contextlib.contextmanager
def served(module: str, *options: str, probe: str) -> Iterator[tuple[str, psutil.Process]]:
    """Run a server, and give its address and its process once it answers at the path *probe*."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    command = [sys.executable, "-m", module, *options, "--port", str(port)]
    with subprocess.Popen(command, env=os.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        url = f"http://127.0.0.1:{port}"
        while not healthy(url + probe):
            assert process.poll() is None, f"{module} ended by itself"
            time.sleep(0.05)
        yield url, psutil.Process(process.pid)
        process.terminate()


def healthy(url: str) -> bool:
    """Tell whether the server answers."""
    with contextlib.suppress(urllib.error.URLError, ConnectionError):
        return bool(urllib.request.urlopen(url, timeout=5).status == 200)
    return False


def granian_s(size_mb: int, times: int) -> float:
    """Return how long curl takes for as many zeros from granian's memory, in seconds: nothing under it is faster."""
    options = ("--interface", "wsgi", "--blocking-threads", "8", "tools.bench.peers.blocks:app")
    with served("granian", *options, probe="/64/0") as (url, _):
        return statistics.median(curl_s(f"{url}/{CHUNK_BYTES >> 10}/{size_mb}") for _ in range(times))


def nginx_s(size_mb: int, times: int) -> float:
    """Return how long curl takes through nginx, from an origin in memory, in seconds."""
    with origin(0) as address_of_origin, proxy(address_of_origin) as url:
        return statistics.median(curl_s(f"{url}/{size_mb}") for _ in range(times))


def memory_mb(process: psutil.Process) -> float:
    """Return the largest memory that a process and its children had so far, in MB."""
    found = 0
    for one in [process, *process.children(recursive=True)]:
        status = Path(f"/proc/{one.pid}/status").read_text()
        found += int(status.partition("VmHWM:")[2].split()[0])
    return found / 1024


@contextlib.contextmanager
def origin(gbit: float) -> Iterator[str]:
    """Run a server of zeros in a process of its own, and give its address."""
    with subprocess.Popen([sys.executable, "-c", ORIGIN, str(gbit)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.terminate()


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large-mb", type=int, default=2048, help="size of the largest file, in MB")
    parser.add_argument("--times", type=int, default=5, help="downloads of each, the median of which counts")
    parser.add_argument("--gbit", type=float, default=10, help="what the origin's line carries, in Gbit/s")
    options = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="seamark-bench-"))
    settings = {"HOME": str(home), "REDIS_URL": f"unix://{home}/none", "PROVIDER_KEY": PROVIDER_KEY,
                "ALLOWED_NETWORKS": "127.0.0.0/8", "APIS": "provider"}  # fmt: skip
    os.environ.update({f"SEAMARK_{name}": value for name, value in settings.items()})
    migrate.upgrade(services.start(Settings()).database)
    try:
        with served("handlers.cli", "serve", probe="/healthz") as (url, process):
            sizes = (*SIZES_MB, options.large_mb)
            paced = measure(url, process, f"{options.gbit:g} Gbit/s", options.gbit, sizes, options.times)
            free = measure(url, process, "no bound", 0, sizes, options.times)
        granian = granian_s(options.large_mb, options.times)
        nginx = nginx_s(options.large_mb, options.times) if FOUND else None
    finally:
        shutil.rmtree(home)
    large_mb, through_s = options.large_mb, free[-1].through_s
    print(f"granian alone, from memory {large_mb:5} MB  {large_mb / granian:6.0f} MB/s")
    print(f"ratio download-{options.gbit:g}-gbit {paced[-1].ratio:.2f} wanted >=0.8")
    print(f"ratio download-from-memory {free[-1].ratio:.2f}")
    print(f"ratio download-granian {granian / through_s:.2f}")
    if nginx is not None:
        print(f"nginx, from an origin in memory {large_mb:5} MB  {large_mb / nginx:6.0f} MB/s")
        print(f"ratio download-nginx {nginx / through_s:.2f} wanted >=0.8")
    print(f"ratio download-memory {free[-1].memory_mb / paced[0].memory_mb:.2f} wanted <=1.2")


def measure(
    url: str, process: psutil.Process, line: str, gbit: float, sizes: Sequence[int], times: int
) -> list[Measured]:
    """Download files of each size, and print what it took."""
    found = []
    with origin(gbit) as address_of_origin:
        for size_mb in sizes:
            did = asset(address_of_origin, size_mb)
            curl_s(address(url, did))
            straight, through = [], []
            for _ in range(times):
                straight.append(curl_s(f"{address_of_origin}/{size_mb}"))
                through.append(curl_s(address(url, did)))
            origins, providers = statistics.median(straight), statistics.median(through)
            found.append(Measured(origins, providers, memory_mb(process)))
            speeds = f"curl {size_mb / origins:6.0f} MB/s  through the provider {size_mb / providers:6.0f} MB/s"
            print(f"origin with {line:10} {size_mb:5} MB  {speeds}  memory {found[-1].memory_mb:4.0f} MB", flush=True)
    return found


if __name__ == "__main__":
    main()
