"""What the runtimes have in common: what a program sees as /data, where its log goes, how its end is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO, Final

from handlers.compute.running import Ending, Program
from handlers.compute.work import VOLUME
from handlers.sandbox.values import Limits, Mount, Outcome
from handlers.sandbox.words import sentence

READ_ONLY: Final = ("inputs", "ddos", "transformations")


def mounts_of(program: Program) -> list[Mount]:
    """Return what a program sees below /data; nothing but the outputs can be written to."""
    read_only = [Mount(source=program.volume / name, target=f"{VOLUME}/{name}") for name in READ_ONLY]
    return [*read_only, Mount(source=program.volume / "outputs", target=f"{VOLUME}/outputs", writable=True)]


def writing(log: BinaryIO, heard: Callable[[bytes], None]) -> Callable[[bytes], None]:
    """Return what writes to a log, so that it can be read while the program runs, and tells *heard* of it."""

    def write(data: bytes) -> None:
        log.write(data)
        log.flush()
        heard(data)

    return write


def ending(outcome: Outcome, limits: Limits, log: BinaryIO) -> Ending:
    """Return how a program ended, once it is noted in its log what is not in there."""
    if outcome.dropped_bytes:
        log.write(f"\n[{outcome.dropped_bytes} bytes more were not kept]\n".encode())
    reason = "" if outcome.exit_code == 0 else sentence(outcome, limits)
    return Ending(exit_code=outcome.exit_code, reason=reason)
