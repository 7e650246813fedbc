"""Room on the disks: refuse in time, and say so where a disk was full all the same."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path
from typing import Final

from handlers.errors import InsufficientStorage

FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
#: What databases say when they mean the same: SQLite, PostgreSQL.
NO_ROOM: Final = frozenset({"SQLITE_FULL", "SQLITE_IOERR_SHMSIZE"})
WORDS: Final = ("database or disk is full", "No space left on device")


def demand(folder: Path, size: int, reserve: int) -> None:
    """Refuse to store *size* bytes in *folder* where fewer than *reserve* would be left.

    Raises:
        InsufficientStorage: They would.
    """
    if not reserve:
        return
    free = free_bytes(folder)
    if free - size < reserve:
        raise InsufficientStorage(
            f"The disk of this server has {in_words(free)} left, of which {in_words(reserve)} are kept in reserve"
            + (f"; this would take {in_words(size)}." if size else ".")
        )


def free_bytes(folder: Path) -> int:
    """Return how many bytes are free where *folder* is, or will be."""
    there = next(path for path in (folder, *folder.resolve().parents) if path.exists())
    return shutil.disk_usage(there).free


def is_full(error: BaseException) -> bool:
    """Tell whether *error* says that a disk is full, in the words of the system or of a database."""
    if isinstance(error, OSError):
        return error.errno in FULL
    # SQLite cannot even open a file whose neighbours it has no room to make.
    unopened = getattr(getattr(error, "orig", error), "sqlite_errorname", "") in NO_ROOM
    return unopened or any(words in str(error) for words in WORDS)


def in_words(size: int) -> str:
    """Return a size as people read it."""
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size} bytes"
