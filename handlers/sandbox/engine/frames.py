"""What a container prints, as the engine streams it: frames of both outputs, taken apart in a thread of its own.

Source:
    Docker Engine API, "Attach to a container": eight bytes of header, the last four of them the length (big-endian).
"""

from __future__ import annotations

import os
import select
import struct
import threading
from contextlib import suppress
from http.client import HTTPException
from typing import Final

import structlog

from handlers.sandbox.engine.client import Exchange

HEADER: Final = struct.Struct("!B3xI")
CHUNK_BYTES: Final = 65536
END_S: Final = 10.0  # how long the last of it may take after the container's end
PATIENCE_S: Final = 0.1  # between two looks at whether it is over

log = structlog.get_logger(__name__)


class Pump:
    """Hands on what a container prints."""

    def __init__(self, exchange: Exchange, writing: int) -> None:
        """Read the answer of *exchange* to its end and write what is in the frames to the pipe *writing*."""
        self._exchange = exchange
        self._writing = writing
        self._over = threading.Event()
        # Whoever reads the pipe may have given up; then nobody may wait for it for ever.
        os.set_blocking(writing, False)
        self._thread = threading.Thread(target=self._run, name="container-output", daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Wait for the end of it, once the container has ended; the pipe is not written to any more."""
        self._thread.join(END_S)
        self._over.set()
        self._exchange.cut()
        self._thread.join()

    def _run(self) -> None:
        """Read until the end, or until the connection is cut."""
        answer = self._exchange.answer
        try:
            while header := answer.read(HEADER.size):
                self._copy(HEADER.unpack(header)[1])
        except (OSError, HTTPException, struct.error):
            # The rest of the log is lost; that the program has ended, and how, is known from elsewhere.
            log.warning("the output of a container broke off", exc_info=True)

    def _copy(self, left: int) -> None:
        """Hand on what is in one frame."""
        while left and (data := self._exchange.answer.read1(min(CHUNK_BYTES, left))):
            left -= len(data)
            self._write(data)

    def _write(self, data: bytes) -> None:
        """Write all of it, however long the reader takes, unless it is over."""
        poll = select.poll()
        poll.register(self._writing, select.POLLOUT)
        while data and not self._over.is_set():
            if poll.poll(PATIENCE_S * 1000):
                with suppress(BlockingIOError):  # there is less room than a page
                    data = data[os.write(self._writing, data) :]
