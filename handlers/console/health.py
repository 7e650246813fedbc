"""Whether this server can work, and what it has counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Final

from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from handlers.errors import Problem, Unavailable
from handlers.models.page import BATCH_ROWS
from handlers.services import Services

RETRY_AFTER_S: Final = 2


def check_database(services: Services) -> None:
    """Raise unless the database answers and has our tables."""
    services.database.ping()
    services.jobs.waiting()


def check_queue(services: Services) -> None:
    """Raise unless Redis answers."""
    services.queue.ping()


def check_blobs(services: Services) -> None:
    """Raise unless blobs can be written."""
    services.blobs.ping()


def check_worker(services: Services) -> None:
    """Raise unless there is somebody to do the jobs."""
    if not services.queue.workers():
        raise Unavailable("No worker is alive.")


PARTS: Final[Mapping[str, Callable[[Services], None]]] = {
    "database": check_database,
    "queue": check_queue,
    "blobs": check_blobs,
    "worker": check_worker,
}


def faults(services: Services) -> dict[str, str]:
    """Return what is wrong with each part; nothing for those that work."""
    found = {part: fault(check, services) for part, check in PARTS.items()}
    return {part: words for part, words in found.items() if words}


def fault(check: Callable[[Services], None], services: Services) -> str:
    """Return why a part does not work; empty if it does."""
    try:
        check(services)
    except Problem as problem:
        return problem.detail or problem.title()
    except Exception as error:  # noqa: BLE001 - whatever it is, it keeps the part from working, and that is the answer
        return f"It fails with {type(error).__name__}."
    return ""


def assert_ready(services: Services) -> dict[str, str]:
    """Return how each part is, if all work.

    Raises:
        Unavailable: Some do not; `missing` names them and says why.
    """
    missing = faults(services)
    if missing:
        words = " ".join(f"{part}: {words}" for part, words in missing.items())
        raise Unavailable(words, headers={"Retry-After": str(RETRY_AFTER_S)}, members={"missing": missing})
    return dict.fromkeys(PARTS, "ok")


class Gauges(Collector):
    """What this process does not count, but is asked for now: how parts are, and what model hosts have counted."""

    def __init__(self, services: Services) -> None:
        """Ask *services*."""
        self.services = services

    def collect(self) -> Iterator[Metric]:
        """Yield what can be measured; what cannot be reached shows in `seamark_up`."""
        missing = faults(self.services)
        up = GaugeMetricFamily("seamark_up", "Whether a part works.", labels=["part"])
        for part in PARTS:
            up.add_metric([part], float(part not in missing))
        yield up
        if "database" not in missing:
            waiting = self.services.jobs.waiting()
            yield GaugeMetricFamily("seamark_jobs_waiting", "Jobs that no worker has taken up.", value=waiting)
        if "queue" not in missing:
            depth, workers = self.services.queue.depth(), self.services.queue.workers()
            yield GaugeMetricFamily("seamark_queue_depth", "Ids that wait in the queue.", value=depth)
            yield GaugeMetricFamily("seamark_workers", "Workers that are alive.", value=workers)
        yield batches(self.services.models.hosts.batches())


def batches(counts: Mapping[str, Sequence[float]]) -> HistogramMetricFamily:
    """Return how many rows hosts predict at once, by endpoint, of what they have counted."""
    words = "Rows of each call of a model: requests that wait together are one."
    family = HistogramMetricFamily("seamark_batch_rows", words, labels=["endpoint"])
    ends = [*(str(float(rows)) for rows in BATCH_ROWS[:-1]), "+Inf"]
    for endpoint, (rows, *calls) in counts.items():
        family.add_metric([endpoint], list(zip(ends, accumulate(calls), strict=True)), rows)
    return family
