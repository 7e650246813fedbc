"""The folders that a program writes to: whose they are, how much is in them."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ENTRY_BYTES: Final = 4096  #: what a file takes at least: empty files use up a disk, too
DEPTH: Final = 64  #: of folders in folders; what removes them may go about it with recursion
NO_LINKS: Final = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class TooDeepError(Exception):
    """Folders are nested too deep."""


def hand_over(path: Path, uid: int, gid: int) -> None:
    """Make a file or a folder with all in it the user's."""
    os.chown(path, uid, gid, follow_symlinks=False)
    for name, folder in entries(path):
        os.chown(name, uid, gid, dir_fd=folder, follow_symlinks=False)


def lend(path: Path, gid: int) -> None:
    """Let a group read a file, or a folder and all in it; what is a link or no plain file stays as it is."""
    lend_one(path, gid, None)
    for name, folder in entries(path):
        lend_one(name, gid, folder)


def lend_one(path: Path | str, gid: int, folder: int | None) -> None:
    """Let a group read one file, or list one folder."""
    found = os.stat(path, dir_fd=folder, follow_symlinks=False)
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
        return
    bits = 0o050 if stat.S_ISDIR(found.st_mode) or found.st_mode & 0o100 else 0o040
    if found.st_gid == gid and found.st_mode & bits == bits:
        return
    # Without following links: between two programs the folder may have been another's to write to.
    file = os.open(path, NO_LINKS, dir_fd=folder)
    try:
        os.fchown(file, -1, gid)
        os.fchmod(file, stat.S_IMODE(found.st_mode) | bits)
    finally:
        os.close(file)


def entries(path: Path) -> Iterator[tuple[str, int]]:
    """Give all that is in a folder: the name, and the file number of the folder that it is in."""
    if path.is_dir():
        for _, folders, files, number in os.fwalk(path):
            for name in (*folders, *files):
                yield name, number


def size_of(path: Path) -> int:
    """Return what a file or a folder takes of the disk, in bytes; holes in files count as well.

    Raises:
        TooDeepError: Folders in it are nested deeper than `DEPTH`.
    """
    return sum(map(measure, found(str(path), None, DEPTH)))


def found(name: str, folder: int | None, depth: int) -> Iterator[os.stat_result]:
    """Give what there is to know of a file, or of a folder and all in it, while a program may be changing it."""
    try:
        own = os.stat(name, dir_fd=folder, follow_symlinks=False)
        yield own
        if not stat.S_ISDIR(own.st_mode):
            return
        number = enter(name, folder)
    except (FileNotFoundError, NotADirectoryError):  # it is gone, or has become something else
        return
    try:
        if not depth:
            raise TooDeepError
        for inner in os.listdir(number):
            yield from found(inner, number, depth - 1)
    finally:
        os.close(number)


def enter(name: str, folder: int | None) -> int:
    """Open a folder, which the program may have closed to hide what is in it; a link is not followed."""
    flags = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(name, os.O_RDONLY | flags, dir_fd=folder)
    except PermissionError:
        handle = os.open(name, os.O_PATH | flags, dir_fd=folder)
    try:
        os.chmod(f"/proc/self/fd/{handle}", 0o700)
        return os.open(f"/proc/self/fd/{handle}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    finally:
        os.close(handle)


def measure(status: os.stat_result) -> int:
    """Return what one file takes."""
    return max(ENTRY_BYTES, status.st_size, status.st_blocks * 512)


def tidy(path: Path) -> None:
    """Make a folder such as anybody can remove: its folders open to us, and none if they are nested too deep."""
    try:
        size_of(path)
    except TooDeepError:
        # rm(1) needs neither recursion nor whole paths.
        subprocess.run(["rm", "-rf", "--", *map(str, path.iterdir())], check=True, env={"PATH": os.defpath})
