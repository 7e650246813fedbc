"""Predictions: which endpoint is meant, whether it may, what its host says."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlsplit

from handlers.errors import BadRequest, Conflict, Fault, InputInvalid, Problem, Unavailable
from handlers.models.audit import Audit
from handlers.models.changes import Changes, Memory
from handlers.models.deployment import known_of, plan_of
from handlers.models.features import Shape
from handlers.models.hosts import RETRY, Hosts
from handlers.models.process import Plan
from handlers.models.records import Endpoint, Model
from handlers.models.registry import Registry
from handlers.models.remote import Remotes, is_remote, step
from handlers.models.tables import State
from handlers.observability import count_prediction
from handlers.settings import Settings

PARAMETER: Final = re.compile(r"/parameters/([0-9]+)/")
PLACE: Final = re.compile(r"/endpoints/([^/]+)")

Wait = Callable[[str, float], None]


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
    ) -> None:
        """Ask *hosts*, and *remotes* for what is another server's.

        Args:
            registry: Where endpoints are known.
            hosts: Hold models of this machine.
            settings: Bounds.
            changes: Until one of them what is known of endpoints counts.
            wait: Waits for a job, so many seconds.
            remotes: Ask other servers.
        """
        self.registry = registry
        self.hosts = hosts
        self.remotes = remotes
        self.settings = settings
        self._wait = wait
        self._audit = Audit(settings)
        self._known = Memory(changes, self._read)

    def predict(self, endpoint_id: str, parameters: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
        """Return what the model of an endpoint says.

        Raises:
            NotFound: There is no such endpoint.
            Conflict: It is not in service.
            InputInvalid: An input is missing, unknown or of the wrong type, or the model does not take it.
            Unavailable: Its file is still being tried, or its host has died or does not answer.
            BadGateway, AddressRefused: Another server has to be asked, and answers wrongly or is not called any more.
        """
        end = time.monotonic() + self.settings.predict_timeout_s
        with self._audit.entry(endpoint_id) as entry:
            entry.parameters = parameters
            ready = self.serving(endpoint_id, end)
            entry.shape = ready.shape
            with counted(ready, 1):
                (result,) = self._asked(ready, [ready.shape.row(parameters)], end)
            entry.results = [result]
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
        self, endpoint_id: str, rows: Callable[[Shape], list[list[Any]]], *, only_counts: bool = False
    ) -> list[Mapping[str, Any]]:
        """Return what the model of an endpoint says of each row that *rows* makes of what it takes.

        With *only_counts* the audit log gets no value of them.

        Raises:
            NotFound, Conflict, InputInvalid, Unavailable: As for `predict`.
        """
        end = time.monotonic() + self.settings.predict_timeout_s
        with self._audit.entry(endpoint_id) as entry:
            entry.only_counts = only_counts
            ready = self.serving(endpoint_id, end)
            entry.shape, entry.rows = ready.shape, (made := rows(ready.shape))
            with counted(ready, len(made)):
                entry.results = results = self._asked(ready, made, end)
            return results

    def _asked(self, ready: Ready, rows: list[list[Any]], end: float) -> list[Mapping[str, Any]]:
        """Return what is said of rows: by the host of a model, or by the server whose it is."""
        if is_remote(ready.endpoint):
            return list(self.remotes.predict(ready.endpoint, rows, left(end)))
        return [self._result(ready.endpoint, answer) for answer in self.hosts.ask_many(ready.plan, rows, left(end))]

    def serving(self, endpoint_id: str, end: float) -> Ready:
        """Return what is known of an endpoint that is in service, or will be before *end*.

        Raises:
            NotFound, Conflict, Unavailable: As for `predict`.
        """
        ready = self._known.get(endpoint_id)
        endpoint = ready.endpoint
        if endpoint.status is State.IN_SERVICE:
            return ready
        if endpoint.status is State.CREATING and endpoint.job is not None:
            self._wait(endpoint.job, end - time.monotonic())
            ready = self._read(endpoint_id)
            endpoint = ready.endpoint
        if endpoint.status is State.CREATING:
            raise Unavailable("The endpoint's file is still being tried.", headers=RETRY)
        if endpoint.status is not State.IN_SERVICE:
            why = f" {endpoint.problem}" if endpoint.problem else ""
            raise Conflict(f"The endpoint is not in service: it is {endpoint.status.value}.{why}")
        return ready

    def close(self) -> None:
        """Give up what is held."""
        self._audit.close()

    def _read(self, endpoint_id: str) -> Ready:
        """Read what is known of an endpoint."""
        endpoint = self.registry.endpoint(endpoint_id)
        model = self.registry.model(endpoint.model)
        return Ready(endpoint, plan_of(endpoint, model), shape_of(endpoint, model))

    def _result(self, endpoint: Endpoint, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the result in what a host said."""
        result = answer.get("result")
        if isinstance(result, dict):
            return result
        if "refused" in answer:
            words = f"The model does not take this input: {answer['refused']}"[:2000]
            raise InputInvalid(faults=[Fault("body", "/parameters", words)])
        self.hosts.stop(endpoint.id)
        words = str(answer.get("unloaded", "its process does not keep to what was agreed"))
        raise Unavailable(f"The model cannot be loaded at the moment: {words[:1000]}", headers=RETRY)


def left(end: float) -> float:
    """Return the seconds until *end*; something is always left, so that what is ready still answers."""
    return max(0.001, end - time.monotonic())


@contextmanager
def counted(ready: Ready, rows: int) -> Iterator[None]:
    """Count what is asked of an endpoint inside, and how that ends."""
    begun, outcome = time.monotonic(), "failed"
    try:
        yield
        outcome = "answered"
    except Problem as problem:
        outcome = type(problem).__name__
        raise
    finally:
        count_prediction(ready.endpoint.id, outcome, time.monotonic() - begun, rows)


def shape_of(endpoint: Endpoint, model: Model) -> Shape:
    """Return what the model of an endpoint takes."""
    known = known_of(endpoint)
    flags = {flag: bool(known.get(flag)) for flag in ("named", "invented")}
    return Shape(known.get("features"), model.input_schema or (), **flags)


def in_object(fault: Fault, names: Sequence[str]) -> Fault:
    """Return a fault of a list of parameters as one of an object whose members have these names."""
    number = PARAMETER.match(fault.place)
    place = "/" + names[int(number[1])].replace("~", "~0").replace("/", "~1") if number else ""
    return replace(fault, place=place)


def endpoint_in(target: Sequence[Mapping[str, str]], mount: str) -> str:
    """Return the id of the endpoint that a request is for.

    Raises:
        BadRequest: There is not exactly one, or its address is none.
    """
    wanted = [link for link in target if link.get("rel") == "endpoint"]
    if len(wanted) != 1:
        raise BadRequest("Predict accept one and only one endpoint", faults=[Fault("body", "/target", "has not one")])
    href = wanted[0].get("href", "")
    try:
        path = urlsplit(href).path
    except ValueError:
        path = ""
    found = PLACE.fullmatch(path.removeprefix(mount)) if "?" not in href and "#" not in href else None
    if found is None:
        words = f"{href[:200]!r} is not the address of an endpoint."
        raise BadRequest(words, faults=[Fault("body", f"/target/{target.index(wanted[0])}/href", words)])
    return found[1]
