"""Places that root can reach and a program's user cannot, such as what lies below a home folder that is closed.

bubblewrap resolves the paths that it mounts as the program's user. As root this thread therefore gets a mount namespace
of its own, shows them there under short names that everybody can reach, and takes them away when bubblewrap has its
copy. Nobody else sees any of it, and it ends with the thread.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

STAGE: Final = Path("/tmp")  # noqa: S108 - what is mounted here is seen by this thread alone
CLONE_NEWNS: Final = 0x00020000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 1 << 18
MNT_DETACH: Final = 2


@contextmanager
def shown(paths: Sequence[Path]) -> Iterator[list[Path]]:
    """Give places where everybody can reach *paths*, within the mount namespace of this thread, which has to end after.

    Where we may not make one, as in most containers, the paths are given as they are.
    """
    try:
        call("unshare", CLONE_NEWNS)
    except PermissionError:
        yield list(paths)
        return
    call("mount", None, b"/", None, MS_REC | MS_PRIVATE, None)
    with ExitStack() as stack:
        files = [os.open(path, os.O_PATH | os.O_CLOEXEC) for path in paths]
        for file in files:
            stack.callback(os.close, file)
        # From here on what lies below the stage can be reached through the open files only.
        call("mount", b"tmpfs", bytes(STAGE), b"tmpfs", 0, b"mode=711,size=1m")
        stack.callback(call, "umount2", bytes(STAGE), MNT_DETACH)
        yield [show(file, STAGE / str(number)) for number, file in enumerate(files)]


def show(file: int, place: Path) -> Path:
    """Mount what is open as *file* at *place*; return that."""
    if Path(f"/proc/self/fd/{file}").is_dir():
        place.mkdir()
    else:
        place.touch()
    call("mount", f"/proc/self/fd/{file}".encode(), bytes(place), None, MS_BIND | MS_REC, None)
    return place


def call(name: str, *arguments: object) -> None:
    """Call a function of the C library.

    Raises:
        OSError: It fails.
    """
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
