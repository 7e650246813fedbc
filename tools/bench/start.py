"""How long people wait: `seamark up` until it answers, `seamark --help`, and making all of generated/ anew.

python -m tools.bench.start
"""

from __future__ import annotations

import argparse
import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
SEAMARK: Final = [sys.executable, "-m", "handlers.cli"]


def up_s(home: Path) -> float:
    """Return how long `seamark up` takes until /healthz answers, in seconds."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    environment = os.environ | {"SEAMARK_HOME": str(home)}
    began = time.perf_counter()
    with subprocess.Popen(
        [*SEAMARK, "up", "--port", str(port)], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        while not healthy(port):
            assert process.poll() is None, "seamark up ended by itself"
            time.sleep(0.01)
        took = time.perf_counter() - began
        process.terminate()
    return took


def healthy(port: int) -> bool:
    """Tell whether the server answers."""
    with contextlib.suppress(urllib.error.URLError, ConnectionError):
        return bool(urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5).status == 200)
    return False


def run_s(command: list[str]) -> float:
    """Return how long a command takes, in seconds."""
    began = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=5)
    times = parser.parse_args().times
    with tempfile.TemporaryDirectory(prefix="sm") as name, tempfile.TemporaryDirectory() as out:
        generate = [sys.executable, "-m", "tools.generate", "--out", out]
        rows = {
            "up, first": ([up_s(Path(name) / str(number)) for number in range(times)], 3.0),
            "up, again": ([up_s(Path(name) / "0") for _ in range(times)], 3.0),
            "help": ([run_s([*SEAMARK, "--help"]) for _ in range(times)], 0.3),
            "generate": ([run_s(generate) for _ in range(times)], 3.0),
        }
    for label, (found, _) in rows.items():
        print(f"{label:<10} median {statistics.median(found):6.2f} s   worst {max(found):6.2f} s")
    for label, (found, wanted) in rows.items():
        print(f"ratio start-{label.replace(', ', '-')}-s {statistics.median(found):.2f} wanted {wanted}")


if __name__ == "__main__":
    main()
