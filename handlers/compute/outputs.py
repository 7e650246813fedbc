"""Stage 4, filtering: what of an algorithm's outputs may leave, which is what a publisher of data relies on.

An output is rejected that is not a file, or that holds an input as it is. What an algorithm encodes, compresses or
cuts up cannot be recognised: for that there is the choice of which algorithms may run.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from handlers.storage.room import in_words

NEEDLE_BYTES: Final = 32 << 20  #: an output with so much of the beginning of an input is a copy of it
WINDOW_BYTES: Final = 32 << 20  #: what is searched at a time
LEAST_BYTES: Final = 64  #: a shorter input may stand in an output by chance; then only equal files count


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What the outputs of a job may be."""

    bytes: int  #: all together
    files: int


class Rejected(Exception):
    """An output may not leave; the text says why."""


def accepted(outputs: Path, inputs: Path, bounds: Bounds) -> list[Path]:
    """Return the files that may leave, by their names.

    Args:
        outputs: Folder that the algorithm has written to; it does not run any more.
        inputs: Folder of the data.
        bounds: How many and how large they may be.

    Raises:
        Rejected: One of them may not, and so none does.
    """
    files = list(regular_files(outputs, bounds.files))
    size = sum(path.stat().st_size for path in files)
    if size > bounds.bytes:
        raise Rejected(f"The outputs have {in_words(size)}; the most is {in_words(bounds.bytes)}.")
    for source in sorted(path for path in inputs.rglob("*") if path.is_file()):
        for path in files:
            if is_copied(source, path):
                raise Rejected(f"The output {shown(path, outputs)} holds an input as it is.")
    return files


def regular_files(folder: Path, most: int) -> Iterator[Path]:
    """Yield the files below *folder*, no link followed.

    Raises:
        Rejected: There is something else, or there are too many.
    """
    found = 0
    for path in sorted(folder.rglob("*")):
        mode = path.lstat().st_mode
        if stat.S_ISDIR(mode):
            continue
        if not stat.S_ISREG(mode):
            raise Rejected(f"The output {shown(path, folder)} is not a file, but {kind_of(mode)}.")
        found += 1
        if found > most:
            raise Rejected(f"There are more than {most} outputs.")
        yield path


def is_copied(source: Path, output: Path) -> bool:
    """Tell whether *output* holds what *source* holds, or the long beginning of it."""
    size, room = source.stat().st_size, output.stat().st_size
    if size == 0 or (size > room and size <= NEEDLE_BYTES):
        return False
    with source.open("rb") as file:
        needle = file.read(NEEDLE_BYTES)
    if size < LEAST_BYTES:
        return size == room and output.read_bytes() == needle
    return holds(output, needle)


def holds(path: Path, needle: bytes) -> bool:
    """Tell whether a file has *needle* anywhere in it; never more than two windows of it are in memory."""
    kept = b""
    with path.open("rb") as file:
        while chunk := file.read(WINDOW_BYTES):
            window = kept + chunk
            if needle in window:
                return True
            kept = window[len(window) - len(needle) + 1 :] if len(window) >= len(needle) else window
    return False


def kind_of(mode: int) -> str:
    """Return in words what is neither a file nor a folder."""
    kinds = {stat.S_ISLNK: "a symbolic link", stat.S_ISFIFO: "a pipe", stat.S_ISSOCK: "a socket"}
    return next((words for test, words in kinds.items() if test(mode)), "a device")


def shown(path: Path, folder: Path) -> str:
    """Return the name of an output for people."""
    return repr(str(path.relative_to(folder)))[:200]
