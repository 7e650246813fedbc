"""Run again whenever a spec changes."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

LOOK_S = 0.3  # between two looks at the files


def watch(specs: Path, run: Callable[[], int]) -> int:
    """Call *run* now and whenever a file in *specs* changes, until Ctrl-C; return the last exit status."""
    status, seen = 1, None
    print(f"Watching {specs}; Ctrl-C stops.", flush=True)
    try:
        while True:
            now = stamps(specs)
            if now != seen:
                status, seen = run(), now
                print("Right." if status == 0 else "Not yet right.", flush=True)
            time.sleep(LOOK_S)
    except KeyboardInterrupt:
        return status


def stamps(specs: Path) -> dict[Path, int]:
    """Return when each spec was changed."""
    found = {}
    for path in specs.rglob("*.yaml"):
        try:
            found[path] = path.stat().st_mtime_ns
        except FileNotFoundError:
            continue  # an editor was just replacing it
    return found
