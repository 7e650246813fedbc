"""Where algorithms run: in containers where the settings name a socket of an engine, in the sandbox elsewhere."""

from __future__ import annotations

import secrets
from typing import Final

from handlers.compute.boxed import Boxed
from handlers.compute.running import Runtime
from handlers.settings import Settings
from handlers.storage import facts
from handlers.storage.sql import Database

SERVER: Final = "containers-of"  #: the fact by which the servers of one database know their containers


def runtime_of(settings: Settings, database: Database) -> Runtime:
    """Return what runs algorithms, as *settings* say; nothing is started yet."""
    if settings.docker_socket is None:
        return Boxed(settings)
    from handlers.compute.contained import Contained

    return Contained(settings, settings.docker_socket, lambda: server_of(database))


def server_of(database: Database) -> str:
    """Return the name on the containers of all that share a database: several servers may share one engine."""
    return facts.settled(database, SERVER, lambda: secrets.token_hex(16))
