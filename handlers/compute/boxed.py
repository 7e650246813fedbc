"""Algorithms in the sandbox: where an image is asked for, an interpreter of this machine that stands for it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from handlers.compute.images import Interpreter, interpreter_for, read_table, roots_of
from handlers.compute.running import Ending, Program
from handlers.compute.work import VOLUME
from handlers.sandbox.values import Mount
from handlers.sandbox.values import Program as SandboxProgram
from handlers.sandbox.words import sentence
from handlers.settings import Settings

if TYPE_CHECKING:
    from handlers.sandbox.runner import Sandbox

NAMES: Final = "/run/interpreter"  #: where the program finds its interpreter under the name of the image
READ_ONLY: Final = ("inputs", "ddos", "transformations")


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
        if outcome.dropped_bytes:
            with program.log.open("ab") as log:
                log.write(f"\n[{outcome.dropped_bytes} bytes more were not kept]\n".encode())
        reason = "" if outcome.exit_code == 0 else sentence(outcome, limits)
        return Ending(exit_code=outcome.exit_code, reason=reason)


def writing(log: BinaryIO, heard: Callable[[bytes], None]) -> Callable[[bytes], None]:
    """Return what writes to a log, and tells *heard* of it."""

    def write(data: bytes) -> None:
        log.write(data)
        heard(data)

    return write


def named(interpreter: Interpreter, folder: Path) -> None:
    """Put an interpreter into a folder, under the name by which entrypoints call it."""
    folder.chmod(0o755)
    (folder / interpreter.name).symlink_to(interpreter.path)


def in_box(program: Program, roots: Sequence[Path], names: Path) -> SandboxProgram:
    """Return a program as the sandbox takes it."""
    read_only = [Mount(source=program.volume / name, target=f"{VOLUME}/{name}") for name in READ_ONLY]
    outputs = Mount(source=program.volume / "outputs", target=f"{VOLUME}/outputs", writable=True)
    return SandboxProgram(
        argv=["/bin/sh", "-c", program.command],
        environment={**program.environment, "PATH": f"{NAMES}:/usr/local/bin:/usr/bin:/bin"},
        mounts=[*read_only, outputs, Mount(source=names, target=NAMES)],
        roots=roots,
        directory=VOLUME,
        network=program.network,
    )
