"""Jobs: ours against bare RQ, one worker process each, the same Redis, one run.

Run as `python -m tools.bench.jobs [--jobs 300] [--rows 1000000] [--database URL]`. Needs a Redis server on PATH.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import rq
from redis import Redis
from redis.exceptions import RedisError
from rq.serializers import JSONSerializer
from sqlalchemy import func, insert, select

from handlers.jobs.queue import Queue
from handlers.jobs.runner import Context, Handler
from handlers.jobs.service import Job, Jobs
from handlers.jobs.tables import ENDED, JobRow, Status
from handlers.operations import predict_class, train_classifier
from handlers.settings import Settings
from handlers.storage import migrate
from handlers.storage.blobs import open_blobs
from handlers.storage.sql import Database, now
from handlers.worker import serve

OWNERS = 1000
BARE = "bare"
PRELOAD = (*train_classifier.PRELOAD, *predict_class.PRELOAD)


def empty(job: Job, context: Context) -> float:  # noqa: ARG001 - a handler takes both
    """Do nothing; say when."""
    return time.time()


def bare_empty(job_id: str) -> float:  # noqa: ARG001 - RQ hands over what ours gets
    """Do nothing, for bare RQ; say when."""
    return time.time()


def kinds(settings: Settings) -> Mapping[str, Handler]:  # noqa: ARG001 - the shape that a stable calls
    """Return what does the jobs, with all that the operations shipped would have imported."""
    for module in PRELOAD:
        importlib.import_module(module)
    return {"empty": empty}


def jobs_of(settings: Settings) -> Jobs:
    """Return the jobs of a process with these settings."""
    return Jobs(Database(settings.sql_url), Queue(settings), open_blobs(settings.store_url), settings)


def wait_until(holds: Callable[[], Any], within_s: float = 300) -> None:
    """Wait until *holds* returns something true."""
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end, "the benchmark hangs"
        time.sleep(0.005)


@contextlib.contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """Run a Redis server and give its URL."""
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    assert program, "install redis-server"
    socket = str(folder / "s")
    command = [program, "--port", "0", "--unixsocket", socket, "--save", ""]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    client = Redis(unix_socket_path=socket)
    try:
        wait_until(lambda: answers(client), 10)
        yield f"unix://{socket}"
    finally:
        process.terminate()
        process.wait()


def answers(client: Redis) -> bool:
    """Tell whether Redis is there."""
    try:
        return bool(client.ping())
    except RedisError:
        return False


@contextlib.contextmanager
def worker(kind: str, settings: Settings) -> Iterator[None]:
    """Run one worker process, ours or RQ's, from the moment that it has announced itself."""
    command = [sys.executable, "-m", "tools.bench.jobs", "--worker", kind, "--settings", settings.model_dump_json()]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    connection = Redis.from_url(settings.queue_url)
    try:
        wait_until(lambda: rq.Worker.count(connection=connection), 60)
        time.sleep(0.5)
        yield
    finally:
        process.terminate()
        process.wait()
        connection.flushall()


def be_worker(kind: str, settings: Settings) -> None:
    """Be the worker process."""
    if kind == BARE:
        connection = Redis.from_url(settings.queue_url)
        rq.Worker([BARE], connection=connection, serializer=JSONSerializer).work(logging_level="WARNING")
    else:
        serve(jobs_of(settings), "tools.bench.jobs:kinds", ())


def throughput(kind: str, settings: Settings, count: int) -> float:
    """Return how many empty jobs a second one worker does that finds *count* of them waiting.

    Both sides say when the function's first line ran; the time of the first is where the count begins, so that the
    start of the worker is not in it.
    """
    began = began_bare if kind == BARE else began_ours
    times = sorted(began(settings, count))
    return (count - 1) / (times[-1] - times[0])


def began_ours(settings: Settings, count: int) -> list[float]:
    """Return when each of our jobs began."""
    jobs = jobs_of(settings)
    ids = [jobs.submit("empty", "empty", None, owner=None).id for _ in range(count)]
    with worker("ours", settings):
        wait_until(lambda: jobs.waiting() == 0 and all(jobs.read(id_).status in ENDED for id_ in ids[-3:]))
    return [jobs.read(job_id).results for job_id in ids]


