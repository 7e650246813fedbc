"""The models of this server, put together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from handlers.errors import NotFound, Unprocessable
from handlers.files.remote import Remote
from handlers.keys import Keys
from handlers.models.batches import Batches
from handlers.models.changes import Changes
from handlers.models.condition import Condition
from handlers.models.credentials import Safe
from handlers.models.declared import difference
from handlers.models.deployment import Deployment, Trials
from handlers.models.hosts import Hosts
from handlers.models.predict import Predictor
from handlers.models.proxies import Proxies
from handlers.models.records import Endpoint, Model
from handlers.models.registry import Registry
from handlers.models.remote import Remotes
from handlers.models.tables import State
from handlers.models.traffic import Traffic
from handlers.seats import Seats
from handlers.settings import Settings
from handlers.storage.blobs import CHUNK_BYTES, Blobs
from handlers.storage.sql import Database


class Models:
    """What controllers ask for models, endpoints and predictions."""

    def __init__(
        self, database: Database, blobs: Blobs, settings: Settings, trials: Trials, keys: Keys, seats: Seats
    ) -> None:
        """Start nothing yet.

        Args:
            database: Where models are known.
            blobs: Where their files are.
            settings: Bounds, and what is served.
            trials: Try files.
            keys: Seal credentials for other servers.
            seats: Where callers wait who ask what is slow.
        """
        changes = Changes(settings)
        self.registry = Registry(database, blobs, changes.tell, trials.lost)
        self.hosts = Hosts(settings, seats)
        self.deployment = Deployment(self.registry, blobs, settings, self.hosts, trials)
        remotes = Remotes(Remote(settings.networks), Safe(keys), settings.predict_timeout_s, seats=seats)
        self.proxies = Proxies(self.registry, remotes)
        self.predictor = Predictor(
            self.registry, self.hosts, settings, changes, trials.wait, remotes, self.proxies.renew
        )
        self.batches = Batches(self.predictor, blobs)
        self.traffic = Traffic(self.registry, changes)
        self.condition = Condition(database, settings, self.hosts, trials.fault)
        self._blobs = blobs

    def change_model(self, model_id: str, wish: Mapping[str, Any]) -> Model:
        """Change a model; hosts that were told the old names of its inputs are replaced.

        Raises:
            NotFound: There is no such model.
            InputInvalid: Its name holds what cannot be stored, or a credential what cannot be sent.
            Conflict: Credentials came, and it is not another server's.
            AddressRefused, BadGateway, KeyUnavailable: They cannot be kept.
            Unprocessable: A file that is in service takes other inputs than were declared.
        """
        self._check_inputs(self.registry.model(model_id), wish.get("input_schema") or ())
        if "credentials" in wish:
            self.proxies.change_credentials(model_id, wish["credentials"])
        model = self.registry.change_model(model_id, wish)
        if "input_schema" in wish:
            for endpoint in model.endpoints:
                self.hosts.stop(endpoint)
        return model

    def _check_inputs(self, model: Model, declared: Sequence[Mapping[str, Any]]) -> None:
        """Refuse inputs that are not those of the files that are in service."""
        if not declared or not model.endpoints:
            return
        for endpoint in self.registry.endpoints(limit=len(model.endpoints), offset=0, model=model):
            words = difference(declared, endpoint.known or {}) if endpoint.status is State.IN_SERVICE else ""
            if words:
                raise Unprocessable(f"The input_schema does not fit the endpoint {endpoint.id}. {words}"[:2000])

    def remove_model(self, model_id: str) -> None:
        """Remove a model with its endpoints, their files and their hosts.

        Raises:
            NotFound: There is no such model.
        """
        for endpoint in self.registry.remove_model(model_id):
            self.hosts.stop(endpoint.id)

    def remove_endpoint(self, endpoint_id: str) -> None:
        """Remove an endpoint with its file and its host.

        Raises:
            NotFound: There is no such endpoint.
        """
        self.hosts.stop(self.registry.remove_endpoint(endpoint_id).id)

    def with_file(self, model_id: str) -> tuple[Model, Endpoint]:
        """Return a model and its endpoint, whose file is the model's.

        Raises:
            NotFound: There is no such model, or it has no file.
        """
        model = self.registry.model(model_id)
        endpoint = self.traffic.current(model)
        if not endpoint.blob:
            raise NotFound(f"The model {model.id} has no file: it is one of another server.")
        return model, endpoint

    def chunks(self, endpoint: Endpoint) -> Iterator[bytes]:
        """Return the file of an endpoint, piece by piece.

        Raises:
            NotFound: It has just been removed.
        """
        try:
            return read_through(self._blobs.open(endpoint.blob))
        except FileNotFoundError as error:
            raise NotFound("The model's file is gone.") from error

    def close(self) -> None:
        """Give up what is held."""
        self.predictor.close()
        self.hosts.close()


def read_through(file: BinaryIO) -> Iterator[bytes]:
    """Give what a file holds, and close it."""
    with file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk
