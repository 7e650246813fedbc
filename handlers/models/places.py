"""Where on this machine the keeper and its hosts are reached, and who may reach them."""

from __future__ import annotations

import hashlib
import os
import stat
import time
from pathlib import Path

from handlers.errors import Unavailable
from handlers.settings import Settings

PRIVATE = 0o700
LEFT_S = 86400.0


def folder(settings: Settings) -> Path:
    """Return the folder for sockets, made if needed; nobody else may enter it.

    Raises:
        Unavailable: It is somebody else's.
    """
    place = settings.runtime_dir
    place.mkdir(parents=True, exist_ok=True, mode=PRIVATE)
    found = place.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise Unavailable("The folder for this server's sockets is somebody else's.")
    if stat.S_IMODE(found.st_mode) != PRIVATE:
        place.chmod(PRIVATE)
    return place


def scratch(settings: Settings) -> Path:
    """Return the folder for tables that are being predicted, made if needed; nobody else may enter it."""
    place = settings.home.resolve() / "tables"
    place.mkdir(parents=True, exist_ok=True, mode=PRIVATE)
    return place


def left_tables(home: Path) -> list[Path]:
    """Return what processes that were killed have left of tables: nobody works on one for so long."""
    found = (home / "tables").glob("seamark-batch-*")
    return [path for path in found if time.time() - path.stat().st_mtime > LEFT_S]


def keeper_socket(settings: Settings) -> Path:
    """Return where the keeper listens."""
    return settings.runtime_dir / "keeper"


def keeper_lock(settings: Settings) -> Path:
    """Return the file that only the keeper of this machine has locked."""
    return settings.runtime_dir / "keeper.lock"


def host_socket(settings: Settings, endpoint: str) -> Path:
    """Return where the host of an endpoint listens; the name is short, as a socket's path has to be."""
    return settings.runtime_dir / f"m-{hashlib.sha256(endpoint.encode()).hexdigest()[:16]}"
