"""Metadata stores of others in which results may be registered, where the operator has listed them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import orjson

from handlers.compute.statuses import Stage
from handlers.compute.work import StageFailed
from handlers.errors import AddressRefused, BadGateway
from handlers.files.remote import Remote
from handlers.settings import Network

PATH: Final = "/api/v1/aquarius/assets/ddo"
#: The last: an earlier attempt of the same job has registered it, under the same DID.
DONE: Final = frozenset({HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.CONFLICT})


class Elsewhere:
    """Registers results with other stores."""

    def __init__(self, stores: Sequence[str], networks: Sequence[Network], *, patience_s: float) -> None:
        """Call *stores* alone, each for up to *patience_s* seconds; nothing else that a request names is called."""
        self._stores = stores
        self._networks = networks
        self._patience_s = patience_s

    def knows(self, uri: str) -> bool:
        """Tell whether the store at *uri* is one of those."""
        return base_of(uri) in self._stores

    def register(self, uri: str, ddo: Mapping[str, Any], remote: Callable[..., Remote] = Remote) -> None:
        """Register an asset with the store at *uri*.

        Raises:
            StageFailed: It does not take it.
        """
        store = base_of(uri)
        headers = {"Content-Type": "application/json"}
        try:
            caller = remote(self._networks, trusted=store)
            status = caller.post(store + PATH, orjson.dumps(ddo), headers, deadline_s=self._patience_s)
        except (AddressRefused, BadGateway) as error:
            raise StageFailed(Stage.NOT_PUBLISHED, f"The metadata store did not answer: {error.detail}") from error
        if status not in DONE:
            raise StageFailed(Stage.NOT_PUBLISHED, f"The metadata store did not take the results, but said {status}.")


def base_of(uri: str) -> str:
    """Return the address of a store without what clients put behind it."""
    return uri.strip().partition("/api/v1/aquarius")[0].rstrip("/")
