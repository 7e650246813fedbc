"""The look of `seamark check` at the sandbox for programs of others."""

from __future__ import annotations

from collections.abc import Iterator

from handlers.cli.finding import Finding
from handlers.sandbox.probe import probe
from handlers.settings import Settings


def look_at_sandbox(settings: Settings) -> Iterator[Finding]:
    """See whether programs of others can be run apart; all else works without."""
    found = probe(settings)
    yield Finding("sandbox", "ok" if found.works else "warning", found.detail, found.mend)
