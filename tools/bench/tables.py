"""How fast a table is predicted, and whether its size matters for memory.

python -m tools.bench.tables --rows 10000000
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import pickle
import resource
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from handlers import services
from handlers.models.deployment import plan_of
from handlers.models.records import Endpoint, new_model
from handlers.models.tables import State
from handlers.settings import Settings
from handlers.storage import migrate
from handlers.storage.sql import now

SMALL_ROWS: Final = 100_000
LINES: Final = b"".join(b"%d.%d,3.%d,1.%d,0.%d\n" % (4 + at % 4, at % 10, at % 7, at % 9, at % 5) for at in range(1000))
NAMES: Final = b"a,b,c,d\n"


@dataclass(frozen=True)
class Measured:
    """What a table took."""

    rows: int
    seconds: float
    memory_mb: float  #: the most that the process had


def written(folder: Path, rows: int) -> Path:
    """Write a table of CSV."""
    path = folder / f"{rows}.csv"
    with path.open("wb") as file:
        file.write(NAMES)
        for _ in range(rows // 1000):
            file.write(LINES)
    return path


def measure(settings: Settings, endpoint: str, table: Path, send: Any) -> None:
    """Predict a table in this process, which does nothing else, as a worker's job does."""
    here = services.start(settings)
    begun = time.perf_counter()
    rows = here.models.batches.predict(endpoint, table, "csv", table.with_suffix(".out"), "csv", lambda *_: None)
    seconds = time.perf_counter() - begun
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    send.send(Measured(rows, seconds, memory))
    here.close()


def measured(settings: Settings, endpoint: str, table: Path) -> Measured:
    """Return what a table takes, in a process of its own."""
    context = multiprocessing.get_context("spawn")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=measure, args=(settings, endpoint, table, send))
    process.start()
    found: Measured = receive.recv()
    process.join()
    return found


def deployed(settings: Settings, folder: Path) -> str:
    """Put a logistic regression into service, and return its endpoint."""
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    rows, kinds = load_iris(return_X_y=True)
    path = folder / "model"
    path.write_bytes(pickle.dumps(LogisticRegression(max_iter=500).fit(rows, kinds)))
    here = services.start(settings)
    migrate.upgrade(here.database)
    model = new_model({"name": "iris"})
    features = [{"name": name, "type": "float64"} for name in "abcd"]
    endpoint = Endpoint(
        id="bench", model=model.id, name="iris", status=State.IN_SERVICE, about=None, links=None, deployed=now(),
        format="pickle", takes="auto", gives="auto", blob="models/bench", size=1, sha256="", problem=None, job=None,
        known={"features": features, "named": True},
    )  # fmt: skip
    here.blobs.put(endpoint.blob, path)
    with here.database.write() as connection:
        here.models.registry.add_endpoint(connection, endpoint, model)
    assert plan_of(endpoint, model).endpoint == endpoint.id
    here.close()
    return endpoint.id


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000, help="rows of the large table")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="seamark-bench-"))
    os.environ["SEAMARK_HOME"] = str(folder)
    settings = Settings(home=folder, redis_url=f"unix://{folder}/none")
    try:
        endpoint = deployed(settings, folder)
        small, large = (measured(settings, endpoint, written(folder, rows)) for rows in (SMALL_ROWS, options.rows))
    finally:
        shutil.rmtree(folder)
    for one in (small, large):
        print(f"{one.rows:10} rows of CSV  {one.rows / one.seconds:8.0f} rows/s  {one.memory_mb:5.0f} MB")
    print(f"ratio tables-memory {large.memory_mb / small.memory_mb:.2f} wanted <=1.2")


if __name__ == "__main__":
    main()
