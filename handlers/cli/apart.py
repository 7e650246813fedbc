"""The looks of `seamark check` at what runs programs of others: the sandbox, and the container engine."""

from __future__ import annotations

from collections.abc import Iterator

from handlers.cli.finding import Finding
from handlers.sandbox.engine import probe as engine
from handlers.sandbox.probe import probe
from handlers.settings import Settings


def look_at_sandbox(settings: Settings) -> Iterator[Finding]:
    """See whether programs of others can be run apart; all else works without."""
    found = probe(settings)
    yield Finding("sandbox", "ok" if found.works else "warning", found.detail, found.mend)


def look_at_containers(settings: Settings) -> Iterator[Finding]:
    """See whether the container engine answers, where there is to be one; without it no algorithm runs."""
    if settings.docker_socket is not None:
        found = engine.probe(settings.docker_socket, settings.compute_registries)
        yield Finding("containers", "ok" if found.works else "broken", found.detail, found.mend)
