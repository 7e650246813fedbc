"""This machine, and nobody else."""

from __future__ import annotations


def only_home(host: str, port: int) -> list[str]:
    """Return the address of this machine under its own number, and no other's."""
    if host != "127.0.0.1":
        raise OSError("There is nobody else.")
    return [host]
