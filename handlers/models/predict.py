"""Predictions: which endpoint is meant, whether it may, what its host says."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from handlers.errors import Conflict, Fault, InputInvalid, NotFound, Problem, Unavailable
from handlers.models.audit import Audit, Entry, rows_in
from handlers.models.changes import Changes, Memory
from handlers.models.deployment import known_of, plan_of
from handlers.models.features import Shape
from handlers.models.hosts import Hosts
from handlers.models.process import Plan
from handlers.models.proxies import PAUSE_S
from handlers.models.records import Endpoint, Model
from handlers.models.registry import Registry
from handlers.models.remote import Remotes, is_remote, step
from handlers.models.tables import State
from handlers.models.targets import in_object
from handlers.models.waits import RETRY
from handlers.observability import count_prediction
from handlers.settings import Settings

#: What a model of another server says of an input when it is not the one any more that we know, and at other times.
OUTDATED: Final = (InputInvalid, NotFound, Conflict)

Wait = Callable[[str, float], None]
Renew = Callable[[Endpoint, float, float], bool]
Said = TypeVar("Said")
MakeRows = Callable[[Shape], list[list[Any]]]


@dataclass(frozen=True)
class Ready:
    """What a prediction needs to know of an endpoint."""

    endpoint: Endpoint
    plan: Plan
    shape: Shape

    @property
    def step(self) -> int | None:
        """How many rows of a table are asked for in one go; None: any number."""
        return step(self.endpoint, self.shape.count or 1)


class Predictor:
    """Answers predictions."""

    def __init__(
        self,
        registry: Registry,
        hosts: Hosts,
        settings: Settings,
        changes: Changes,
        wait: Wait,
        remotes: Remotes,
        renew: Renew,
    ) -> None:
        """Ask *hosts*, and *remotes* for what is another server's.

        Args:
            registry: Where endpoints are known.
            hosts: Hold models of this machine.
            settings: Bounds.
            changes: Until one of them what is known of endpoints counts.
            wait: Waits for a job, so many seconds, in a seat that the caller has.
            remotes: Ask other servers.
            renew: Reads again what the model of another server is, if that was done so many seconds ago, within so
                many; tells whether it has changed.
        """
        self.registry = registry
        self.hosts = hosts
        self.remotes = remotes
        self.settings = settings
        self._wait = wait
        self._renew = renew
        self._audit = Audit(settings)
        self._known = Memory(changes, self._read)

    def predict(self, endpoint_id: str, parameters: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
        """Return what the model of an endpoint says.

        Raises:
            NotFound: There is no such endpoint.
            Conflict: It is not in service.
            InputInvalid: An input is missing, unknown or of the wrong type, or the model does not take it.
            Unavailable: Its file is still being tried, its host has died or does not answer, or too many wait for it.
            BadGateway, AddressRefused: Another server has to be asked, and answers wrongly or is not called any more.
        """
        end = time.monotonic() + self.settings.predict_timeout_s
        with self._audit.entry(endpoint_id) as entry:
            entry.parameters = parameters
            (result,) = self._answers(endpoint_id, lambda shape: [shape.row(parameters)], end, entry)
            return result

    def predict_values(self, endpoint_id: str, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what the model of an endpoint says of *values*, which have the names of its inputs.

        Raises:
            NotFound, Conflict, InputInvalid, Unavailable: As for `predict`.
        """
        names = list(values)
        try:
            return self.predict(endpoint_id, [{"name": name, "value": values[name]} for name in names])
        except InputInvalid as problem:
            raise InputInvalid(faults=[in_object(fault, names) for fault in problem.faults]) from None

    def predict_rows(
        self, endpoint_id: str, rows: MakeRows, *, only_counts: bool = False, end: float | None = None
    ) -> list[Mapping[str, Any]]:
        """Return what the model of an endpoint says of each row that *rows* makes of what it takes, before *end*.

        With *only_counts* the audit log gets no value of them.

        Raises:
            NotFound, Conflict, InputInvalid, Unavailable: As for `predict`.
        """
        end = end or time.monotonic() + self.settings.predict_timeout_s
        with self._audit.entry(endpoint_id) as entry:
            entry.only_counts = only_counts
            return self._answers(endpoint_id, rows, end, entry)

    def _answers(self, endpoint_id: str, rows: MakeRows, end: float, entry: Entry) -> list[Mapping[str, Any]]:
        """Return what is said of the rows that *rows* makes, made again where a model has changed on its server."""

        def ask(ready: Ready) -> list[Mapping[str, Any]]:
            entry.shape = ready.shape  # by which what is wrong with the rows is masked, too
            entry.rows = made = rows(ready.shape)
            return self._asked(ready, made, end)

        ready = self._current(endpoint_id, end)
        with counted(ready, entry):
            entry.results = results = self._twice(ready, ask, end)
            return results

    def fitting(self, endpoint_id: str, check: Callable[[Shape], object], end: float) -> Ready:
        """Return what is known of an endpoint, which *check* has passed.

        Raises:
            NotFound, Conflict, InputInvalid, Unavailable: As for `predict`.
        """

        def ask(ready: Ready) -> Ready:
            check(ready.shape)
            return ready

        return self._twice(self._current(endpoint_id, end), ask, end)

    def _twice(self, ready: Ready, ask: Callable[[Ready], Said], end: float) -> Said:
        """Return what *ask* does, which gets a second try where the model has changed on its server meanwhile."""
        try:
            return ask(ready)
        except OUTDATED:
            newer = self._up_to_date(ready, PAUSE_S, end)
            if newer is ready:
                raise
        return ask(newer)

    def _current(self, endpoint_id: str, end: float) -> Ready:
        """Return what is known of an endpoint that is in service, and is not too old.

        Raises:
            NotFound, Conflict, Unavailable: As for `predict`.
        """
        return self._up_to_date(self.serving(endpoint_id, end), self.settings.remote_metadata_s, end)

    def _up_to_date(self, ready: Ready, age_s: float, end: float) -> Ready:
        """Return what is known of an endpoint; what was read *age_s* seconds ago on another server is read again."""
        if is_remote(ready.endpoint) and self._renew(ready.endpoint, age_s, left(end) / 2):
            return self.serving(ready.endpoint.id, end)
        return ready

    def _asked(self, ready: Ready, rows: list[list[Any]], end: float) -> list[Mapping[str, Any]]:
        """Return what is said of rows: by the host of a model, or by the server whose it is."""
        if is_remote(ready.endpoint):
            return list(self.remotes.predict(ready.endpoint, rows, left(end)))
        answers = self.hosts.ask_many(ready.plan, rows, left(end))
        return [self._result(ready.endpoint, answer, row) for row, answer in enumerate(answers)]

    def serving(self, endpoint_id: str, end: float) -> Ready:
        """Return what is known of an endpoint that is in service, or will be before *end*.

        Raises:
            NotFound, Conflict, Unavailable: As for `predict`.
        """
        ready = self._known.get(endpoint_id)
        endpoint = ready.endpoint
        if endpoint.status is State.IN_SERVICE:
            return ready
        if endpoint.status is State.CREATING and self._tried(endpoint, end):
            ready = self._read(endpoint_id)
            endpoint = ready.endpoint
        if endpoint.status is State.CREATING:
            raise Unavailable("The endpoint's file is still being tried.", headers=RETRY)
        if endpoint.status is not State.IN_SERVICE:
            why = f" {endpoint.problem}" if endpoint.problem else ""
            raise Conflict(f"The endpoint is not in service: it is {endpoint.status.value}.{why}")
        return ready

    def _tried(self, endpoint: Endpoint, end: float) -> bool:
        """Wait for an endpoint's file to be tried, if there is a seat; tell whether somebody has waited."""
        if endpoint.job is None or (left_s := end - time.monotonic()) <= 0:
            return False
        with self.hosts.seats.taken(endpoint.id) as seated:
            if seated:
                self._wait(endpoint.job, left_s)
        return seated

    def close(self) -> None:
        """Give up what is held."""
        self._audit.close()

    def _read(self, endpoint_id: str) -> Ready:
        """Read what is known of an endpoint."""
        endpoint = self.registry.endpoint(endpoint_id)
        model = self.registry.model(endpoint.model)
        return Ready(endpoint, plan_of(endpoint, model), shape_of(endpoint, model))

    def _result(self, endpoint: Endpoint, answer: Mapping[str, Any], row: int) -> Mapping[str, Any]:
        """Return the result in what a host said of a row, which is counted from 0."""
        result = answer.get("result")
        if isinstance(result, dict):
            return result
        if "refused" in answer:
            words = f"The model does not take this input: {answer['refused']}"[:2000]
            raise InputInvalid(faults=[Fault("body", "/parameters", words, row)])
        self.hosts.stop(endpoint.id)
        words = str(answer.get("unloaded", "its process does not keep to what was agreed"))
        raise Unavailable(f"The model cannot be loaded at the moment: {words[:1000]}", headers=RETRY)


def left(end: float) -> float:
    """Return the seconds until *end*; something is always left, so that what is ready still answers."""
    return max(0.001, end - time.monotonic())


@contextmanager
def counted(ready: Ready, entry: Entry) -> Iterator[None]:
    """Count what is asked of an endpoint inside, how much that is, and how it ends."""
    begun, outcome = time.monotonic(), "failed"
    try:
        yield
        outcome = "answered"
    except Problem as problem:
        outcome = type(problem).__name__
        raise
    finally:
        count_prediction(ready.endpoint.id, outcome, time.monotonic() - begun, rows_in(entry) or 0)


def shape_of(endpoint: Endpoint, model: Model) -> Shape:
    """Return what the model of an endpoint takes."""
    known = known_of(endpoint)
    flags = {flag: bool(known.get(flag)) for flag in ("named", "invented")}
    return Shape(known.get("features"), model.input_schema or (), **flags)
