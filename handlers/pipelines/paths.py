"""The files that a configuration names. All are in its folder, or in folders below it."""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath
from typing import Final

from handlers.pipelines.checks import Faults
from handlers.pipelines.faults import Unusable

MOST_FILES: Final = 1000  #: in the folders of a Python path
SKIPPED: Final = "__pycache__"
URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
DRIVE: Final = re.compile(r"[A-Za-z]:")


def inside(folder: Path, name: str) -> Path:
    """Return a file or folder that a configuration names.

    Args:
        folder: Of the configuration.
        name: As it is written there; it need not exist.

    Raises:
        Unusable: It is not below *folder*, or may not be after links in it are followed.
    """
    if URL.match(name) or DRIVE.match(name):
        raise Unusable("Only files beside the configuration are read: this is an address, or names a drive.")
    pure = PurePosixPath(name.replace("\\", "/"))
    if pure.is_absolute() or name.startswith("~"):
        raise Unusable("This path is absolute. Name the file from the folder of the configuration.")
    if ".." in pure.parts or "\0" in name:
        raise Unusable("This path leads out of the folder of the configuration.")
    found = folder / pure
    if not found.resolve().is_relative_to(folder.resolve()):
        raise Unusable("A link leads out of the folder of the configuration.")
    return found


def existing(folder: Path, name: str, place: str) -> Path:
    """Return a file that a configuration names at a place, and that is there.

    Raises:
        Unusable: It is not there, or not below *folder*.
    """
    try:
        path = inside(folder, name)
    except Unusable as unusable:
        raise Unusable(str(unusable), place) from None
    if not path.is_file():
        raise Unusable(f"There is no file {name[:200]!r} beside the configuration.", place)
    return path


def checked(folder: Path, name: str, place: str, faults: Faults) -> str | None:
    """Return a file as it is listed, from *folder*; None: it cannot be used, or is not there, which is noted."""
    try:
        return existing(folder, name, "").relative_to(folder).as_posix()
    except Unusable as unusable:
        faults.add(place, str(unusable))
    return None


def below(folder: Path, name: str, place: str, faults: Faults) -> list[str]:
    """Return the files in and below a folder that a configuration names; hidden ones are left out, and links are."""
    try:
        start = inside(folder, name)
    except Unusable as unusable:
        faults.add(place, str(unusable))
        return []
    found: list[str] = []
    for above, folders, files in os.walk(start):
        folders[:] = sorted(one for one in folders if one[0] != "." and one != SKIPPED)
        paths = [Path(above, one) for one in sorted(files) if one[0] != "."]
        found += [path.relative_to(folder).as_posix() for path in paths if path.is_file() and not path.is_symlink()]
        if len(found) > MOST_FILES or len(folders) > MOST_FILES:
            faults.add(place, f"There are more than {MOST_FILES} files in this folder; put the modules into their own.")
            return []
    if not found:
        faults.add(place, f"There is no folder {name[:200]!r} with files beside the configuration.")
    return found
