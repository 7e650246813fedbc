"""Whether a container engine answers, what it is, and what is to be done where it does not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from handlers.errors import SandboxUnavailable
from handlers.sandbox.engine.about import About, about
from handlers.sandbox.engine.client import Engine
from handlers.sandbox.probe import Probe

MENDS: Final[Mapping[str, str]] = {
    "FileNotFoundError": "Start the engine (systemctl start docker or podman.socket), or mend SEAMARK_DOCKER_SOCKET.",
    "ConnectionRefusedError": "Start the engine: systemctl start docker, or podman.socket.",
    "PermissionError": "Let this server's user write to the socket; that makes it as mighty as root.",
    "cannot bound": "Delegate the cgroup controllers memory, pids and cpu to the engine, or run it as root.",
    "ordinary user": "Run this server as the same user as the engine, or use root's engine.",
}
OTHERWISE: Final = "Set SEAMARK_DOCKER_SOCKET to the socket of Docker or Podman, or unset it."


def probe(path: Path, registries: str) -> Probe:
    """Ask the engine at *path* what it is."""
    try:
        found = about(Engine(path))
        found.demand()
    except SandboxUnavailable as error:
        mend = next((mend for sign, mend in MENDS.items() if sign in error.detail), OTHERWISE)
        return Probe(works=False, detail=error.detail, mend=mend)
    return Probe(works=True, detail=in_words(found, registries))


def in_words(found: About, registries: str) -> str:
    """Say what the engine is, and from where it takes images."""
    whose = "an ordinary user's" if found.rootless else "root's"
    return f"{found.name} {found.version}, {whose}; images from: {registries or 'nowhere'}"
