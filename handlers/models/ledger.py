"""A file of lines to which several processes append, with a bound; what cannot be written is told, and stops nobody."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

TELL_S: Final = 60.0  #: at least, between two complaints about lines that were lost
#: Not blocking: a pipe in the file's place, which nobody reads, keeps nobody waiting.
FLAGS: Final = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK

logger = logging.getLogger(__name__)


class Ledger:
    """The file, as one process has it open."""

    def __init__(self, path: Path, most_bytes: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Append to *path*; of more than *most_bytes* it becomes `.1`, and that is forgotten. *clock* is in seconds."""
        self._path = path
        self._older = path.with_name(path.name + ".1")
        self._most = most_bytes
        self._clock = clock
        self._lock = threading.Lock()
        self._file: int | None = None
        self._lost = 0
        self._told: float | None = None

    def write(self, line: bytes) -> None:
        """Append a line, which has no line end yet; where that fails, say so now and then in the log."""
        with self._lock:
            try:
                self._append(line + b"\n")
            except OSError as error:
                self._tell(error)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None

    def _append(self, line: bytes) -> None:
        """Append a line with one write, which the system keeps apart from those of other processes."""
        file = self._opened()
        facts = os.fstat(file)
        if stat.S_ISREG(facts.st_mode):
            if facts.st_size and facts.st_size + len(line) > self._most:
                self._rotate(file)
                file = self._opened()
            line = ended(file) + line
        if os.write(file, line) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))

    def _opened(self) -> int:
        """Return the file that has the path now: another process, or an operator, may have moved the last one."""
        if self._file is not None:
            if is_at(self._file, self._path):
                return self._file
            os.close(self._file)
            self._file = None
        self._file = os.open(self._path, FLAGS, 0o600)
        return self._file

    def _rotate(self, file: int) -> None:
        """Move a full file away; if another process is at it, let it, and append here once more."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        try:
            # Whoever had the lock before may have moved it already, and then a new one has the path.
            if is_at(file, self._path):
                self._path.replace(self._older)
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)

    def _tell(self, error: OSError) -> None:
        """Say that lines were lost, once in a while."""
        self._lost += 1
        moment = self._clock()
        if self._told is None or moment - self._told >= TELL_S:
            logger.error(
                "audit lines lost", extra={"lines": self._lost, "file": str(self._path), "why": error.strerror}
            )
            self._told, self._lost = moment, 0


def is_at(file: int, path: Path) -> bool:
    """Tell whether an open file is the one at *path*."""
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def ended(file: int) -> bytes:
    """Return what ends the last line: of one that a full disk has cut off its end is missing."""
    size = os.fstat(file).st_size
    return b"\n" if size and os.pread(file, 1, size - 1) != b"\n" else b""
