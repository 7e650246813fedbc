"""What the hosts of an endpoint have counted, one after the other, for as long as their keeper lives."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from handlers.models.page import BATCH_ROWS, Page

MOST_ENDPOINTS: Final = 1000  #: of which a keeper remembers what was counted


class Tally:
    """The counts of one endpoint, which never become less."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._lock = threading.Lock()
        self._ended = [0.0] * (1 + len(BATCH_ROWS))
        self._live: list[Page] = []

    @contextmanager
    def host(self, page: Page) -> Iterator[None]:
        """Count what a host inside notes on its page; one that is being stopped may overlap with the next."""
        with self._lock:
            self._live.append(page)
        try:
            yield
        finally:
            with self._lock:
                self._live.remove(page)
                self._ended = added(self._ended, page.counts())

    def counts(self) -> list[float]:
        """Return the rows that the model was called with, and how many calls had how many: (1 + BATCH_ROWS,)."""
        with self._lock:
            found = self._ended
            for page in self._live:
                found = added(found, page.counts())
            return found


class Tallies:
    """Those of all endpoints; of too many the ones are forgotten that were started first."""

    def __init__(self) -> None:
        """Begin with none."""
        self._lock = threading.Lock()
        self._found: OrderedDict[str, Tally] = OrderedDict()

    def of(self, endpoint: str) -> Tally:
        """Return that of an endpoint, whose host is being started."""
        with self._lock:
            tally = self._found.setdefault(endpoint, Tally())
            self._found.move_to_end(endpoint)
            while len(self._found) > MOST_ENDPOINTS:
                self._found.popitem(last=False)
            return tally

    def counts(self) -> dict[str, list[float]]:
        """Return what was counted of each endpoint."""
        with self._lock:
            found = dict(self._found)
        return {endpoint: tally.counts() for endpoint, tally in found.items()}


def added(some: list[float], more: list[float]) -> list[float]:
    """Return the sums of two lists of counts."""
    return [one + other for one, other in zip(some, more, strict=True)]
