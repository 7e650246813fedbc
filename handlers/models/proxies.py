"""Adds models that stand for those of other servers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handlers.errors import AddressRefused, Problem, Unprocessable
from handlers.models.deployment import AUTO
from handlers.models.records import Endpoint, Model, new_id, new_model
from handlers.models.registry import Registry
from handlers.models.remote import Remotes, Wish
from handlers.models.tables import State


class Proxies:
    """Adds them."""

    def __init__(self, registry: Registry, remotes: Remotes) -> None:
        """Keep them in *registry*, as *remotes* have read them."""
        self._registry = registry
        self._remotes = remotes

    def add(self, wish: Wish) -> Model:
        """Store a model of another server with an endpoint that is in service.

        Raises:
            AddressRefused: This server does not call that one.
            Unprocessable: It does not answer, or the model cannot be asked from here; nothing is kept.
            InputInvalid: Its name holds what cannot be stored.
        """
        try:
            known = self._remotes.read(wish)
        except AddressRefused:
            raise
        except Problem as problem:
            words = problem.detail or "; ".join(fault.detail for fault in problem.faults)
            raise Unprocessable(f"The model cannot be added: {words}") from problem
        schemas = {name: known.get(name) for name in ("input_schema", "output_schema")}
        model = new_model({"name": wish.name or known.get("name") or wish.model, **schemas})
        with self._registry.writing() as connection:
            self._registry.add_endpoint(connection, endpoint_of(model, wish.protocol, known), model)
        return self._registry.model(model.id)


def endpoint_of(model: Model, protocol: str, known: Mapping[str, Any]) -> Endpoint:
    """Return the endpoint of a model of another server: it has no file, and nothing has to be tried."""
    return Endpoint(
        id=new_id(),
        model=model.id,
        name=model.name,
        status=State.IN_SERVICE,
        about=None,
        links=None,
        deployed=model.created,
        format=protocol,
        takes=AUTO,
        gives=AUTO,
        blob="",
        size=0,
        sha256="",
        known=known,
        problem=None,
        job=None,
    )
