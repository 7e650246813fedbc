"""Algorithms in the sandbox: where an image is asked for, an interpreter of this machine that stands for it."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from handlers.compute.endings import ending, mounts_of, writing
from handlers.compute.images import Interpreter, interpreter_for, read_table, roots_of
from handlers.compute.running import Ending, Program
from handlers.compute.work import VOLUME
from handlers.sandbox.values import Mount
from handlers.sandbox.values import Program as SandboxProgram
from handlers.settings import Settings

if TYPE_CHECKING:
    from handlers.sandbox.runner import Sandbox

NAMES: Final = "/run/interpreter"  #: where the program finds its interpreter under the name of the image


class Boxed:
    """Runs algorithms in the sandbox."""

    def __init__(self, settings: Settings) -> None:
        """Start nothing yet."""
        self._settings = settings
        self._table = read_table(settings.compute_images)

    @cached_property
    def _sandbox(self) -> Sandbox:
        """What runs programs apart; looked at only where there is something to run."""
        from handlers.sandbox.runner import Sandbox

        return Sandbox(self._settings)

    def run(self, program: Program) -> Ending:
        """Run a program to its end, within its bounds, and leave nothing of it behind.

        Raises:
            StageFailed: Nothing stands for its image.
            SandboxUnavailable: Nothing can be run apart here.
        """
        interpreter = interpreter_for(program.container, self._table)
        limits = self._sandbox.limits(program.time_s)
        with tempfile.TemporaryDirectory(dir=program.volume.parent) as folder, program.log.open("wb") as log:
            named(interpreter, Path(folder))
            roots = roots_of(interpreter, (Path.home(), self._settings.home.resolve()))
            boxed = in_box(program, roots, Path(folder))
            outcome = self._sandbox.start(boxed, limits, writing(log, program.heard)).wait()
            return ending(outcome, limits, log)


def named(interpreter: Interpreter, folder: Path) -> None:
    """Put an interpreter into a folder, under the name by which entrypoints call it."""
    folder.chmod(0o755)
    (folder / interpreter.name).symlink_to(interpreter.path)


def in_box(program: Program, roots: Sequence[Path], names: Path) -> SandboxProgram:
    """Return a program as the sandbox takes it."""
    return SandboxProgram(
        argv=["/bin/sh", "-c", program.command],
        environment={**program.environment, "PATH": f"{NAMES}:/usr/local/bin:/usr/bin:/bin"},
        mounts=[*mounts_of(program), Mount(source=names, target=NAMES)],
        roots=roots,
        directory=VOLUME,
        network=program.network,
    )
