"""What calls a worker away from waiting for its job."""

from __future__ import annotations

import contextlib
import os
import time


class Bell:
    """Rung when a worker should look at once at how its job stands, or is to stop.

    Safe to ring from a signal handler and from any thread. It lives as long as its process.
    """

    def __init__(self, over: Bell | None = None) -> None:
        """Make the pipe that a selector can wait for; who hears this bell hears *over*, too."""
        self._reading, self._writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._stop_by: float | None = None
        self._over = over
        self._under: list[Bell] = []
        if over is not None:
            over._under.append(self)

    @property
    def stop_by(self) -> float | None:
        """When the worker must have ended, by `time.monotonic`; None: never."""
        told = [self._stop_by, self._over.stop_by if self._over else None]
        return min((by for by in told if by is not None), default=None)

    def fileno(self) -> int:
        """Return what becomes readable when the bell rings."""
        return self._reading

    def ring(self) -> None:
        """Wake whoever waits; ringing more often than anybody listens is no error."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._writing, b"!")
        for bell in self._under:
            bell.ring()

    def hush(self) -> None:
        """Note that the ringing was heard."""
        with contextlib.suppress(BlockingIOError):
            while os.read(self._reading, 4096):
                pass

    def stop(self, within_s: float) -> None:
        """Tell the worker to end within so many seconds; a second call can only make it sooner."""
        by = time.monotonic() + within_s
        self._stop_by = by if self._stop_by is None else min(by, self._stop_by)
        self.ring()

    def resume(self) -> None:
        """Take a stop back, but for one that was told to the bell over this one."""
        self._stop_by = None

    def stopping(self) -> bool:
        """Whether the worker is to take up no more jobs."""
        return self.stop_by is not None
