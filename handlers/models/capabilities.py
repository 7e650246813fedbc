"""What this server can do with models, and what it runs on."""

from __future__ import annotations

import functools
import os
from importlib import metadata
from typing import Any, Final

from handlers.settings import Settings

TAKES: Final = ("auto", "DataFrame", "ndarray", "DMatrix", "list")
GIVES: Final = ("auto", "DataFrame", "ndarray", "list")
LIBRARIES: Final = ("scikit-learn", "xgboost-cpu", "xgboost", "onnxruntime", "skops", "joblib", "numpy", "pandas")


def capabilities(settings: Settings) -> dict[str, Any]:
    """Return what is served, under the names of both descriptions of the API."""
    found: dict[str, Any] = {"capabilities": list(settings.capabilities)}
    if "manage" in settings.capabilities:
        structures = {"supported_input_data_structure": TAKES, "supported_output_data_structure": GIVES}
        formats = list(settings.formats)
        found["managed_capabilities"] = {
            **structures,
            "supported_binary_format": formats,
            "supported_upload_format": formats,
            "file_size_limit": settings.upload_limit_bytes,
            "unknown_file_size": True,
        }
        found["manage_capabilities"] = {**structures, "supported_format": formats}
    return found


@functools.cache
def information() -> dict[str, Any]:
    """Return names and versions; what is not installed is left out."""
    libraries = {name: version for name in LIBRARIES if (version := version_of(name))}
    version = version_of("seamark") or "unknown"
    cpus = len(os.sched_getaffinity(0))
    return {
        "description": "Seamark",
        "version": version,
        "server-version": version,
        "cpu_count": cpus,
        "libraries": libraries,
    }


def version_of(name: str) -> str | None:
    """Return the version of an installed library, without importing it."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
