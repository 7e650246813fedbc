"""Which endpoint of a model answers what names the model alone: the promoted one, and now and then its canary."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import update

from handlers.errors import Conflict, Fault, InputInvalid, NotFound
from handlers.models.changes import Changes, Memory
from handlers.models.records import Endpoint, Model
from handlers.models.registry import MODELS, Registry
from handlers.models.tables import State
from handlers.storage.sql import now


class Traffic:
    """Decides who answers."""

    def __init__(self, registry: Registry, changes: Changes, draw: Callable[[], float] = random.random) -> None:
        """Decide by what *registry* holds.

        Args:
            registry: Where models are known, and changed.
            changes: Until one of them what was read counts for requests.
            draw: Returns a number from 0 to 1.
        """
        self._registry = registry
        self._draw = draw
        self._models = Memory(changes, registry.named)
        self._endpoints = Memory(changes, registry.endpoint)
        self._answering = Memory(changes, self._read)

    def version(self, name: str, endpoint_id: str) -> tuple[Model, Endpoint]:
        """Return the model with an id, or else the newest one with a name, and an endpoint of it.

        Raises:
            NotFound: There is no such model, or it has no such endpoint.
        """
        model, endpoint = self._models.get(name), self._endpoints.get(endpoint_id)
        if endpoint.model != model.id:
            raise NotFound(f"The model {name[:100]} has no version {endpoint_id[:64]}.")
        return model, endpoint

    def current(self, model: Model) -> Endpoint:
        """Return the endpoint that was promoted; where none was, the newest that is in service, if any is.

        Raises:
            NotFound: The model has none.
        """
        if model.current in model.endpoints:
            return self._registry.endpoint(str(model.current))
        for endpoint_id in reversed(model.endpoints):
            endpoint = self._registry.endpoint(endpoint_id)
            if endpoint.status is State.IN_SERVICE:  # what is being loaded answers once it is, and not before
                return endpoint
        return self._registry.newest(model)

    def pick(self, name: str) -> tuple[Model, Endpoint]:
        """Return a model, by its id or else the newest by its name, and which endpoint answers the next request.

        Now and then that is the canary, while it is in service.

        Raises:
            NotFound: There is no such model, or it has no endpoint.
        """
        model, current = self._answering.get(name)
        if model.canary in model.endpoints and self._draw() < (model.share or 0.0):
            canary = self._endpoints.get(str(model.canary))
            if canary.status is State.IN_SERVICE:
                return model, canary
        return model, current

    def _read(self, name: str) -> tuple[Model, Endpoint]:
        """Read a model, and which endpoint answers but for the canary."""
        model = self._registry.named(name)
        return model, self.current(model)

    def change(self, model_id: str, wish: Mapping[str, Any]) -> Model:
        """Promote an endpoint, give one a share of the requests, or both; where one of them cannot be, nothing changes.

        Args:
            model_id: Of the model.
            wish: `endpoint`, the id of the one that is promoted; `canary`, of an `endpoint` its id and the `share`,
                from 0 to 1; None ends that. Whatever else is there does not count.

        Raises:
            NotFound: There is no such model, or it has no such endpoint.
            Conflict: The endpoint that is to be promoted is not in service.
            InputInvalid: The canary would be the one that answers anyway.
        """
        model, changes = self._registry.model(model_id), {}
        if "endpoint" in wish:
            changes = self._promotion(model, wish["endpoint"])
        if "canary" in wish:
            changes |= self._trial(replace(model, **changes), wish["canary"])
        return self._change(model, **changes)

    def roll_back(self, model_id: str) -> Model:
        """Promote the endpoint that answered before, and end the canary.

        Raises:
            NotFound: There is no such model.
            Conflict: Nothing answered before, or it is gone, or out of service.
        """
        model = self._registry.model(model_id)
        if model.previous not in model.endpoints:
            raise Conflict("There is no endpoint to roll back to.")
        changes = self._promotion(model, str(model.previous)) | {"canary": None, "share": None}
        return self._change(model, **changes)

    def _promotion(self, model: Model, endpoint_id: str) -> dict[str, Any]:
        """Return what changes when an endpoint becomes the one that answers; it is no canary any more."""
        endpoint = self._of(model, endpoint_id)
        if endpoint.status is not State.IN_SERVICE:
            raise Conflict(f"Only an endpoint that is in service can be promoted; this one is {endpoint.status.value}.")
        before = self.current(model).id
        changes: dict[str, Any] = {"current": endpoint.id}
        if before != endpoint.id:
            changes["previous"] = before
        if model.canary == endpoint.id:
            changes |= {"canary": None, "share": None}
        return changes

    def _trial(self, model: Model, canary: Mapping[str, Any] | None) -> dict[str, Any]:
        """Return what changes when an endpoint becomes the canary."""
        if canary is None:
            return {"canary": None, "share": None}
        endpoint, answers = self._of(model, canary["endpoint"]), self.current(model)
        if endpoint.id == answers.id:
            raise InputInvalid(faults=[Fault("body", "/canary/endpoint", "It is the one that answers anyway.")])
        # Whoever tries one out means it beside the one that answers today, and not beside what is uploaded next.
        return {"current": answers.id, "canary": endpoint.id, "share": canary["share"]}

    def _of(self, model: Model, endpoint_id: str) -> Endpoint:
        """Return an endpoint of a model."""
        if endpoint_id not in model.endpoints:
            raise NotFound(f"The model {model.name[:100]} has no endpoint {endpoint_id[:64]}.")
        return self._registry.endpoint(endpoint_id)

    def _change(self, model: Model, **changes: Any) -> Model:
        """Change a model, and return it."""
        with self._registry.writing() as connection:
            connection.execute(update(MODELS).where(MODELS.c.id == model.id).values(**changes, modified=now()))
        return self._registry.model(model.id)
