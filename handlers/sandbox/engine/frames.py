"""What a container prints, as the engine streams it: frames of both outputs, taken apart in a thread of its own.

Source:
    Docker Engine API, "Attach to a container": eight bytes of header, the last four of them the length (big-endian).
"""

from __future__ import annotations

import os
import struct
import threading
from http.client import HTTPResponse
from typing import Final

import structlog

HEADER: Final = struct.Struct("!B3xI")
CHUNK_BYTES: Final = 65536
END_S: Final = 10.0  # how long the last of it may take after the container's end

log = structlog.get_logger(__name__)


class Pump:
    """Hands on what a container prints."""

    def __init__(self, answer: HTTPResponse, writing: int) -> None:
        """Read *answer* to its end and write what is in the frames to the file number *writing*."""
        self._answer = answer
        self._writing = writing
        self._thread = threading.Thread(target=self._run, name="container-output", daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Wait for the end of it, once the container has ended."""
        self._thread.join(END_S)

    def _run(self) -> None:
        """Read until the end, or until the connection is closed."""
        try:
            while header := self._answer.read(HEADER.size):
                self._copy(HEADER.unpack(header)[1])
        except (OSError, ValueError, AttributeError, struct.error):
            # The rest of the log is lost; that the program has ended, and how, is known from elsewhere.
            log.warning("the output of a container broke off", exc_info=True)

    def _copy(self, left: int) -> None:
        """Hand on what is in one frame."""
        while left and (data := self._answer.read1(min(CHUNK_BYTES, left))):
            left -= len(data)
            while data:
                data = data[os.write(self._writing, data) :]
