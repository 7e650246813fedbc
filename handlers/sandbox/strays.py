"""Sandboxes that were half built when whoever built them was killed.

bubblewrap is two processes. Until all is built only the outer one ends with us, and the inner one may wait for it for
ever. Nothing of a program's runs in there.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Final

from handlers.sandbox.bubblewrap import SHELL
from handlers.sandbox.processes import GONE, stat_fields

NAME: Final = "bwrap"


def end() -> None:
    """Kill them."""
    if not Path("/proc/self/ns").exists():  # not Linux
        return
    for process in map(int, filter(str.isdigit, os.listdir("/proc"))):
        with suppress(*GONE, PermissionError):
            if is_stray(process):
                os.kill(process, signal.SIGKILL)


def is_stray(process: int) -> bool:
    """Tell whether a process is the inner half of a sandbox of ours, and the outer one has ended."""
    if name(process) != NAME or os.fsencode(SHELL[2]) not in Path(f"/proc/{process}/cmdline").read_bytes():
        return False
    parent = int(stat_fields(process)[1])
    return name(parent) != NAME and depth(process) > depth(parent)


def name(process: int) -> str:
    """Return the name of a process."""
    return Path(f"/proc/{process}/comm").read_text().rstrip()


def depth(process: int) -> int:
    """Return how many namespaces of processes a process is in, as far as we can see."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next((len(line.split()) for line in lines if line.startswith("NSpid:")), 0)
