"""What is run apart, within what bounds, and how it came out."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The most that a program may take, all its processes together."""

    memory_bytes: int  #: with a cgroup all of it; with a watchdog what processes hold, without `scratch_bytes`
    cpus: float
    processes: int  #: threads are counted, too
    open_files: int  #: of each process
    disk_bytes: int  #: growth of the writable mounts; also the size of the largest file
    scratch_bytes: int  #: of /tmp, and as much of /dev/shm; both are memory
    wall_s: float
    log_bytes: int  #: of what it prints


@dataclass(frozen=True, kw_only=True)
class Mount:
    """A file or folder of this machine, at a place of the program's file tree.

    A writable one is handed over to the program's user; of a read-only one the program's group may read all.
    """

    source: Path
    target: str
    writable: bool = False


@dataclass(frozen=True, kw_only=True)
class Program:
    """What to run. Beside what is named here it sees the system's programs and libraries, /proc, /dev and /tmp."""

    argv: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    mounts: Sequence[Mount] = ()
    roots: Sequence[Path] = ()  #: further folders at their own places, read-only, as the public may read them
    directory: str = "/"
    network: bool = False  #: whether it asks for this machine's network, which the settings have to allow
    files: Sequence[int] = ()  #: open files that it gets under the same numbers; ours stay open


class Reason(enum.StrEnum):
    """Why a program is at its end."""

    EXITED = "exited"  #: by itself; `exit_code` says how
    TIME = "time"  #: `wall_s` was over
    MEMORY = "memory"  #: it took more than `memory_bytes`
    PROCESSES = "processes"  #: it had more than `processes`, or tried to and a cgroup has noticed
    DISK = "disk"  #: it wrote more than `disk_bytes`
    ROOM = "room"  #: the server's disk came down to its reserve
    STOPPED = "stopped"  #: whoever started it has stopped it
    KILLED = "killed"  #: somebody else has


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What a program took, as far as it was seen; with a watchdog instead of a cgroup that is a little less."""

    wall_s: float = 0.0
    cpu_s: float = 0.0
    peak_memory_bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a program came out."""

    reason: Reason
    exit_code: int | None  #: None unless it ended by itself; 128 + N where signal N ended it
    usage: Usage
    dropped_bytes: int = 0  #: of its log, beyond `log_bytes`
