"""`seamark up --dev`: notice what was edited, regenerate, and start the processes anew."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from handlers.cli.supervisor import Supervisor, show

LOOK_S: Final = 0.5  # between two looks at the files
WATCHED: Final = (("specs", "*.yaml"), ("handlers", "*.py"), ("generated", "*.json"))


def watch(root: Path, supervisor: Supervisor) -> Callable[[], bool]:
    """Return what the supervisor asks now and then: it looks at the files below *root* and never says yes."""
    seen = dict(stamps(root))
    looked = time.monotonic()

    def look() -> bool:
        nonlocal seen, looked
        if time.monotonic() < looked + LOOK_S:
            return False
        now = dict(stamps(root))
        if changed := {path for path in seen.keys() | now.keys() if seen.get(path) != now.get(path)}:
            renew(root, supervisor, changed)
            now = dict(stamps(root))
        seen, looked = now, time.monotonic()
        return False

    return look


def stamps(root: Path) -> Iterator[tuple[Path, int]]:
    """Yield the files that matter and when each was changed."""
    for folder, pattern in WATCHED:
        for path in (root / folder).rglob(pattern):
            try:
                yield path, path.stat().st_mtime_ns
            except FileNotFoundError:
                continue  # an editor was just replacing it


def renew(root: Path, supervisor: Supervisor, changed: set[Path]) -> None:
    """Generate again if a spec was edited, and start all but Redis anew if that went well."""
    show(f"Changed: {', '.join(sorted(str(path.relative_to(root)) for path in changed))}")
    if any(path.suffix == ".yaml" for path in changed):
        done = subprocess.run([sys.executable, "-m", "tools.generate"], cwd=root, check=False)
        if done.returncode:
            show("What is served stays as it was until the specs are right.")
            return
    supervisor.restart([name for name, child in supervisor.children.items() if not child.program.last])
