"""How a container is made: nothing but what the program is given, and each bound named.

The engine's own defaults stay where they are stricter: its system-call filter, and what it masks of /proc.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from handlers.sandbox.cell import SLACK
from handlers.sandbox.engine.about import About
from handlers.sandbox.engine.images import Image
from handlers.sandbox.users import User
from handlers.sandbox.values import Limits, Program

SERVER: Final = "io.seamark.server"  #: label: which server's container it is
JOB: Final = "io.seamark.job"  #: label: for which attempt of which job
NAMES: Final = "seamark-"
#: An engine that is told nothing may try to raise the kernel's bound for each user, and may not; whoever runs this
#: server has other processes, too, so that it is wide, and what counts is the bound of the container's group.
USER_PROCESSES: Final = 4096
SCRATCH: Final = "rw,nosuid,nodev,exec"


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """Whose container it is."""

    server: str
    job: str  #: id and attempt

    @property
    def name(self) -> str:
        """The name of the container."""
        return f"{NAMES}{self.job}"


def recipe(
    ticket: Ticket, image: Image, program: Program, limits: Limits, user: User | None, engine: About
) -> dict[str, Any]:
    """Return what the engine is asked to make."""
    return {
        "Image": image.id,
        "Entrypoint": list(program.argv),
        "Cmd": [],
        "Env": [f"{name}={value}" for name, value in program.environment.items()],
        "WorkingDir": program.directory,
        "Labels": {SERVER: ticket.server, JOB: ticket.job},
        "Healthcheck": {"Test": ["NONE"]},
        "StopTimeout": 0,
        "User": identity(user, engine),
        "HostConfig": {
            "NetworkMode": "bridge" if program.network else "none",
            "ReadonlyRootfs": True,
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges"],
            "IpcMode": "private",
            "LogConfig": {"Type": "none", "Config": {}},
            "RestartPolicy": {"Name": "no"},
            "Mounts": [
                {"Type": "bind", "Source": str(mount.source), "Target": mount.target, "ReadOnly": not mount.writable}
                for mount in program.mounts
            ],
            "Tmpfs": scratch(image, program, limits),
            **bounds(limits),
            "UsernsMode": users_of(engine),
        },
    }


def bounds(limits: Limits) -> dict[str, Any]:
    """Return the bounds. Swap counts as memory, so that there is none."""
    return {
        "Memory": limits.memory_bytes,
        "MemorySwap": limits.memory_bytes,
        "NanoCpus": int(limits.cpus * 1e9),
        "PidsLimit": limits.processes + SLACK,
        "ShmSize": limits.scratch_bytes,
        "Ulimits": [
            {"Name": name, "Soft": value, "Hard": value}
            for name, value in {
                "nofile": limits.open_files,
                "fsize": limits.disk_bytes,
                "core": 0,
                "nproc": max(USER_PROCESSES, limits.processes + SLACK),
            }.items()
        ],
    }


def scratch(image: Image, program: Program, limits: Limits) -> Mapping[str, str]:
    """Return the folders that are memory: /tmp, and what the image wants to be volumes, which would be on disk."""
    folders = {"/tmp", *image.volumes} - {mount.target for mount in program.mounts}  # noqa: S108 - of the container
    return dict.fromkeys(sorted(folders), f"{SCRATCH},mode=1777,size={limits.scratch_bytes}")


def identity(user: User | None, engine: About) -> str:
    """Return as whom the program runs: a user that owns nothing else, or, where we are nobody special, as ourselves."""
    if user is not None:
        return f"{user.uid}:{user.gid}"
    if engine.rootless and not engine.is_podman:
        return "0:0"  # within a rootless Docker root is who runs the engine, here without any rights
    return f"{os.getuid()}:{os.getgid()}"


def users_of(engine: About) -> str:
    """Return which users the container has: the machine's, so that it can read what is mounted."""
    if engine.rootless and engine.is_podman:
        return "keep-id"
    return "host" if engine.remapped else ""
