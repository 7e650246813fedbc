"""What an engine says of itself: who it is, as whom it runs, and which bounds it can keep."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from handlers.errors import SandboxUnavailable
from handlers.sandbox.engine.client import Engine, EngineError

PODMAN: Final = "Podman Engine"
#: Without one of these a program could take all that the machine has.
NEEDED: Final[Mapping[str, str]] = {"MemoryLimit": "memory", "PidsLimit": "processes", "CpuCfsQuota": "processors"}


@dataclass(frozen=True, kw_only=True)
class About:
    """One engine."""

    name: str
    version: str
    rootless: bool
    remapped: bool  #: whether its users are others than those of the machine
    unbounded: tuple[str, ...]  #: of what it cannot keep bounds

    @property
    def is_podman(self) -> bool:
        """Tell whether it is Podman, which names users in its own way."""
        return self.name == PODMAN

    def demand(self) -> None:
        """Refuse an engine in which programs of others cannot be run.

        Raises:
            SandboxUnavailable: It is one.
        """
        if self.unbounded:
            raise SandboxUnavailable(f"The container engine cannot bound {', '.join(self.unbounded)}.")
        if self.rootless and os.geteuid() == 0:
            raise SandboxUnavailable("The container engine is an ordinary user's, who cannot read what root lends.")


def about(engine: Engine) -> About:
    """Return what an engine says of itself.

    Raises:
        SandboxUnavailable: It does not answer, or not as an engine.
    """
    try:
        version, info = engine.ask("GET", "/version"), engine.ask("GET", "/info")
    except EngineError as error:
        raise SandboxUnavailable(f"The container engine does not tell what it is: {error}") from error
    if not (isinstance(version, dict) and isinstance(info, dict)):
        raise SandboxUnavailable("What answers as the container engine does not speak its language.")
    security = security_of(info)
    return About(
        name=name_of(version),
        version=str(info.get("ServerVersion") or version.get("Version") or ""),
        rootless="rootless" in security or info.get("Rootless") is True,
        remapped="userns" in security,
        unbounded=tuple(words for flag, words in NEEDED.items() if not info.get(flag)),
    )


def name_of(version: Mapping[str, Any]) -> str:
    """Return the name of an engine."""
    components = [part for part in version.get("Components") or () if isinstance(part, dict)]
    names = [str(part.get("Name")) for part in components]
    return PODMAN if PODMAN in names else "Docker"


def security_of(info: Mapping[str, Any]) -> set[str]:
    """Return the names of an engine's security options, which are written `name=rootless` or `name=seccomp,…`."""
    options = (str(option).partition(",")[0] for option in info.get("SecurityOptions") or ())
    return {option.removeprefix("name=") for option in options}
