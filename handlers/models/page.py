"""A page of memory that a host shares with its keeper: what it is doing and has done, and whether it should stop.

The host may be a stranger's program by now: what it writes here decides no more than when it is stopped, and what is
counted of its own model.
"""

from __future__ import annotations

import mmap
import os
import struct
import time
from bisect import bisect_left
from typing import Final

SIZE: Final = 4096
NUMBER: Final = struct.Struct("d")
FLAG: Final = 64  #: offset of the flag that asks the host to stop
BUSY, LAST, MEMORY, READY, BEAT = range(0, 40, 8)
ROWS: Final = 128  #: offset of how many rows the model was called with, in all
BATCHES: Final = ROWS + NUMBER.size  #: offset of how many calls had so many rows as each of these, or fewer
BATCH_ROWS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 1024, 4096)
MOST: Final = float(1 << 53)  #: up to which a float counts one by one


def make() -> int:
    """Return the number of a file that holds an empty page."""
    number = os.memfd_create("seamark-host", os.MFD_CLOEXEC)
    os.ftruncate(number, SIZE)
    return number


class Page:
    """The page, at either end."""

    def __init__(self, number: int) -> None:
        """Map the file with this number, which may be closed then."""
        self._map = mmap.mmap(number, SIZE)

    def read(self, field: int) -> float:
        """Return a number of the page."""
        found: float = NUMBER.unpack_from(self._map, field)[0]
        return found

    def write(self, field: int, value: float) -> None:
        """Set a number of the page."""
        NUMBER.pack_into(self._map, field, value)

    def beat(self) -> None:
        """Note that the host moves."""
        self.write(BEAT, time.monotonic())

    def begin(self) -> None:
        """Note that work begins."""
        self.beat()
        self.write(BUSY, self.read(BEAT))

    def end(self) -> None:
        """Note that work has ended."""
        self.write(BUSY, 0.0)
        self.write(LAST, time.monotonic())

    def count(self, rows: int) -> None:
        """Note a call of the model with so many rows, at most as many as the last of `BATCH_ROWS`."""
        for field, value in ((ROWS, rows), (BATCHES + NUMBER.size * bisect_left(BATCH_ROWS, rows), 1)):
            self.write(field, self.read(field) + value)

    def counts(self) -> list[float]:
        """Return how many rows the model was called with, and how many calls had how many: (1 + BATCH_ROWS,)."""
        found = (self.read(ROWS + NUMBER.size * place) for place in range(1 + len(BATCH_ROWS)))
        return [min(max(value, 0.0), MOST) if value == value else 0.0 for value in found]  # noqa: PLR0124 - NaN

    def silent_s(self) -> float:
        """Return for how long the host has not moved, or has been at one thing."""
        beat = self.read(BEAT)
        return time.monotonic() - beat if beat else 0.0

    def stop(self) -> None:
        """Ask the host to answer what it has read, and to end."""
        self._map[FLAG] = 1

    @property
    def stopping(self) -> bool:
        """Whether the host was asked to end."""
        return self._map[FLAG] == 1

    def clear(self) -> None:
        """Make it as new, for the next host."""
        self._map[:] = bytes(SIZE)

    def close(self) -> None:
        """Give the memory back."""
        self._map.close()
