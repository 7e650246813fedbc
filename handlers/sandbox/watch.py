"""Whether a program keeps within its bounds, looked at many times a second, and less often while it does nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from handlers.sandbox import folders, processes
from handlers.sandbox.cgroups import Group
from handlers.sandbox.values import Limits, Reason, Usage
from handlers.storage.room import free_bytes

LOOK_S: Final = 0.05  # between two looks
REST_S: Final = 0.25  # between two looks at a program that does next to nothing: what takes room takes time as well
RESTING: Final = 0.1  #: so many seconds of a processor for each that passes, or fewer
DISK_SHARE: Final = 10  #: the disk is looked at so seldom that it takes at most one part in so many of the time


class Watch:
    """Looks at one program; the memory is looked at only where no cgroup keeps the bound."""

    def __init__(
        self, limits: Limits, group: Group | None, written: Sequence[Path], reserve_bytes: int, *, own: int = 1
    ) -> None:
        """Begin.

        Args:
            limits: The program's bounds.
            group: The cgroup that keeps some of them; None: there is none.
            written: The writable mounts.
            reserve_bytes: What their disks keep free.
            own: How many processes of the group are not the program's, but bubblewrap's.
        """
        self.limits = limits
        self.group = group
        self.written = written
        self.reserve_bytes = reserve_bytes
        self.own = own
        self.devices = {os.stat(path).st_dev for path in written}
        self._before = sum(map(folders.size_of, written))
        self._began = time.monotonic()
        self._disk_due = self._began
        self._most = processes.Survey()
        self._pause_s = LOOK_S
        self._tasks, self._cpu_s, self._looked = 0, 0.0, self._began

    def patience_s(self) -> float:
        """Return how long to wait before the next look."""
        return max(0.0, min(self._pause_s, self._began + self.limits.wall_s - time.monotonic()))

    def look(self, first: int | None) -> Reason | None:
        """Return what bound the program has crossed.

        Args:
            first: The first process of its sandbox; None: its processes cannot be seen from here.
        """
        if time.monotonic() >= self._began + self.limits.wall_s:
            return Reason.TIME
        return (self._look_at_processes(first) if first else None) or self._look_at_disk(first)

    def look_back(self) -> Reason | None:
        """Return what bound a program has crossed that has ended by itself."""
        if self.group is not None and self.group.out_of_memory():
            return Reason.MEMORY
        if self.group is not None and self.group.out_of_processes():
            return Reason.PROCESSES
        return Reason.DISK if self._excess(0) else None

    def usage(self) -> Usage:
        """Return what the program took."""
        wall_s = time.monotonic() - self._began
        if self.group is not None:
            return Usage(wall_s=wall_s, cpu_s=self.group.cpu_s(), peak_memory_bytes=self.group.peak_bytes())
        return Usage(wall_s=wall_s, cpu_s=self._most.cpu_s, peak_memory_bytes=self._most.memory_bytes)

    def _look_at_processes(self, first: int) -> Reason | None:
        """See how many processes there are and what memory they have."""
        if self.group is not None:
            if self.group.out_of_memory():
                return Reason.MEMORY
            tasks = self.group.tasks() - self.own
            self._pace(tasks, self.group.cpu_s())
        else:
            tasks = self._survey(first)
            if self._most.memory_bytes > self.limits.memory_bytes:
                return Reason.MEMORY
        return Reason.PROCESSES if tasks > self.limits.processes else None

    def _survey(self, first: int) -> int:
        """Keep the most that was seen; return how many processes and threads there are now."""
        now = processes.survey(first, self.limits.memory_bytes)
        self._pace(now.tasks, now.cpu_s)
        self._most = processes.Survey(
            0, max(now.memory_bytes, self._most.memory_bytes), max(now.cpu_s, self._most.cpu_s)
        )
        return now.tasks

    def _pace(self, tasks: int, cpu_s: float) -> None:
        """Look again soon at a program that works, and less and less often at one that rests."""
        moment = time.monotonic()
        worked_s = abs(cpu_s - self._cpu_s)  # where a process has ended that nobody has waited for, it becomes less
        # Processes of a moment have no time that /proc shows: how many there are tells of those.
        rests = tasks == self._tasks and worked_s <= RESTING * (moment - self._looked)
        self._pause_s = min(2 * self._pause_s, REST_S) if rests else LOOK_S
        self._tasks, self._cpu_s, self._looked = tasks, cpu_s, moment

    def _look_at_disk(self, first: int | None) -> Reason | None:
        """See how much was written, if it is time to."""
        begun = time.monotonic()
        if begun < self._disk_due or not self.written:
            return None
        if self._excess(processes.deleted_bytes(first, self.devices) if first else 0):
            return Reason.DISK
        if self.reserve_bytes and any(free_bytes(path) < self.reserve_bytes for path in self.written):
            return Reason.ROOM
        self._disk_due = time.monotonic() + (time.monotonic() - begun) * DISK_SHARE
        return None

    def _excess(self, deleted_bytes: int) -> bool:
        """Tell whether more was written than may be, or folders that are nested too deep."""
        try:
            grown = sum(map(folders.size_of, self.written)) - self._before
        except folders.TooDeepError:
            return True
        return grown + deleted_bytes > self.limits.disk_bytes
