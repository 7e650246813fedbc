"""The processes below this one: whatever a job started ends with it.

A process that calls setsid leaves its session and its group, and when its parent ends it is nobody's child. As a
subreaper (Linux, prctl(2)) this process is given such orphans, so that they can be found and killed.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Collection
from typing import Final

import psutil

PR_SET_PDEATHSIG: Final = 1
PR_SET_CHILD_SUBREAPER: Final = 36
PAUSE_S: Final = 0.002  # between two looks at whether what was killed is gone


def adopt_orphans() -> None:
    """Make this process the parent of every orphan below it; a no-op where the system cannot."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent() -> None:
    """Have this process killed when its parent ends; a no-op where the system cannot."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def kill_descendants(within_s: float, spare: Collection[int] = ()) -> bool:
    """Kill and reap every process below this one, those included that are forked meanwhile.

    Args:
        within_s: How long to try, in seconds.
        spare: Children that stay, with all below them.

    Returns:
        Whether all were gone in time.
    """
    end = time.monotonic() + within_s
    while not _reap() and (doomed := [one for one in psutil.Process().children() if one.pid not in spare]):
        for child in doomed:
            _kill(child)
        if time.monotonic() > end:
            return False
        time.sleep(PAUSE_S)
    return True


def _kill(child: psutil.Process) -> None:
    """Kill a child and what is below it, as far as it is still there."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for process in (*child.children(recursive=True), child):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


def _reap() -> bool:
    """Reap the children that have ended; tell whether there are none left."""
    try:
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:
        return True
    return False


def _prctl(option: int, value: int) -> None:
    """Call prctl(2)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)
