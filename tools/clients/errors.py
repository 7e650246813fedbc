"""What goes wrong."""

from __future__ import annotations


class NotGenerated(Exception):
    """A client could not be generated."""
