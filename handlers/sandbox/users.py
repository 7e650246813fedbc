"""As whom a program runs: as root each gets a user of its own, that owns nothing else; as anybody else, as oneself.

The kernel counts processes for each user, root's not at all, and a program that broke out should not be root.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from handlers.errors import SandboxUnavailable

SLOTS: Final = 64  #: programs that one process of ours runs at a time
RANGE: Final = 0x0FFE0000  #: users from `sandbox_uid` on; from 0x70000000 on nobody else uses as many


@dataclass(frozen=True)
class User:
    """A user and a group, by number; the group is that of all programs."""

    uid: int
    gid: int


class Users:
    """Gives each program of this process a user of its own, other than those of other processes."""

    def __init__(self, first: int) -> None:
        """Give users from *first* on."""
        self.first = first
        self._lock = threading.Lock()
        self._taken: set[int] = set()

    @contextmanager
    def take(self) -> Iterator[User | None]:
        """Give a user; None unless we are root.

        Raises:
            SandboxUnavailable: This machine has no such users, or there are too many programs.
        """
        if os.geteuid() != 0:
            yield None
            return
        count = mapped(self.first)
        slot = self._slot()
        try:
            yield User(self.first + (os.getpid() * SLOTS + slot) % min(count, RANGE), self.first)
        finally:
            with self._lock:
                self._taken.discard(slot)

    def _slot(self) -> int:
        """Take the first place that is free."""
        with self._lock:
            free = next((slot for slot in range(SLOTS) if slot not in self._taken), None)
            if free is None:
                raise SandboxUnavailable(f"This process runs {SLOTS} programs already.")
            self._taken.add(free)
            return free


def mapped(first: int) -> int:
    """Return how many users there are from *first* on, in the user namespace that we are in.

    Raises:
        SandboxUnavailable: None.
    """
    for line in Path("/proc/self/uid_map").read_text().splitlines():
        start, _, length = map(int, line.split())
        if start <= first < start + length:
            return start + length - first
    raise SandboxUnavailable(
        f"This container has no user {first}; set SEAMARK_SANDBOX_UID to one that it has and that owns nothing."
    )
