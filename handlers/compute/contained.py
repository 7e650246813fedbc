"""Algorithms in containers, each in the image that its container section names, by a Docker or Podman socket."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from handlers.compute.endings import ending, mounts_of, writing
from handlers.compute.running import Ending, Program
from handlers.compute.statuses import Stage
from handlers.compute.work import VOLUME, StageFailed
from handlers.sandbox.bounds import limits_of
from handlers.sandbox.engine.client import Engine
from handlers.sandbox.engine.containers import sweep
from handlers.sandbox.engine.images import Bounds, Images
from handlers.sandbox.engine.recipe import Ticket
from handlers.sandbox.engine.references import ImageRefused, allowed_in, check, reference
from handlers.sandbox.engine.runner import Containers
from handlers.sandbox.values import Program as SandboxProgram
from handlers.settings import Settings


class Contained:
    """Runs algorithms in containers."""

    def __init__(self, settings: Settings, socket: Path, server: Callable[[], str]) -> None:
        """Ask the engine at *socket*; *server* names this server, so that it finds its containers again."""
        self._settings = settings
        self._socket = socket
        self._server = server
        self._allowed = allowed_in(settings.compute_registries)

    def run(self, program: Program) -> Ending:
        """Run a program to its end, within its bounds, and leave nothing of it behind.

        Raises:
            StageFailed: Its image cannot be had, or cannot run it.
            InsufficientStorage: There is no room for its image.
            SandboxUnavailable: The engine does not do its part.
        """
        try:
            return self._run(program)
        except ImageRefused as refused:
            raise StageFailed(Stage.NO_ALGORITHM, str(refused)) from refused

    def _run(self, program: Program) -> Ending:
        """Run a program to its end.

        Raises:
            ImageRefused: Its image cannot be had, or cannot run it.
        """
        wanted = reference(program.container.image, program.container.tag, program.container.checksum)
        check(wanted, self._allowed)
        engine, ticket = Engine(self._socket), Ticket(server=self._server(), job=program.job)
        limits = limits_of(self._settings, program.time_s)
        # Another worker may have died at an earlier attempt at this job.
        sweep(engine, ticket.server, lambda job: id_of(job) == id_of(program.job))
        image = Images(engine, bounds_of(self._settings)).have(wanted)
        with program.log.open("wb") as log:
            box = in_container(program)
            outcome = Containers(engine, self._settings).run(ticket, image, box, limits, writing(log, program.heard))
            return ending(outcome, limits, log)


def bounds_of(settings: Settings) -> Bounds:
    """Return what getting an image may take."""
    return Bounds(
        bytes=settings.compute_image_bytes,
        pull_s=settings.compute_pull_s,
        reserve_bytes=settings.disk_reserve_bytes,
    )


def in_container(program: Program) -> SandboxProgram:
    """Return a program as a container takes it; the image says where its programs lie."""
    return SandboxProgram(
        argv=["/bin/sh", "-c", program.command],
        environment=program.environment,
        mounts=mounts_of(program),
        directory=VOLUME,
        network=program.network,
    )


def id_of(job: str) -> str:
    """Return the job's id, from id and attempt."""
    return job.rpartition("-")[0]
