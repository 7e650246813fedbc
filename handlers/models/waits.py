"""How long somebody waits for a model host: a moment in any case, and longer in a seat.

A host that is at work answers within the moment, so that all threads may ask one model at a time. What is being loaded,
is slow or hangs is waited for in a seat, of which one model has fewer than there are threads (`seats.py`).
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, TypeVar

from handlers.errors import Unavailable
from handlers.seats import Seats

MOMENT_S: Final = 0.5  #: far beyond what a busy host takes, so that a stutter of the machine turns nobody away
LEAST_S: Final = 0.001  #: what is ready still answers, though the time is over
RETRY: Final = {"Retry-After": "1"}

Argument = TypeVar("Argument")
Result = TypeVar("Result")


class Wait:
    """The wait of one caller for the host of an endpoint, from the beginning to the end of what is asked."""

    def __init__(self, seats: Seats, endpoint: str, within_s: float) -> None:
        """Begin to wait, *within_s* seconds at most.

        Raises:
            Unavailable: So many wait for this host already that nobody else may.
        """
        self._seats = seats
        self._endpoint = endpoint
        self.within_s = within_s
        begun = time.monotonic()
        self.end = begun + within_s
        self._until = begun + min(within_s, MOMENT_S)  # without a seat
        self._seated = False
        if seats.full(endpoint):
            raise crowded()

    def __enter__(self) -> Wait:
        """Begin."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Give the seat back, if there is one."""
        if self._seated:
            self._seats.leave(self._endpoint)

    @property
    def left_s(self) -> float:
        """Seconds until the end."""
        return max(LEAST_S, self.end - time.monotonic())

    def sit(self) -> None:
        """Take a seat, to wait until the end.

        Raises:
            Unavailable: None is free.
        """
        if self._seated:
            return
        if not self._seats.take(self._endpoint):
            raise crowded()
        self._seated = True

    def attend(self, stream: socket.socket) -> Attended:
        """Return a stream on which nobody waits longer than this."""
        stream.settimeout(max(LEAST_S, self._until - time.monotonic()))
        return Attended(stream, self)

    def is_long(self) -> bool:
        """Tell whether this takes longer than a moment."""
        return self._seated or time.monotonic() > self._until

    def longer(self, stream: socket.socket) -> None:
        """Have a stream wait until the end, in a seat.

        Raises:
            TimeoutError: Nothing is.
            Unavailable: No seat is free.
        """
        if time.monotonic() >= self.end:
            raise TimeoutError
        self.sit()
        stream.settimeout(self.left_s)


class Attended:
    """A stream to a host, on which somebody waits."""

    def __init__(self, stream: socket.socket, wait: Wait) -> None:
        """Wait on *stream* no longer than *wait* lets us, however little the other end does at a time."""
        self._stream = stream
        self._wait = wait

    def recv(self, size: int) -> bytes:
        """Return up to *size* bytes.

        Raises:
            TimeoutError: None have come in time.
            Unavailable: There is no seat to wait longer in.
        """
        return self._within(self._stream.recv, size)

    def sendall(self, data: bytes) -> None:
        """Send all of *data*.

        Raises:
            TimeoutError, Unavailable: As for `recv`.
        """
        left = memoryview(data)
        while left:
            left = left[self._within(self._stream.send, left) :]

    def _within(self, act: Callable[[Argument], Result], argument: Argument) -> Result:
        """Do what may take a while."""
        if self._wait.is_long():
            self._wait.longer(self._stream)
        try:
            return act(argument)
        except TimeoutError:
            self._wait.longer(self._stream)
            return act(argument)


def crowded() -> Unavailable:
    """Return the error for one caller too many."""
    words = "As many callers as this server lets wait for this, or for all of its kind, are waiting already."
    return Unavailable(words, headers=RETRY)
