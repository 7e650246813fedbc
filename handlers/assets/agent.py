"""This server as an agent of the DEP ecosystem: its own DID, and those of its assets below it.

The asset `did:op:<id>` is `did:dep:<agent>/<id>` there, <id> being the hash of its metadata where it has any.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final

from handlers.assets.did import PREFIX
from handlers.storage import facts
from handlers.storage.sql import Database

METHOD: Final = "did:dep:"
#: Services by the types that clients look for, and where below the server's address they are.
SERVICES: Final[Mapping[str, str]] = {
    "DEP.Auth.v1": "/api/v1/auth",
    "DEP.Invoke.v1": "/api/v1/invoke",
    "DEP.Meta.v1": "/api/v1/meta",
    "DEP.Storage.v1": "/api/v1/assets",
}


class Agent:
    """What this server is called."""

    def __init__(self, database: Database) -> None:
        """Keep the name in *database*."""
        self.database = database

    @cached_property
    def did(self) -> str:
        """The DID of this server, the same for all of its processes and for ever."""
        return METHOD + facts.settled(self.database, "agent", lambda: secrets.token_hex(32))

    def did_of(self, asset: str) -> str:
        """Return the DID that the asset with the DID or the id *asset* has here."""
        return f"{self.did}/{asset.removeprefix(PREFIX)}"

    def ddo(self, base_url: str) -> dict[str, Any]:
        """Return the document that says where the services are."""
        services = [{"type": kind, "serviceEndpoint": base_url + path} for kind, path in SERVICES.items()]
        return {"@context": "https://www.w3.org/2019/did/v1", "id": self.did, "service": services}
