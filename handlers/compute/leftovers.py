"""Containers whose job was stopped, took too long or lost its worker: its process did not live to remove them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import structlog

from handlers.compute.runtimes import server_of
from handlers.compute.service import KIND
from handlers.errors import SandboxUnavailable
from handlers.jobs import transitions
from handlers.jobs.records import Job
from handlers.jobs.tables import Status
from handlers.settings import Settings
from handlers.storage.sql import Database

log = structlog.get_logger(__name__)


class Leftovers:
    """Removes containers that were left; does nothing where there is no engine."""

    def __init__(self, settings: Settings, database: Database) -> None:
        """Ask nothing yet."""
        self._settings = settings
        self._database = database

    def clear(self, job: Job) -> None:
        """Remove the container of an attempt that has just ended; what fails is left for the next sweep."""
        if job.kind != KIND or self._settings.docker_socket is None:
            return
        try:
            self._remove(self._settings.docker_socket, lambda name: name == f"{job.id}-{job.attempt}")
        except SandboxUnavailable as error:
            log.warning("the container of a job may be left", job=job.id, error=error.detail)

    def run(self, stop: threading.Event) -> None:
        """Sweep at once, and every `job_stale_s` seconds, until told to stop; a failure is told once."""
        told = False
        while self._settings.docker_socket is not None and not stop.is_set():
            try:
                self._remove(self._settings.docker_socket, self._is_over)
                told = False
            except Exception as error:
                if not told:
                    log.exception("containers could not be swept", error=str(error))
                told = True
            stop.wait(self._settings.job_stale_s)

    def _remove(self, socket: Path, over: Callable[[str], bool]) -> None:
        """Remove the containers of this server that are *over*."""
        from handlers.sandbox.engine.client import Engine
        from handlers.sandbox.engine.containers import sweep

        sweep(Engine(socket), server_of(self._database), over)

    def _is_over(self, name: str) -> bool:
        """Tell whether an attempt, named as the containers are, has ended."""
        job_id, _, attempt = name.rpartition("-")
        with self._database.read() as connection:
            job = transitions.find(connection, job_id)
        return job is None or job.status is not Status.RUNNING or str(job.attempt) != attempt
