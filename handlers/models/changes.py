"""Whether anything about models has changed: on this machine at once, on others within a second.

A prediction needs to know its endpoint, and the database takes longer to ask than a small model does. What was read is
kept for as long as a file is the one that it was: whoever changes something replaces it.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from handlers.models import places
from handlers.settings import Settings

FRESH_S: Final = 1.0  # that what was read counts where another machine may have changed it
MOST: Final = 1000  # endpoints that are remembered

Stamp = tuple[int, int]
Kept = TypeVar("Kept")


class Changes:
    """The file that is replaced with every change."""

    def __init__(self, settings: Settings) -> None:
        """Make nothing yet."""
        self._settings = settings
        self._path = str(settings.runtime_dir / "changed")

    def tell(self) -> None:
        """Say that something has changed; called when the change is in the database."""
        folder = places.folder(self._settings)
        partial = folder / f".changed.{secrets.token_hex(6)}"
        partial.touch(mode=0o600)
        partial.replace(self._path)

    def stamp(self) -> Stamp:
        """Return what is another after each change."""
        try:
            found = os.stat(self._path)
        except FileNotFoundError:
            return (0, 0)
        return (found.st_ino, found.st_mtime_ns)


class Memory(Generic[Kept]):
    """What was read, by id, until something changes."""

    def __init__(self, changes: Changes, read: Callable[[str], Kept]) -> None:
        """Remember what *read* returns."""
        self._changes = changes
        self._read = read
        self._kept: dict[str, tuple[Stamp, float, Kept]] = {}

    def get(self, key: str) -> Kept:
        """Return what was read, or read it."""
        stamp, time_s = self._changes.stamp(), time.monotonic()
        kept = self._kept.get(key)
        if kept is not None and kept[0] == stamp and time_s - kept[1] < FRESH_S:
            return kept[2]
        # The stamp is older than what is read now: a change in between is seen the next time.
        found = self._read(key)
        if len(self._kept) >= MOST:
            self._kept.clear()
        self._kept[key] = (stamp, time_s, found)
        return found
