"""The bounds that the settings have."""

from __future__ import annotations

from handlers.sandbox.values import Limits
from handlers.settings import Settings


def limits_of(settings: Settings, wall_s: float) -> Limits:
    """Return the bounds that the settings have, for a program that may take *wall_s* seconds."""
    return Limits(
        memory_bytes=settings.sandbox_memory_bytes,
        cpus=settings.sandbox_cpus,
        processes=settings.sandbox_processes,
        open_files=settings.sandbox_open_files,
        disk_bytes=settings.sandbox_disk_bytes,
        scratch_bytes=settings.sandbox_scratch_bytes,
        wall_s=wall_s,
        log_bytes=settings.sandbox_log_bytes,
    )
