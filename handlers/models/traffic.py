"""Which endpoint of a model answers what names the model alone: the promoted one, and now and then its canary."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import update

from handlers.errors import Conflict, Fault, InputInvalid, NotFound
from handlers.models.records import Endpoint, Model
from handlers.models.registry import MODELS, Registry
from handlers.models.tables import State
from handlers.storage.sql import now


@dataclass(frozen=True, kw_only=True)
class Canary:
    """An endpoint that gets a share of the requests, to see how it does."""

    endpoint: str
    share: float  #: from 0 to 1


class Traffic:
    """Decides who answers."""

    def __init__(self, registry: Registry, draw: Callable[[], float] = random.random) -> None:
        """Read and write models in *registry*; *draw* returns a number from 0 to 1."""
        self._registry = registry
        self._draw = draw

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

    def pick(self, model: Model) -> Endpoint:
        """Return the endpoint that answers the next request: now and then the canary, while that is in service.

        Raises:
            NotFound: The model has none.
        """
        if model.canary in model.endpoints and self._draw() < (model.share or 0.0):
            canary = self._registry.endpoint(str(model.canary))
            if canary.status is State.IN_SERVICE:
                return canary
        return self.current(model)

    def promote(self, model_id: str, endpoint_id: str) -> Model:
        """Make an endpoint the one that answers; it is no canary any more.

        Raises:
            NotFound: There is no such model, or it has no such endpoint.
            Conflict: The endpoint is not in service.
        """
        model = self._registry.model(model_id)
        endpoint = self._of(model, endpoint_id)
        if endpoint.status is not State.IN_SERVICE:
            raise Conflict(f"Only an endpoint that is in service can be promoted; this one is {endpoint.status.value}.")
        before = self.current(model).id
        changes: dict[str, Any] = {"current": endpoint.id}
        if before != endpoint.id:
            changes["previous"] = before
        if model.canary == endpoint.id:
            changes |= {"canary": None, "share": None}
        return self._change(model, **changes)

    def roll_back(self, model_id: str) -> Model:
        """Promote the endpoint that answered before, and end the canary.

        Raises:
            NotFound: There is no such model.
            Conflict: Nothing answered before, or it is gone.
        """
        model = self._registry.model(model_id)
        if model.previous not in model.endpoints:
            raise Conflict("There is no endpoint to roll back to.")
        before = self.current(model).id
        return self._change(model, current=model.previous, previous=before, canary=None, share=None)

    def try_out(self, model_id: str, canary: Canary | None) -> Model:
        """Give an endpoint a share of the requests; None ends that.

        Raises:
            NotFound: There is no such model, or it has no such endpoint.
            InputInvalid: The endpoint is the one that answers anyway.
        """
        model = self._registry.model(model_id)
        if canary is None:
            return self._change(model, canary=None, share=None)
        endpoint, answers = self._of(model, canary.endpoint), self.current(model)
        if endpoint.id == answers.id:
            raise InputInvalid(faults=[Fault("body", "/canary/endpoint", "It is the one that answers anyway.")])
        # Whoever tries one out means it beside the one that answers today, and not beside what is uploaded next.
        return self._change(model, current=answers.id, canary=endpoint.id, share=canary.share)

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
