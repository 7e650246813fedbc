"""Predictions of small models against MLServer, which serves the same files in the same run.

Run as `python -m tools.bench.predict [--seconds 5] [--processes 1] [--cache DIR]`. Needs wrk. A logistic regression and
a forest of 100 trees, fitted to the iris data, answer one row at a time to 1, 16 and 64 connections. MLServer is
installed into an environment below the cache folder at the first run; it serves in its own process and, in a second
run, with its default of one worker for inference, and the better of the two counts.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pickle
import socket
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import psutil

from tools.bench.gateway import LATENCY, MILLISECONDS, RATE

PEERS: Final = ("mlserver==1.7.1", "mlserver-sklearn==1.7.1", "uvloop<0.22", "setuptools<81")
CONNECTIONS: Final = (1, 16, 64)
WANTED: Final = {"regression": 3.0, "forest": 8.0}  #: ratios at 16 connections
START_S: Final = 90.0
STOP_S: Final = 20.0
OURS: Final = ("handlers.cli.granian", "handlers.models.keeper", "handlers.models.host")
HEADERS: Final = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Target:
    """Where a prediction is asked for, and with what."""

    url: str
    body: str
    parts: tuple[str, ...] = ("",)  #: words in the command of each process that has a part in the answer

    def answered_by(self, process: psutil.Process) -> bool:
        """Tell whether a process has a part in the answer; queue and workers, say, have none."""
        command = " ".join(process.cmdline())
        return any(part in command for part in self.parts)


@dataclass(frozen=True)
class Figures:
    """What was measured."""

    rate: float  #: requests per second
    p50_ms: float
    p99_ms: float
    cpu_ms: float  #: processor time of all processes per request
    memory_mib: float  #: of the processes that answer predictions; what several share counts once


def models() -> dict[str, bytes]:
    """Return the pickles of both models."""
    from sklearn.datasets import load_iris
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression

    rows, kinds = load_iris(return_X_y=True)
    fitted = {"regression": LogisticRegression(max_iter=500), "forest": RandomForestClassifier(100, random_state=0)}
    return {name: pickle.dumps(model.fit(rows, kinds)) for name, model in fitted.items()}


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def ours(
    files: Mapping[str, bytes], processes: int, folder: Path
) -> Iterator[tuple[psutil.Process, dict[str, Target]]]:
    """Run Seamark with both models."""
    given = {"HOME": folder / "home", "MANAGE_OPEN": "true", "WEB_PROCESSES": processes, "WEB_THREADS": 16}
    given |= {"LOG_LEVEL": "warning", "UPLOAD_WAIT_S": START_S}
    environment = os.environ | {f"SEAMARK_{name}": str(value) for name, value in given.items()}
    port = free_port()
    command = [sys.executable, "-m", "handlers.cli", "up", "--port", str(port)]
    with started(command, environment, f"http://127.0.0.1:{port}/readyz") as process:
        url = f"http://127.0.0.1:{port}/ops"
        targets = {}
        for name, data in files.items():
            answer = httpx.post(
                f"{url}/upload", files={"file": (f"{name}.pkl", data)}, timeout=START_S
            ).raise_for_status()
            target = [link for link in answer.json()["links"] if link["rel"] == "endpoint"]
            row = [{"name": f"x{number}", "value": value} for number, value in enumerate((6.3, 2.8, 5.1, 1.5))]
            targets[name] = Target(f"{url}/predictions", json.dumps({"target": target, "parameters": row}), OURS)
        yield process, targets


@contextlib.contextmanager
def mlserver(
    files: Mapping[str, bytes], workers: int, folder: Path, cache: Path
) -> Iterator[tuple[psutil.Process, dict[str, Target]]]:
    """Run MLServer with both models."""
    home = folder / f"mlserver-{workers}"
    port, grpc, metrics = free_port(), free_port(), free_port()
    settings = {"host": "127.0.0.1", "http_port": port, "grpc_port": grpc, "metrics_port": metrics, "debug": False}
    for name, data in files.items():
        (home / name).mkdir(parents=True)
        (home / name / "model.joblib").write_bytes(data)
        about = {
            "name": name,
            "implementation": "mlserver_sklearn.SKLearnModel",
            "parameters": {"uri": "./model.joblib"},
        }
        (home / name / "model-settings.json").write_text(json.dumps(about))
    (home / "settings.json").write_text(json.dumps(settings | {"parallel_workers": workers}))
    row = {"name": "x", "shape": [1, 4], "datatype": "FP64", "data": [6.3, 2.8, 5.1, 1.5]}
    body = json.dumps({"inputs": [row], "outputs": [{"name": "predict"}, {"name": "predict_proba"}]})
    url = f"http://127.0.0.1:{port}/v2"
    command = [str(peers(cache) / "bin" / "mlserver"), "start", str(home)]
    with started(command, dict(os.environ), f"{url}/health/ready") as process:
        yield process, {name: Target(f"{url}/models/{name}/infer", body) for name in files}


def peers(cache: Path) -> Path:
    """Return the environment of the peers, made if it is not there."""
    folder = cache / "predict-peers"
    if not (folder / "ready").exists():
        print(f"installing MLServer into {folder}", file=sys.stderr)
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([folder / "bin" / "python", "-m", "pip", "install", "-q", *PEERS, same_sklearn()], check=True)
        (folder / "ready").touch()
    return folder


def same_sklearn() -> str:
    """Return the requirement for the scikit-learn that writes the files."""
    import sklearn

    return f"scikit-learn=={sklearn.__version__}"


@contextlib.contextmanager
def started(command: list[str], environment: Mapping[str, str], ready: str) -> Iterator[psutil.Process]:
    """Run a server until the end, once *ready* answers."""
    process = subprocess.Popen(command, env=dict(environment), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + START_S
        while not answers(ready):
            if time.monotonic() > end or process.poll() is not None:
                raise SystemExit(f"{command[0]} did not start")
            time.sleep(0.2)
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:  # MLServer may wait for its workers for ever
            for one in family(psutil.Process(process.pid))[::-1]:
                one.kill()
            process.wait()


def answers(url: str) -> bool:
    """Tell whether a server is ready."""
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(url).status_code == 200
    return False


def family(process: psutil.Process) -> list[psutil.Process]:
    """Return a process and all below it."""
    return [process, *process.children(recursive=True)]


def cpu_s(processes: list[psutil.Process]) -> float:
    """Return the processor time of processes."""
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def memory_mib(process: psutil.Process) -> float:
    """Return the memory of a process; what it shares with others counts in part."""
    return float(process.memory_full_info().pss) / (1 << 20)


def measure(process: psutil.Process, target: Target, connections: int, seconds: int, folder: Path) -> Figures:
    """Return what wrk measures, after a second of warming up."""
    script = folder / "post.lua"
    done = "done = function(s) io.write('errors ', s.errors.status + s.errors.read + s.errors.timeout, '\\n') end"
    body = (
        f'wrk.method = "POST"\nwrk.body = {json.dumps(target.body)}\nwrk.headers["Content-Type"] = "application/json"'
    )
    script.write_text(f"{body}\n{done}\n")
    wrk = ["wrk", "-t1", f"-c{connections}", "--timeout", "30s", "--latency", "-s", str(script), target.url]
    subprocess.run([*wrk, "-d1s"], check=True, capture_output=True)
    processes = family(process)
    before = cpu_s(processes)
    text = subprocess.run([*wrk, f"-d{seconds}s"], check=True, capture_output=True, text=True).stdout
    used = cpu_s(processes) - before
    if "errors 0" not in text:
        raise SystemExit(f"{target.url} answered with errors:\n{text}")
    rate = RATE.search(text)
    assert rate is not None, text
    latency = {found[1]: float(found[2]) * MILLISECONDS[found[3]] for found in LATENCY.finditer(text)}
    memory = sum(memory_mib(one) for one in processes if target.answered_by(one))
    requests = float(rate[1]) * seconds
    return Figures(float(rate[1]), latency["50"], latency["99"], 1000 * used / max(1.0, requests), memory)


def check(target: Target) -> None:
    """See that a server predicts at all."""
    httpx.post(target.url, content=target.body, headers=HEADERS, timeout=30).raise_for_status()


Found = dict[tuple[str, str, int], Figures]


def run(arguments: argparse.Namespace) -> Found:
    """Return the figures by server, model and connections."""
    files, found = models(), {}
    head = ("server", "model", "conns", "req/s", "p50 ms", "p99 ms", "CPU ms", "MiB")
    print("{:22} {:11} {:>5} {:>8} {:>8} {:>8} {:>7} {:>6}".format(*head))
    with tempfile.TemporaryDirectory(prefix="b") as name:
        folder = Path(name)
        servers: dict[str, Any] = {
            "seamark": lambda: ours(files, arguments.processes, folder),
            "MLServer, in process": lambda: mlserver(files, 0, folder, arguments.cache),
            "MLServer, one worker": lambda: mlserver(files, 1, folder, arguments.cache),
        }
        for server, start in servers.items():
            with start() as (process, targets):
                for model, target in targets.items():
                    check(target)
                    for count in CONNECTIONS:
                        it = found[server, model, count] = measure(process, target, count, arguments.seconds, folder)
                        words = (
                            f"{it.rate:8.0f} {it.p50_ms:8.2f} {it.p99_ms:8.2f} {it.cpu_ms:7.2f} {it.memory_mib:6.0f}"
                        )
                        print(f"{server:22} {model:11} {count:5} {words}", flush=True)
    return found


def compare(found: Found) -> None:
    """Print a line for each comparison."""
    others = [server for server, _, _ in found if server != "seamark"]
    for model, wanted in WANTED.items():
        best = max(found[server, model, 16].rate for server in others)
        print(f"ratio {model}-16-connections {found['seamark', model, 16].rate / best:.2f} wanted {wanted}")
        quickest = min(found[server, model, 1].p50_ms for server in others)
        print(f"ratio {model}-p50-1-connection {quickest / found['seamark', model, 1].p50_ms:.2f} wanted 1.0")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--processes", type=int, default=1, help="web processes of Seamark")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "seamark-bench")
    compare(run(parser.parse_args()))


if __name__ == "__main__":
    main()
