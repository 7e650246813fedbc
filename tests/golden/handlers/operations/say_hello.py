"""The operation `say-hello`."""

# ruff: noqa: ARG001 - nothing reads the inputs yet.

from __future__ import annotations

from typing import Any

from handlers.errors import NotBuilt


def run(name: str) -> dict[str, Any]:
    """Greet now.

    Args:
        name: The input `name`.

    Returns:
        `greeting`: The output `greeting`.
    """
    raise NotBuilt("The operation say-hello is not built yet.")
