"""Logs that name the request and the job, and metrics that add up over several processes.

Modules log through structlog or the standard library; `start` gives their lines a form. Metrics live in small
files, one set per process, which whoever answers `/metrics` adds up.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

import structlog

from handlers.settings import Settings

if TYPE_CHECKING:
    from prometheus_client import Histogram
    from prometheus_client.registry import Collector

METRICS_FOLDER = "metrics"
COUNTS_BYTES = 1 << 20  # of one process; more than that many series need
REQUEST_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
ROW_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 256, 1024, 4096)
JOB_BUCKETS_S = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0, 7200.0)
#: They say much, and some of it is secret: web3 the words of a node, others the addresses of what they fetch.
CHATTY = ("httpx", "httpcore", "alembic", "granian", "_granian", "rq.worker", "connexion", "fsspec", "web3", "s3fs",
          "botocore", "aiobotocore")  # fmt: skip
KNOWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

_bound: ContextVar[Mapping[str, str]] = ContextVar("bound", default={})  # noqa: B039 - never changed in place


@contextlib.contextmanager
def bound(**ids: str) -> Iterator[None]:
    """Name *ids* (`request`, `job`, …) in every line that is logged inside."""
    token = _bound.set({**_bound.get(), **ids})
    try:
        yield
    finally:
        _bound.reset(token)


def bind(**ids: str) -> None:
    """Name *ids*, and nothing else, in every further line of this context; for those who cannot wrap their work."""
    _bound.set(ids)


def start(settings: Settings, role: str, stream: TextIO | None = None) -> None:
    """Set up logs and metrics of this process; *role* (`web`, `worker`, …) is named in each line."""
    start_logs(settings, role, stream)
    start_metrics(settings)


def start_logs(settings: Settings, role: str, stream: TextIO | None = None) -> None:
    """Send the lines of all loggers, those of structlog too, to *stream*, standard error by default."""
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, structlog.stdlib.render_to_log_kwargs],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines(role) if settings.log_format == "json" else TextLines(role))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    for chatty in CHATTY:
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))


def members(record: logging.LogRecord, role: str) -> dict[str, Any]:
    """Return what a line says beside its message: where it comes from, the ids bound to it, its `extra`."""
    extra = {key: value for key, value in vars(record).items() if key not in KNOWN}
    return {"role": role, "logger": record.name, **_bound.get(), **extra}


class JsonLines(logging.Formatter):
    """One JSON object a line, for programs."""

    def __init__(self, role: str) -> None:
        """Name *role* in each line."""
        super().__init__()
        self.role = role

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as JSON; a traceback is its member `traceback`."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": clean(record.getMessage()),
            **members(record, self.role),
        }
        if record.exc_info:
            line["traceback"] = clean(self.formatException(record.exc_info))
        return json.dumps(line, default=str, ensure_ascii=False)


class TextLines(logging.Formatter):
    """A line for people: time, level, role, message, then `key=value`."""

    def __init__(self, role: str) -> None:
        """Name *role* in each line."""
        super().__init__()
        self.role = role

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text; line ends in the message are shown, so that nobody forges a line."""
        facts = members(record, self.role)
        pairs = "".join(f" {key}={oneline(value)}" for key, value in facts.items() if key not in ("role", "logger"))
        time = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S.%f")[:-3]
        line = f"{time} {record.levelname.lower():7} {self.role}: {oneline(record.getMessage())}{pairs}"
        return f"{line}\n{clean(self.formatException(record.exc_info))}" if record.exc_info else line


def oneline(value: object) -> str:
    """Return *value* as clean text without line ends."""
    return clean(str(value)).replace("\r", "\\r").replace("\n", "\\n")


CREDENTIALS = re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^/\s@]+@", re.IGNORECASE)
BEARER = re.compile(r"\b(bearer\s+|sea_[0-9a-f]+_)[\w.~+/=-]+", re.IGNORECASE)


def clean(text: str) -> str:
    """Return *text* without the credentials of URLs and without bearer tokens."""
    return BEARER.sub(r"\1…", CREDENTIALS.sub(r"\1…@", text))


class Slot(NamedTuple):
    """One process's hold of its metric files; printed, it is what the files are called."""

    name: str
    pid: int

    def __str__(self) -> str:
        """Return the name, which outlives the process."""
        return self.name


