"""The looks of `seamark check` at what runs programs of others: the sandbox, and the container engine."""

from __future__ import annotations

from collections.abc import Iterator

from handlers.cli.finding import Finding
from handlers.errors import Problem
from handlers.models.hosts import Hosts
from handlers.pipelines.rows import large_array
from handlers.pipelines.service import Pipelines
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


def look_at_pipeline(settings: Settings) -> Iterator[Finding]:
    """Load the pipeline as the server does, where there is one, and say what it takes and gives."""
    if settings.konduit is None:
        return
    hosts, mend = Hosts(settings), f"Mend {settings.konduit}."
    pipelines = Pipelines(settings, hosts)
    try:
        found = told(pipelines)
        yield Finding("pipeline", "ok", found)
        yield from (Finding("pipeline", "warning", words, mend) for words in pipelines.configuration.misspelt)
    except Problem as error:
        yield Finding("pipeline", "broken", str(error), mend)
    finally:
        hosts.close(for_good=True)  # a keeper has our standard error, and whoever reads that waits for it


def told(pipelines: Pipelines) -> str:
    """Return what a pipeline takes and gives, or of which large array rows are read."""
    parts = []
    if pipelines.configuration.steps:
        known = pipelines.known()
        parts.append(f"{', '.join(known['inputs'])} -> {', '.join(known['outputs'])}")
    if pipelines.configuration.mem_map is not None:
        parts.append(f"rows of an array of shape {large_array(pipelines.configuration).shape}")
    return "; ".join(parts)
