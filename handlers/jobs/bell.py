"""What calls a worker away from waiting for its job."""

from __future__ import annotations

import contextlib
import os
import time


class Bell:
    """Rung when a worker should look at once at how its job stands, or is to stop.

    Safe to ring from a signal handler and from any thread.
    """

    def __init__(self) -> None:
        """Make the pipe that a selector can wait for."""
        self._reading, self._writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self.stop_by: float | None = None  #: when the worker must have ended, by `time.monotonic`; None: never

    def fileno(self) -> int:
        """Return what becomes readable when the bell rings."""
        return self._reading

    def ring(self) -> None:
        """Wake whoever waits; ringing more often than anybody listens is no error."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._writing, b"!")

    def hush(self) -> None:
        """Note that the ringing was heard."""
        with contextlib.suppress(BlockingIOError):
            while os.read(self._reading, 4096):
                pass

    def stop(self, within_s: float) -> None:
        """Tell the worker to end within so many seconds; a second call can only make it sooner."""
        by = time.monotonic() + within_s
        self.stop_by = by if self.stop_by is None else min(by, self.stop_by)
        self.ring()

    def stopping(self) -> bool:
        """Whether the worker is to take up no more jobs."""
        return self.stop_by is not None