class Metrics:
    """What this process counts; a histogram's `_count` is the counter."""

    def __init__(self, folder: Path, slot: Callable[[], Slot | int]) -> None:
        """Count into files in *folder* that are called after *slot*, one per running process."""
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
        from prometheus_client import CollectorRegistry, Histogram, values

        values.ValueClass = values.MultiProcessValue(slot)  # type: ignore[no-untyped-call]
        registry = CollectorRegistry()
        self.folder = folder
        self.requests = Histogram(
            "seamark_request_seconds",
            "Requests answered, and how long each took.",
            ("api", "operation", "status"),
            buckets=REQUEST_BUCKETS_S,
            registry=registry,
        )
        self.jobs = Histogram(
            "seamark_job_seconds",
            "Jobs ended, and how long each ran.",
            ("subject", "outcome"),
            buckets=JOB_BUCKETS_S,
            registry=registry,
        )
        self.predictions = Histogram(
            "seamark_prediction_seconds",
            "Requests for predictions, and how long each took.",
            ("endpoint", "outcome"),
            buckets=REQUEST_BUCKETS_S,
            registry=registry,
        )
        self.prediction_rows = Histogram(
            "seamark_prediction_rows",
            "Rows of the requests for predictions.",
            ("endpoint",),
            buckets=ROW_BUCKETS,
            registry=registry,
        )
        self.request_series: dict[tuple[str, str, int], Histogram] = {}

    def exposition(self, *collectors: Collector) -> bytes:
        """Return the counts of all processes, and what *collectors* find now, in Prometheus' text format."""
        from prometheus_client import CollectorRegistry, generate_latest
        from prometheus_client.multiprocess import MultiProcessCollector

        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=str(self.folder))  # type: ignore[no-untyped-call]
        for collector in collectors:
            registry.register(collector)
        return generate_latest(registry)


_metrics: Metrics | None = None


def start_metrics(settings: Settings) -> None:
    """Count requests and jobs from now on.

    A worker that a supervisor started has a name (SEAMARK_PROCESS), which its successor inherits along with its
    counts, and under which its forks count, so that files do not pile up. It is unique together with the supervisor's
    number. Other processes are known by their own number.
    """
    global _metrics  # noqa: PLW0603 - one set of metrics per process, as the client library wants it
    folder = settings.runtime_dir / METRICS_FOLDER
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    name = os.environ.get("SEAMARK_PROCESS")
    full_name = f"{name}-{os.getppid()}"
    allocate(folder / f"histogram_{full_name if name else os.getpid()}.db")
    _metrics = Metrics(folder, (lambda: Slot(full_name, os.getpid())) if name else os.getpid)


def allocate(path: Path) -> None:
    """Make the file of this process's counts, with room on the disk.

    The client library would make one that is all hole, and the process would be killed when it wrote there while the
    disk is full.
    """
    with path.open("ab") as file:
        if not file.tell():
            os.posix_fallocate(file.fileno(), 0, COUNTS_BYTES)


def metrics() -> Metrics:
    """Return what this process counts.

    Raises:
        LookupError: Nobody has started the metrics.
    """
    if _metrics is None:
        raise LookupError("start_metrics was not called")
    return _metrics


def count_request(api: str, operation: str, status: int, seconds: float) -> None:
    """Count one answered request."""
    if _metrics is None:
        return
    key = (api, operation, status)
    if (series := _metrics.request_series.get(key)) is None:
        series = _metrics.request_series[key] = _metrics.requests.labels(api, operation, str(status))
    series.observe(seconds)


def count_prediction(endpoint: str, outcome: str, seconds: float, rows: int | None) -> None:
    """Count one request for the predictions of *rows* rows; *outcome* is `answered`, or the title of its problem.

    The rows are None where nobody knows how many an array has.
    """
    if _metrics is not None:
        _metrics.predictions.labels(endpoint, outcome).observe(seconds)
        if rows is not None:
            _metrics.prediction_rows.labels(endpoint).observe(rows)


def count_job(subject: str, outcome: str, seconds: float) -> None:
    """Count one ended job; *outcome* is its last status."""
    if _metrics is not None:
        _metrics.jobs.labels(subject, outcome).observe(seconds)


def forget_dead(folder: Path) -> None:
    """Remove what ended processes counted, and those of ended supervisors; call it where a supervisor starts."""
    from psutil import pid_exists

    for file in folder.glob("*.db"):
        number = re.search(r"[0-9]+$", file.stem)
        if number and not pid_exists(int(number[0])):
            file.unlink(missing_ok=True)
