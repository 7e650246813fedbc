"""What can be wrong with a PMML file, and with a value."""

from __future__ import annotations

from typing import Protocol


class Placed(Protocol):
    """What has a name and a line."""

    @property
    def tag(self) -> str:
        """Its name."""

    @property
    def line(self) -> int:
        """Its line in the file, from 1."""


class Unreadable(Exception):
    """The file is no PMML, or asks for what is not evaluated; the message names element and line."""


class Invalid(Exception):
    """A value of a row is none that its field may have, and the file asks for no result then; the message says why."""


def wrong(element: Placed, words: str) -> Unreadable:
    """Return the error for an element."""
    return Unreadable(f"Line {element.line}, {element.tag}: {words}")
