"""How fast a file comes through the provider, against curl from its origin, and how much memory that takes.

python -m tools.bench.download --large-mb 2048
"""

from __future__ import annotations

import argparse
import contextlib
import http.server
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import psutil
from eth_account import Account
from eth_account.messages import encode_defunct

from handlers import services
from handlers.files.sealed import seal
from handlers.keys import Keys
from handlers.settings import Settings
from handlers.storage import migrate

KEY: Final = "0x" + "22" * 32
PROVIDER_KEY: Final = "0x" + "33" * 32
SIZES_MB: Final = (1, 64, 512)
API: Final = "/api/v1/services"


class Origin(http.server.SimpleHTTPRequestHandler):
    """Serves files from the kernel, so that it is not what is slow."""

    def copyfile(self, source: Any, outputfile: Any) -> None:
        """Send a file."""
        self.connection.sendfile(source)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def asset(home: Path, origin: str, size_mb: int) -> str:
    """Register a file at the origin and return its DID."""
    did = f"did:op:{size_mb:064x}"
    here = services.services()
    sealed = seal([{"index": 0, "url": f"{origin}/{size_mb}"}], Keys(here.settings).current)
    metadata = {"type": "metadata", "index": 0, "attributes": {"main": {}, "encryptedFiles": sealed}}
    here.assets.register({"id": did, "service": [metadata, {"type": "access", "index": 3, "attributes": {}}]})
    with (home / str(size_mb)).open("wb") as file:
        file.truncate(size_mb << 20)
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
def served() -> Iterator[tuple[str, psutil.Process]]:
    """Run the server, and give its address and its process."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    command = [sys.executable, "-m", "handlers.cli", "serve", "--port", str(port)]
    with subprocess.Popen(command, env=os.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        url = f"http://127.0.0.1:{port}"
        while not healthy(url):
            assert process.poll() is None, "seamark serve ended by itself"
            time.sleep(0.05)
        yield url, psutil.Process(process.pid)
        process.terminate()


def healthy(url: str) -> bool:
    """Tell whether the server answers."""
    with contextlib.suppress(urllib.error.URLError, ConnectionError):
        return bool(urllib.request.urlopen(f"{url}/healthz", timeout=5).status == 200)
    return False


def memory_mb(process: psutil.Process) -> float:
    """Return the memory of a process and its children, in MB."""
    return float(sum(one.memory_info().rss for one in [process, *process.children(recursive=True)])) / 2**20


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large-mb", type=int, default=2048, help="size of the largest file, in MB")
    parser.add_argument("--times", type=int, default=3, help="downloads of each, the median of which counts")
    options = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="seamark-bench-"))
    settings = {"HOME": str(home), "REDIS_URL": f"unix://{home}/none", "PROVIDER_KEY": PROVIDER_KEY,
                "ALLOWED_NETWORKS": "127.0.0.0/8", "APIS": "provider"}  # fmt: skip
    os.environ.update({f"SEAMARK_{name}": value for name, value in settings.items()})
    migrate.upgrade(services.start(Settings()).database)
    files = home / "files"
    files.mkdir()
    origin = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), lambda *args: Origin(*args, directory=str(files))
    )  # fmt: skip
    threading.Thread(target=origin.serve_forever, daemon=True).start()
    try:
        measure(files, f"http://127.0.0.1:{origin.server_address[1]}", options.large_mb, options.times)
    finally:
        shutil.rmtree(home)


def measure(files: Path, origin: str, large_mb: int, times: int) -> None:
    """Download files of each size, and print what it took."""
    ratios, memories = [], []
    with served() as (url, process):
        for size_mb in (*SIZES_MB, large_mb):
            did = asset(files, origin, size_mb)
            straight = statistics.median(curl_s(f"{origin}/{size_mb}") for _ in range(times))
            through = statistics.median(curl_s(address(url, did)) for _ in range(times))
            ratios.append(straight / through)
            memories.append(memory_mb(process))
            speeds = f"origin {size_mb / straight:7.0f} MB/s  provider {size_mb / through:7.0f} MB/s"
            print(f"{size_mb:5} MB  {speeds}  memory {memories[-1]:5.0f} MB")
    print(f"ratio download {ratios[-1]:.2f} wanted >=0.8")
    print(f"ratio download-memory {memories[-1] / memories[0]:.2f} wanted <=1.2")


if __name__ == "__main__":
    main()
