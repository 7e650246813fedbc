"""Seats in the threads of a web process: whoever waits for long takes one, and there are fewer of them than threads.

Some threads wait for nobody, so that whatever is answered at once is answered at once. What is waited for, such as a
model, has a row of seats, which ends before all are taken.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

FREE: Final = 2  #: threads that nobody may wait in
SHARE: Final = 3, 4  #: of all seats that one row may have

JOBS: Final = "jobs"  #: the row of those who wait for jobs


class Seats:
    """The seats of one process."""

    def __init__(self, threads: int, jobs: int = 0) -> None:
        """Have all seats free.

        Args:
            threads: Of the process. There is a seat even where there are no threads for one: a server of one thread
                would answer nothing that takes long, otherwise.
            jobs: Seats that those who wait for jobs may have; one is left to others.
        """
        self.most = max(1, threads - FREE)
        self._most_jobs = min(jobs, self.most - 1)
        self._most_each = max(1, self.most * SHARE[0] // SHARE[1])
        self._lock = threading.Lock()
        self._taken: dict[str, int] = {}

    def take(self, row: str) -> bool:
        """Take a seat, if one is free; whoever has one gives it back with `leave`."""
        with self._lock:
            if not self._free(row):
                return False
            self._taken[row] = self._taken.get(row, 0) + 1
            return True

    def leave(self, row: str) -> None:
        """Give a seat back."""
        with self._lock:
            self._taken[row] -= 1
            if not self._taken[row]:
                del self._taken[row]

    @contextmanager
    def taken(self, row: str) -> Iterator[bool]:
        """Take a seat for what is done inside, if one is free, and tell whether it was."""
        seated = self.take(row)
        try:
            yield seated
        finally:
            if seated:
                self.leave(row)

    def full(self, row: str) -> bool:
        """Tell whether a row that somebody sits in has no seat for another."""
        if row not in self._taken:  # nearly always, and so without the lock
            return False
        with self._lock:
            return row in self._taken and not self._free(row)

    def _free(self, row: str) -> bool:
        """Tell whether a seat is free."""
        most = self._most_jobs if row == JOBS else self._most_each
        return self._taken.get(row, 0) < most and sum(self._taken.values()) < self.most
