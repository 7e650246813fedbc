"""The audit log: one line of JSON for each request for predictions, with who asked what, and what came of it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from handlers import wire
from handlers.errors import InternalError, Problem
from handlers.models.features import Parameter, Shape
from handlers.models.ledger import Ledger
from handlers.models.masks import Masks
from handlers.settings import Settings

MOST_VALUES: Final = 10_000  #: of a request whose values are written; of larger ones only the rows are counted
MOST_BYTES: Final = 1 << 20  #: of a line

_job: ContextVar[Mapping[str, str | None] | None] = ContextVar("job", default=None)


@dataclass
class Entry:
    """What is known of a request for predictions, as far as it has come."""

    endpoint: str
    parameters: Sequence[Parameter] | None = None  #: of one prediction, as they were sent
    shape: Shape | None = None  #: what the model takes
    rows: Sequence[Sequence[Any]] | None = None  #: of several predictions, in the model's order
    results: Sequence[Mapping[str, Any]] | None = None
    only_counts: bool = False  #: whether no value is written


class Audit:
    """Writes the log, if there is to be one."""

    def __init__(self, settings: Settings) -> None:
        """Write to the file that *settings* name."""
        path = settings.audit_log
        self._ledger = Ledger(path, settings.audit_bytes) if path is not None else None
        self._most = min(MOST_BYTES, settings.audit_bytes)
        self._masks = Masks(settings.masked_names)

    @contextmanager
    def entry(self, endpoint: str) -> Iterator[Entry]:
        """Give an entry for a request of an endpoint, and write it when that ends, however it does."""
        entry, begun = Entry(endpoint), time.monotonic()
        if self._ledger is None:
            yield entry
            return
        problem: BaseException | None = None
        try:
            yield entry
        except BaseException as error:
            problem = error
            raise
        finally:
            self._ledger.write(self._line(entry, problem, time.monotonic() - begun))

    def close(self) -> None:
        """Close the file."""
        if self._ledger is not None:
            self._ledger.close()

    def _line(self, entry: Entry, problem: BaseException | None, seconds: float) -> bytes:
        """Return an entry as a line; without its values where they are too many."""
        ended = {"seconds": round(seconds, 6)} | ({"problem": self._problem(problem)} if problem is not None else {})
        head: dict[str, Any] = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            **asker(),
            "endpoint": entry.endpoint,
        }
        head["rows"] = len(entry.rows) if entry.rows is not None else 1 if entry.parameters is not None else None
        if entry.only_counts:
            return as_line(head | ended)
        if values_in(entry) <= MOST_VALUES:
            # A model may nest its answer deeper than can be written; that is no reason not to give it.
            with suppress(RecursionError):
                line = as_line(head | self._values(entry) | ended)
                if len(line) < self._most:
                    return line
        return as_line(head | {"left_out": True} | ended)

    def _values(self, entry: Entry) -> dict[str, Any]:
        """Return inputs and results: an object for one prediction, a list of them for several."""
        found: dict[str, Any] = {}
        if entry.parameters is not None:
            found["inputs"] = self._masks.parameters(entry.parameters, entry.shape)
        elif entry.rows is not None and entry.shape is not None:
            found["inputs"] = self._masks.rows(entry.rows, entry.shape)
        if entry.results is not None:
            results = [self._masks.result(result) for result in entry.results]
            found["result"] = results[0] if entry.parameters is not None else results
        return found

    def _problem(self, error: BaseException) -> dict[str, Any]:
        """Return what went wrong; without its words where values are masked, since they may quote one."""
        problem = error if isinstance(error, Problem) else InternalError()
        members = problem.as_document()
        wanted = ("title", "status") if self._masks.words else ("title", "status", "detail")
        return {key: members[key] for key in wanted}


@contextmanager
def asked_by_job(job_id: str, caller: str | None) -> Iterator[None]:
    """Name a job and its owner in what is written inside, where there is no request."""
    token = _job.set({"job": job_id, "caller": caller})
    try:
        yield
    finally:
        _job.reset(token)


def asker() -> dict[str, str | None]:
    """Return who asks: a request, or a job."""
    if (job := _job.get()) is not None:
        return dict(job)
    try:
        here = wire.request()
    except LookupError:
        return {"request": None, "caller": None}
    return {"request": here.id, "caller": here.caller.name}


def rows_in(entry: Entry) -> int | None:
    """Return how many predictions were asked for; None: that was refused before they were looked at."""
    if entry.parameters is not None:
        return 1
    return None if entry.rows is None else len(entry.rows)


def values_in(entry: Entry) -> int:
    """Return how many inputs were sent."""
    if entry.parameters is not None:
        return len(entry.parameters)
    return sum(map(len, entry.rows or ()))


def as_line(document: Mapping[str, Any]) -> bytes:
    """Return an object as JSON; of what orjson does not take, such as numbers of more than 64 bits, too."""
    try:
        return orjson.dumps(document)
    except TypeError:
        return json.dumps(document, default=str).encode()
