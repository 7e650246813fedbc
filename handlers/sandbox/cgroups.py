"""Control groups, version 1 or 2: the kernel's own bounds on memory, processes and processors, where we may set them.

Version 2 allows groups below one only while no process is in it, so that a service that runs under systemd needs
`Delegate=yes` and has to name the delegated group (SEAMARK_SANDBOX_CGROUP), or its own processes have to be in a group
beside (`DelegateSubgroup=`).
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from handlers.sandbox.values import Limits

PREFIX: Final = "seamark-"
NEEDED: Final = frozenset({"memory", "pids"})
WANTED: Final = ("memory", "pids", "cpu", "cpuacct")
PERIOD_US: Final = 100_000
EMPTY_S: Final = 2.0  # longest wait for the kernel to see that a group is empty
PAUSE_S: Final = 0.005

_serial = itertools.count()


@dataclass(frozen=True)
class Cgroups:
    """Where groups can be made: a folder for each controller, which in version 2 is always the same."""

    version: int
    folders: Mapping[str, Path]

    def make(self, limits: Limits, slack: int) -> Group:
        """Return a new group with these bounds.

        Args:
            limits: Its bounds.
            slack: By how much the kernel's bound on processes is above that of *limits*.

        Raises:
            OSError: The kernel does not let us.
        """
        sweep(set(self.folders.values()))
        name = f"{PREFIX}{os.getpid()}-{next(_serial)}"
        group = Group(self.version, {controller: folder / name for controller, folder in self.folders.items()})
        try:
            for folder in set(group.folders.values()):
                folder.mkdir()
            group.bound(limits, slack)
        except OSError:
            group.remove()
            raise
        return group


@dataclass(frozen=True)
class Group:
    """The group of one program."""

    version: int
    folders: Mapping[str, Path]

    def bound(self, limits: Limits, slack: int) -> None:
        """Set the bounds."""
        period, quota = PERIOD_US, max(1000, int(limits.cpus * PERIOD_US))
        self.write("pids", "pids.max", limits.processes + slack)
        if self.version == 2:
            self.write("memory", "memory.max", limits.memory_bytes)
            self.write("memory", "memory.swap.max", 0, where_there=True)
            self.write("cpu", "cpu.max", f"{quota} {period}")
        else:
            self.write("memory", "memory.limit_in_bytes", limits.memory_bytes)
            self.write("memory", "memory.memsw.limit_in_bytes", limits.memory_bytes, where_there=True)
            self.write("cpu", "cpu.cfs_period_us", period)
            self.write("cpu", "cpu.cfs_quota_us", quota)

    def add(self, process: int) -> None:
        """Move a process, and with it all that it will start, into the group."""
        for folder in set(self.folders.values()):
            (folder / "cgroup.procs").write_text(str(process))

    def processes(self) -> list[int]:
        """Return the processes that are in it."""
        return [int(process) for process in self.read("pids", "cgroup.procs").split()]

    def tasks(self) -> int:
        """Return how many processes and threads there are."""
        return int(self.read("pids", "pids.current") or 0)

    def out_of_memory(self) -> bool:
        """Tell whether the kernel has had to kill a process for its memory."""
        name = "memory.events" if self.version == 2 else "memory.oom_control"
        return bool(self.fields("memory", name).get("oom_kill"))

    def out_of_processes(self) -> bool:
        """Tell whether the kernel has had to refuse a process or thread."""
        return bool(self.fields("pids", "pids.events").get("max"))

    def peak_bytes(self) -> int:
        """Return the most memory that there was; 0 where the kernel does not say (version 2 before Linux 5.19)."""
        name = "memory.peak" if self.version == 2 else "memory.max_usage_in_bytes"
        return int(self.read("memory", name) or 0)

    def cpu_s(self) -> float:
        """Return the processor time that was used, in seconds."""
        if self.version == 2:
            return self.fields("cpu", "cpu.stat").get("usage_usec", 0) / 1e6
        return int(self.read("cpuacct", "cpuacct.usage") or 0) / 1e9

    def remove(self) -> None:
        """Remove the group, whose processes have ended."""
        end = time.monotonic() + EMPTY_S
        for folder in set(self.folders.values()):
            while folder.exists():
                try:
                    folder.rmdir()
                except OSError:
                    if time.monotonic() > end:
                        raise
                    time.sleep(PAUSE_S)

    def write(self, controller: str, name: str, value: object, *, where_there: bool = False) -> None:
        """Write a file of a controller, if we have it."""
        folder = self.folders.get(controller)
        if folder is None or (where_there and not (folder / name).exists()):
            return
        (folder / name).write_text(str(value))

    def read(self, controller: str, name: str) -> str:
        """Return what a file of a controller says; nothing where there is none, or none any more."""
        folder = self.folders.get(controller)
        try:
            return (folder / name).read_text() if folder else ""
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENODEV):
                raise
            return ""

    def fields(self, controller: str, name: str) -> dict[str, int]:
        """Return the numbers of a file that has a name and a number in each line."""
        return {key: int(number) for key, number in map(str.split, self.read(controller, name).splitlines())}


def find(named: Path | None = None) -> Cgroups | None:
    """Return where groups can be made, None if nowhere: below *named*, or below the groups that this process is in."""
    if not sys.platform.startswith("linux"):
        return None
    return version_2(named) or (None if named else version_1())


def version_1() -> Cgroups | None:
    """Return where groups of version 1 can be made."""
    folders = {
        controller: folder
        for controller, folder in own_folders("cgroup").items()
        if controller in WANTED and os.access(folder, os.W_OK) and can_make(folder)
    }
    return Cgroups(1, folders) if folders.keys() >= NEEDED else None


def version_2(named: Path | None) -> Cgroups | None:
    """Return where groups of version 2 can be made."""
    folder = named or own_folders("cgroup2").get("")
    if folder is None or not (folder / "cgroup.controllers").exists():
        return None
    there = [name for name in WANTED if name in (folder / "cgroup.controllers").read_text().split()]
    try:
        (folder / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in there))
    except OSError:  # read-only, not ours, or not empty
        return None
    usable = NEEDED.issubset(there) and can_make(folder)
    return Cgroups(2, dict.fromkeys(there, folder)) if usable else None


def can_make(folder: Path) -> bool:
    """Tell whether a group can be made there; a read-only mount shows only then."""
    trial = folder / f"{PREFIX}{os.getpid()}-{next(_serial)}"
    try:
        trial.mkdir()
        trial.rmdir()
    except OSError:
        return False
    return True


def group_of(process: int, name: str) -> Group | None:
    """Return the group that somebody else has made for a process, and called *name*, to be read.

    Returns:
        None: It cannot be read from here; the number may be that of another process where it was told.
    """
    for version, kind in ((1, "cgroup"), (2, "cgroup2")):
        try:
            found = own_folders(kind, process)
        except (FileNotFoundError, ProcessLookupError):
            return None
        folders = dict.fromkeys(WANTED, found[""]) if "" in found else found
        there = {key: folder for key, folder in folders.items() if key in WANTED and name in str(folder)}
        if there.keys() >= NEEDED and all(folder.is_dir() for folder in there.values()):
            return Group(version, there)
    return None


def own_folders(kind: str, process: int | Literal["self"] = "self") -> dict[str, Path]:
    """Return the folder of a process's group by controller; in version 2 ("cgroup2") the controller is empty."""
    own = dict(own_paths(process))
    return {
        controller: mounted / own[controller].removeprefix(root).lstrip("/")
        for root, mounted, controllers in mounts(kind)
        for controller in controllers
        if own.get(controller, "").startswith(root)
    }


def own_paths(process: int | Literal["self"] = "self") -> Iterator[tuple[str, str]]:
    """Give each controller, and the path of a process's group in its hierarchy (cgroups(7))."""
    for line in Path(f"/proc/{process}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            yield controller, path


def mounts(kind: str) -> Iterator[tuple[str, Path, list[str]]]:
    """Give root, place and controllers of each mount of a kind (proc_pid_mountinfo(5))."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        if after.split()[0] == kind:
            root, place = before.split()[3:5]
            yield root, Path(place), after.split()[2].split(",") if kind == "cgroup" else [""]


def sweep(folders: set[Path]) -> None:
    """Remove the groups of processes that did not live to do it."""
    for left in (path for folder in folders for path in folder.glob(f"{PREFIX}*-*")):
        owner = left.name.removeprefix(PREFIX).partition("-")[0]
        if not Path("/proc", owner).exists():
            with contextlib.suppress(OSError):  # not empty yet, or another was faster
                left.rmdir()
