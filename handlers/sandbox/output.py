"""What a program prints: handed on in chunks up to a bound, and then read and dropped, so that nobody waits."""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

CHUNK_BYTES: Final = 65536
HEAD_BYTES: Final = 1000
DROP_BYTES: Final = 1 << 20

Listener = Callable[[bytes], None]


class Output:
    """Reads a program's output in a thread of its own: a listener that takes its time holds up no clock."""

    def __init__(self, listener: Listener, most_bytes: int, failed: Callable[[], None]) -> None:
        """Hand at most *most_bytes* to *listener*; if that raises, call *failed*."""
        self.listener = listener
        self.failed = failed
        self.left = most_bytes
        self.dropped = 0
        self.head = b""  #: how it begins
        self.error: Exception | None = None
        self._pipe, self.writing = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._pipe, False)
        self._end = os.eventfd(0, os.EFD_CLOEXEC)
        self._nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        self._poll = select.poll()
        for file in (self._pipe, self._end):
            self._poll.register(file, select.POLLIN)
        self._thread = threading.Thread(target=self._run, name="sandbox-output", daemon=True)
        self._thread.start()

    def started(self) -> None:
        """Note that the program has the writing end now."""
        if self.writing >= 0:
            os.close(self.writing)
            self.writing = -1

    def finish(self) -> None:
        """Hand on what is still in the pipe, once the program has ended; close all."""
        self.started()
        # Whoever forked meanwhile may hold the other end open: it is not waited for.
        os.eventfd_write(self._end, 1)
        self._thread.join()
        for file in (self._pipe, self._end, self._nowhere):
            os.close(file)

    def _run(self) -> None:
        """Read until the end."""
        try:
            while self._read():
                pass
        except Exception as error:  # noqa: BLE001 - whoever waits for the program is told
            self.error = error
            self.failed()

    def _read(self) -> bool:
        """Wait for something to read and read all of it; tell whether more may come."""
        ready = [file for file, _ in self._poll.poll()]
        with suppress(BlockingIOError):
            while self._take():
                pass
            return False
        return self._end not in ready

    def _take(self) -> int:
        """Read once; return how many bytes."""
        if self.left == 0:
            dropped = os.splice(self._pipe, self._nowhere, DROP_BYTES)
            self.dropped += dropped
            return dropped
        data = os.read(self._pipe, min(CHUNK_BYTES, self.left))
        if data:
            self.left -= len(data)
            self.head = (self.head + data)[:HEAD_BYTES] if len(self.head) < HEAD_BYTES else self.head
            self.listener(data)
        return len(data)
