"""Looks of `seamark check` at the home folder: who may do what there, what is left behind, how much room there is."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import stat
import tempfile
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from handlers.cli import home, redis_server
from handlers.cli.finding import Finding
from handlers.models import places
from handlers.settings import Settings
from handlers.storage.room import free_bytes, in_words

LEAST_BYTES: Final = 1 << 30  # of free disk space; an upload may be twice as large
LOOKED_AT: Final = 10_000  # files whose rights are looked at
SHOWN: Final = 3


def look_at_home(settings: Settings) -> Iterator[Finding]:
    """Look at the folder, and at who may do what there."""
    folder = settings.home.resolve()
    if not folder.exists():
        yield from look_at_missing(folder)
    elif not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield from look_at_closed(folder)
    else:
        yield Finding("home", "ok", str(folder))
        yield from look_at_open(folder)
        yield from look_at_files(folder)
        yield from look_at_token(folder / "token")
        yield from look_at_leftovers(settings, folder)


def look_at_missing(folder: Path) -> Iterator[Finding]:
    """Say of a folder that is not there whether it can be made."""
    there = next(path for path in folder.parents if path.exists())
    if os.access(there, os.W_OK | os.X_OK):
        yield Finding("home", "ok", f"{folder}, to be made by `seamark up`", "", lambda: make(folder))
    else:
        yield Finding("home", "broken", f"{there} cannot be written.", "Set SEAMARK_HOME to a folder of your own.")


def make(folder: Path) -> str:
    """Make the home folder."""
    folder.mkdir(parents=True, mode=home.PRIVATE)
    return f"Made {folder}."


def look_at_closed(folder: Path) -> Iterator[Finding]:
    """Say of a folder that we may not use how that is mended."""
    if folder.stat().st_uid == os.geteuid():
        fix = lambda: allow(folder, home.PRIVATE)  # noqa: E731 - what it does stands beside
        yield Finding("home", "broken", f"{folder} cannot be used.", f"chmod 700 {folder}", fix)
    else:
        mend = f"sudo chown -R {getpass.getuser()} {folder}, or set SEAMARK_HOME to a folder of your own."
        yield Finding("home", "broken", f"{folder} is somebody else's.", mend)


def look_at_open(folder: Path) -> Iterator[Finding]:
    """See that the folder is nobody else's to look into: the database is in it."""
    if stat.S_IMODE(folder.stat().st_mode) & 0o077:
        words = f"Others on this machine can look into {folder}."
        yield Finding("home", "warning", words, f"chmod 700 {folder}", lambda: allow(folder, home.PRIVATE))


def look_at_files(folder: Path) -> Iterator[Finding]:
    """See that all files are ours to change; they are not after somebody has run a command as another user."""
    some = islice(chain(folder.glob("*"), folder.glob("*/*")), LOOKED_AT)
    foreign = [path.relative_to(folder) for path in some if not os.access(path, os.W_OK, follow_symlinks=False)]
    if foreign:
        words = f"{listed(foreign)} in {folder} cannot be written."
        yield Finding("home", "broken", words, f"sudo chown -R {getpass.getuser()} {folder}")


def listed(paths: Sequence[Path]) -> str:
    """Return some paths in words."""
    return ", ".join(map(str, paths[:SHOWN])) + (f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else "")


def look_at_token(path: Path) -> Iterator[Finding]:
    """See that nobody else can read the management token."""
    if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
        mend = f"chmod 600 {path}; revoke it and make another."
        yield Finding("token", "broken", f"Others can read {path}.", mend, lambda: hide_token(path))


def hide_token(path: Path) -> str:
    """Let nobody else read the token."""
    return f"{allow(path, 0o600)} Others may know it: revoke it with `seamark token revoke`, and make another."


def allow(path: Path, mode: int) -> str:
    """Set who may do what with a file."""
    path.chmod(mode)
    return f"chmod {mode:o} {path}."


def look_at_leftovers(settings: Settings, folder: Path) -> Iterator[Finding]:
    """Look for what an `up` that was killed has left behind, and what would mislead others."""
    left = [folder / "up.json", redis_server.socket_of(settings)]
    if any(path.exists() for path in left) and not is_up(folder):
        there = [path for path in left if path.exists() and not listens(path)]
        if there:
            words = f"{', '.join(map(str, there))} left by an `up` that was killed."
            yield Finding("home", "warning", words, "Remove it, or start `seamark up`.", lambda: remove(there, folder))
    if tables := places.left_tables(folder):
        words = f"{len(tables)} tables in {folder / 'tables'} left by a server that was killed."
        yield Finding("home", "warning", words, "Remove them.", lambda: clear(tables))


def clear(tables: Sequence[Path]) -> str:
    """Remove tables that are left behind."""
    for path in tables:
        shutil.rmtree(path, ignore_errors=True)
    return f"Removed {len(tables)} tables."


def is_up(folder: Path) -> bool:
    """Tell whether an `up` holds the home folder."""
    lock = FileLock(folder / "up.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False


def listens(path: Path) -> bool:
    """Tell whether somebody listens on a socket."""
    if not stat.S_ISSOCK(path.lstat().st_mode):
        return False
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def remove(paths: Sequence[Path], folder: Path) -> str:
    """Remove what is left behind.

    Raises:
        Timeout: Somebody has just started there.
    """
    with FileLock(folder / "up.lock", timeout=0):
        for path in paths:
            path.unlink(missing_ok=True)
    return f"Removed {', '.join(map(str, paths))}."


def look_at_disks(settings: Settings) -> Iterator[Finding]:
    """See how much room there is where files are kept."""
    places = {"home": settings.home.resolve(), "temporary files": Path(tempfile.gettempdir())}
    if settings.store_url.startswith("file://"):
        places["blobs"] = Path(settings.store_url.removeprefix("file://"))
    seen: dict[int, str] = {}
    for name, place in places.items():
        there = next(path for path in (place, *place.resolve().parents) if path.exists())
        if there.stat().st_dev not in seen:
            seen[there.stat().st_dev] = name
            yield look_at_disk(name, free_bytes(there), settings)


def look_at_disk(name: str, free: int, settings: Settings) -> Finding:
    """Say how much room a disk has."""
    words = f"{in_words(free)} free for {name}"
    if free < settings.disk_reserve_bytes:
        words += (
            f", of which {in_words(settings.disk_reserve_bytes)} are kept in reserve: new jobs and files are refused"
        )
        return Finding("disk", "broken", words, "Make room, or lower SEAMARK_DISK_RESERVE_BYTES.")
    if free < settings.disk_reserve_bytes + LEAST_BYTES:
        return Finding("disk", "warning", words, "Make room, or choose a larger disk.")
    return Finding("disk", "ok", words)
