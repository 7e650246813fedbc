"""Adds models that stand for those of other servers, and reads again what those have become.

That is done when somebody asks for it, when what is known is old, and when an input is refused, which it may be because
the model is another one by now. A server that is away, or talks nonsense, leaves what is known as it is, and is not
asked again at once.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from handlers.errors import AddressRefused, BadGateway, Conflict, Problem, Unavailable, Unprocessable
from handlers.models import looks
from handlers.models.deployment import AUTO
from handlers.models.records import Endpoint, Model, new_id, new_model
from handlers.models.registry import Registry
from handlers.models.remote import Remotes, Wish, source_of
from handlers.models.tables import State
from handlers.storage.sql import now

logger = logging.getLogger(__name__)
PAUSE_S: Final = 60.0  #: between two looks that refused inputs ask for


class Proxies:
    """Adds them."""

    def __init__(self, registry: Registry, remotes: Remotes) -> None:
        """Keep them in *registry*, as *remotes* have read them."""
        self._registry = registry
        self._remotes = remotes

    def add(self, wish: Wish) -> Model:
        """Store a model of another server with an endpoint that is in service.

        Raises:
            AddressRefused: This server does not call that one, or not with credentials.
            KeyUnavailable: There is no key to seal credentials with.
            Unprocessable: It does not answer, or the model cannot be asked from here; nothing is kept.
            InputInvalid: Its name holds what cannot be stored, or a credential what cannot be sent.
        """
        sealed = self._remotes.sealed(wish.credentials, wish.url)
        try:
            known = self._remotes.read(wish, sealed)
        except AddressRefused:
            raise
        except Problem as problem:
            raise Unprocessable(f"The model cannot be added: {words_of(problem)}") from problem
        schemas = {name: known.get(name) for name in ("input_schema", "output_schema")}
        model = new_model({"name": wish.name or known.get("name") or wish.model, **schemas})
        endpoint = replace(endpoint_of(model, wish.protocol, known), credentials=sealed)
        with self._registry.writing() as connection:
            self._registry.add_endpoint(connection, endpoint, model)
        return self._registry.model(model.id)

    def change_credentials(self, model_id: str, credentials: Mapping[str, Any] | None) -> None:
        """Keep other credentials for the server of a model, or none.

        Raises:
            NotFound: There is no such model.
            Conflict: It is not another server's.
            InputInvalid, AddressRefused, BadGateway, KeyUnavailable: They cannot be kept.
        """
        endpoint, source = self._source(model_id)
        if (sealed := self._remotes.sealed(credentials, source.url)) is not None:
            self._remotes.check(source.url, sealed)
        looks.keep_credentials(self._registry, endpoint, sealed)

    def refresh(self, model_id: str) -> Model:
        """Read again what a model is on its server.

        Raises:
            NotFound: There is no such model.
            Conflict: It is not another server's.
            AddressRefused, KeyUnavailable: This server does not call that one any more.
            Unavailable, BadGateway: It is down, or answers something else; what is known stays.
            Unprocessable: It has the model no more, or one that cannot be asked from here; what is known stays.
        """
        endpoint, source = self._source(model_id)
        looks.look(self._registry, endpoint, now())
        try:
            self._read_again(endpoint, source)
        except (AddressRefused, BadGateway, Unavailable):
            raise
        except Problem as problem:
            raise Unprocessable(f"The model cannot be read again: {words_of(problem)}") from problem
        return self._registry.model(model_id)

    def renew(self, endpoint: Endpoint, age_s: float, within_s: float) -> bool:
        """Read again what a model is on its server if that was done *age_s* seconds ago; tell whether it has changed.

        It takes *within_s* seconds at most. Where it cannot be read, what is known stays, and counts as just read.
        """
        source, before = source_of(endpoint), now() - timedelta(seconds=age_s)
        if source is None or (endpoint.looked is not None and endpoint.looked > before):
            return False
        if not looks.look(self._registry, endpoint, before):
            return False
        try:
            return self._read_again(endpoint, source, within_s)
        except Problem as problem:
            logger.warning("What the model of endpoint %s is cannot be read again: %s", endpoint.id, words_of(problem))
            return False

    def _source(self, model_id: str) -> tuple[Endpoint, Wish]:
        """Return the endpoint of a model that asks another server, and what it asks.

        Raises:
            NotFound: There is no such model.
            Conflict: It has none.
        """
        found = map(self._registry.endpoint, self._registry.model(model_id).endpoints)
        for endpoint in found:
            if (source := source_of(endpoint)) is not None:
                return endpoint, source
        raise Conflict("The model is not one of another server.")

    def _read_again(self, endpoint: Endpoint, source: Wish, within_s: float | None = None) -> bool:
        """Keep what another server says of its model, and tell whether that is something else."""
        known = self._remotes.read(source, endpoint.credentials, within_s)
        if known == endpoint.known:
            return False
        looks.renew(self._registry, endpoint, known)
        return True


def words_of(problem: Problem) -> str:
    """Return a problem in a line."""
    return problem.detail or "; ".join(fault.detail for fault in problem.faults)


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
        looked=model.created,
    )
