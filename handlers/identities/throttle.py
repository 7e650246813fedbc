"""Slow down who guesses."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final

from handlers.errors import TooManyRequests

WITHIN_S: Final = 60.0
REMEMBERED: Final = 10_000  # guessers; the one who was quiet longest is forgotten first


class Throttle:
    """Counts failures in this process, by whoever they are counted for."""

    def __init__(self, failures: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Bear so many failures a minute; *clock* returns the present time, in seconds."""
        self._most = failures
        self._clock = clock
        self._failures: OrderedDict[tuple[str, ...], deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def check(self, *who: str) -> None:
        """Refuse one who has failed too often of late.

        Raises:
            TooManyRequests: It says when to try again.
        """
        with self._lock:
            self._refuse(who)

    def take(self, *who: str) -> None:
        """Count a call that is expensive whatever comes of it; of calls at the same time no more pass than may.

        Raises:
            TooManyRequests: There were too many of late.
        """
        with self._lock:
            self._refuse(who)
            self._note(who)

    def failed(self, *who: str) -> None:
        """Note a failure."""
        with self._lock:
            self._note(who)

    def _refuse(self, who: tuple[str, ...]) -> None:
        """Refuse one who has failed too often of late; the lock is held."""
        times = self._failures.get(who, deque())
        wait_s = times[0] + WITHIN_S - self._clock() if len(times) == self._most else 0
        if wait_s > 0:
            raise TooManyRequests("There were too many calls of late.", headers={"Retry-After": str(math.ceil(wait_s))})

    def _note(self, who: tuple[str, ...]) -> None:
        """Note a failure; the lock is held."""
        self._failures.setdefault(who, deque(maxlen=self._most)).append(self._clock())
        self._failures.move_to_end(who)
        if len(self._failures) > REMEMBERED:
            self._failures.popitem(last=False)