def began_bare(settings: Settings, count: int) -> list[float]:
    """Return when each of RQ's jobs began."""
    queue = rq.Queue(BARE, connection=Redis.from_url(settings.queue_url), serializer=JSONSerializer)
    some = [queue.enqueue("tools.bench.jobs.bare_empty", secrets.token_hex(16)) for _ in range(count)]
    times: list[float] = []
    with worker(BARE, settings):
        wait_until(lambda: queue.count == 0 and some[-1].is_finished)
        times = [float(str(job.return_value())) for job in some]
    return times


def latencies(settings: Settings, count: int) -> list[float]:
    """Return how long after `submit` was called the function's first line ran, in ms, the worker being idle."""
    jobs = jobs_of(settings)
    found = []
    with worker("ours", settings):
        for _ in range(count):
            called = time.time()
            job_id = jobs.submit("empty", "empty", None, owner=None).id
            wait_until(lambda job_id=job_id: jobs.read(job_id).status in ENDED)  # type: ignore[misc]
            found.append((jobs.read(job_id).results - called) * 1000)
            time.sleep(0.05)
    return found[3:]


def fill(jobs: Jobs, rows: int) -> None:
    """Have so many rows of jobs that ended, of OWNERS owners in turn, one of whom has as many in any case."""
    time_ = now()
    with jobs.database.read() as connection:
        have = connection.execute(select(func.count()).where(JobRow.owner.startswith("owner "))).scalar_one()
    for begin in range(have, rows, 10_000):
        batch = [row(number, time_) for number in range(begin, min(begin + 10_000, rows))]
        with jobs.database.write() as connection:
            connection.execute(insert(JobRow), batch)


def row(number: int, time_: Any) -> dict[str, Any]:
    """Return the row of a job that ended."""
    return {
        "id": f"{number:032x}",
        "kind": "invoke",
        "subject": "hash",
        "inputs": {"inputs": {"to_hash": f"text {number}"}, "scopes": []},
        "owner": f"owner {number % OWNERS if number >= OWNERS else 0}",
        "status": Status.SUCCEEDED,
        "attempt": 1,
        "results": {"hash_val": "0" * 64},
        "created": time_ + timedelta(milliseconds=number),
        "queued": time_,
        "finished": time_,
        "expires": time_ + timedelta(days=7),
        "progress": 100,
        "message": "",
    }


def list_ms(jobs: Jobs, times: int = 300) -> float:
    """Return the p50 of listing a page of one owner's jobs, in ms."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        page = jobs.list(owner="owner 0", limit=50)
        found.append((time.perf_counter() - began) * 1000)
        assert len(page) == 50
    return statistics.median(found)


def bench_speed(settings: Settings, count: int) -> None:
    """Compare throughput, three times in turn, and measure the latency."""
    rates: dict[str, list[float]] = {"ours": [], BARE: []}
    for _ in range(3):
        for kind, found in rates.items():
            found.append(throughput(kind, settings, count))
    ours, bare = statistics.median(rates["ours"]), statistics.median(rates[BARE])
    late = sorted(latencies(settings, 63))
    p50, p95 = statistics.median(late), late[int(len(late) * 0.95)]
    print(f"empty jobs, one worker process   ours {ours:7.1f}/s   bare RQ {bare:7.1f}/s")
    print(f"submit() to first line, idle     p50 {p50:7.2f} ms   p95 {p95:7.2f} ms")
    print(f"ratio jobs-throughput {ours / bare:.2f} wanted 0.9")
    print(f"ratio jobs-start-p50-ms {p50:.2f} wanted 25")


def bench_lists(settings: Settings, rows: int) -> None:
    """Compare listing one owner's jobs among few rows and among many."""
    jobs = jobs_of(settings)
    fill(jobs, 1000)
    few = list_ms(jobs)
    fill(jobs, rows)
    many = list_ms(jobs)
    print(f"list 50 jobs of one owner        {many:7.2f} ms of {rows} rows   {few:7.2f} ms of 1000 rows")
    print(f"ratio jobs-list {many / few:.2f} wanted 1.5")


def main() -> None:
    """Run the benchmark, or one of its worker processes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=300)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--database", default="")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--settings", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        be_worker(given.worker, Settings.model_validate(json.loads(given.settings)))
        return
    with tempfile.TemporaryDirectory(prefix="sm") as name, redis_server(Path(name)) as url:
        settings = Settings(home=Path(name), redis_url=url, database_url=given.database, queue_limit=1 << 30)
        migrate.upgrade(Database(settings.sql_url))
        bench_speed(settings, given.jobs)
        bench_lists(settings, given.rows)


if __name__ == "__main__":
    main()
