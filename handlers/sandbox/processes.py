"""The processes of a program, as /proc shows them: what a watchdog measures where no cgroup does.

In a namespace of its own, whatever the program starts stays below the namespace's first process.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PAGE: Final = os.sysconf("SC_PAGE_SIZE")
TICK: Final = os.sysconf("SC_CLK_TCK")
GONE: Final = (FileNotFoundError, ProcessLookupError)  #: what /proc says when a process has ended meanwhile


@dataclass(frozen=True)
class Survey:
    """What processes take together."""

    tasks: int = 0  #: processes and threads
    memory_bytes: int = 0
    cpu_s: float = 0.0


def tree(first: int) -> Iterator[int]:
    """Give the ids of *first* and of all processes below it."""
    waiting = [first]
    while waiting:
        process = waiting.pop()
        yield process
        with suppress(*GONE):
            for task in os.listdir(f"/proc/{process}/task"):
                waiting += map(int, Path(f"/proc/{process}/task/{task}/children").read_text().split())


def survey(first: int, enough_bytes: int) -> Survey:
    """Return what the processes below *first* take, without itself.

    Args:
        first: The first process of the namespace.
        enough_bytes: Up to here memory is measured in the quick way, which counts what processes share once for each.
    """
    tasks, memory, cpu = 0, 0, children_cpu_s(first)
    processes = [process for process in tree(first) if process != first]
    for process in processes:
        with suppress(*GONE):
            fields = stat_fields(process)
            tasks += int(fields[17])
            memory += int(fields[21]) * PAGE
            cpu += (int(fields[11]) + int(fields[12])) / TICK + children_cpu_s(process)
    if memory > enough_bytes:
        with suppress(PermissionError):  # a program may make itself opaque; the quick way counts too much, if anything
            memory = sum(map(proportional_bytes, processes))
    return Survey(tasks, memory, cpu)


def children_cpu_s(process: int) -> float:
    """Return the processor time of the children that a process has waited for, in seconds."""
    with suppress(*GONE):
        fields = stat_fields(process)
        return (int(fields[13]) + int(fields[14])) / TICK
    return 0.0


def stat_fields(process: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the third, the state, on: field N of proc_pid_stat(5) is at N - 3."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()


def proportional_bytes(process: int) -> int:
    """Return the memory of a process, of shared pages its share."""
    with suppress(*GONE):
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def deleted_bytes(first: int, devices: set[int]) -> int:
    """Return the size of files on *devices* that have no name any more and are open below *first*.

    A program that makes itself opaque can hide such files from an ordinary user; the reserve of the disk remains.
    """
    sizes: dict[tuple[int, int], int] = {}
    for process in tree(first):
        with suppress(*GONE, PermissionError):
            for number in os.listdir(f"/proc/{process}/fd"):
                with suppress(*GONE):
                    found = os.stat(f"/proc/{process}/fd/{number}")
                    if stat.S_ISREG(found.st_mode) and not found.st_nlink and found.st_dev in devices:
                        sizes[found.st_dev, found.st_ino] = found.st_blocks * 512
    return sum(sizes.values())
