"""`seamark up --dev`: notice what was edited, regenerate, and start the processes anew."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from handlers.cli.generate import checkout, needed_checkout
from handlers.cli.supervisor import Supervisor, show
from handlers.settings import Settings

LOOK_S: Final = 0.5  # between two looks at the files


@dataclass(frozen=True)
class Source:
    """Files that people edit."""

    folder: Path
    pattern: str
    prepare: tuple[str, ...] = ()  #: arguments of Python: what has to go well before their change is served
    cwd: Path | None = None


def sources(settings: Settings) -> list[Source]:
    """Return what is to be watched: a checkout's sources, and the operations outside.

    Raises:
        ClickException: This is an installation, and there are no operations outside.
    """
    outside = settings.operations_dir
    root = needed_checkout() if outside is None else checkout()
    found = []
    if root is not None:
        found += [Source(root / "specs", "*.yaml", ("-m", "tools.generate"), root)]
        found += [Source(root / "handlers", "*.py"), Source(root / "generated", "*.json")]
    if outside is not None:
        check = ("-P", "-m", "handlers.cli.outside")
        found += [Source(outside, "*.yaml", check), Source(outside, "*.py", check)]
    return found


def watch(watched: Sequence[Source], supervisor: Supervisor) -> Callable[[], bool]:
    """Return what the supervisor asks now and then: it looks at the files of *watched* and never says yes."""
    seen = stamps(watched)
    looked = time.monotonic()

    def look() -> bool:
        nonlocal seen, looked
        if not watched or time.monotonic() < looked + LOOK_S:
            return False
        now = stamps(watched)
        if changed := {path for path in seen.keys() | now.keys() if seen.get(path) != now.get(path)}:
            renew(watched, supervisor, changed)
            now = stamps(watched)
        seen, looked = now, time.monotonic()
        return False

    return look


def stamps(watched: Sequence[Source]) -> dict[Path, int]:
    """Return when each file that matters was changed."""
    return {path: stamp for source in watched for path, stamp in stamps_of(source)}


def stamps_of(source: Source) -> Iterator[tuple[Path, int]]:
    """Yield the files of one source and when each was changed."""
    for path in source.folder.rglob(source.pattern):
        try:
            yield path, path.stat().st_mtime_ns
        except FileNotFoundError:
            continue  # an editor was just replacing it


def renew(watched: Sequence[Source], supervisor: Supervisor, changed: set[Path]) -> None:
    """Prepare what was edited, and start all but Redis anew if that went well."""
    show(f"Changed: {', '.join(sorted(path.name for path in changed))}")
    touched = [
        source
        for source in watched
        if any(path.is_relative_to(source.folder) and path.match(source.pattern) for path in changed)
    ]
    for command, cwd in dict.fromkeys((source.prepare, source.cwd) for source in touched if source.prepare):
        environment = supervisor.children["web"].program.environment
        if subprocess.run([sys.executable, *command], cwd=cwd, env=environment, check=False).returncode:
            show("What is served stays as it was until this is right.")
            return
    supervisor.restart([name for name, child in supervisor.children.items() if not child.program.last])
