"""What an operation's function takes and gives, beside plain JSON values."""

from __future__ import annotations

from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class AssetFile:
    """An asset that came as an input."""

    did: str
    name: str
    content_type: str
    path: Path  #: a local file; read it, never write to it
    size: int  #: bytes

    def open(self) -> BufferedReader:
        """Open the file for reading."""
        return self.path.open("rb")


@dataclass(frozen=True, kw_only=True)
class NewAsset:
    """A file that an operation made, to be stored as a new asset."""

    path: Path
    name: str = ""  #: what people will call it; the file's name by default
    content_type: str = ""  #: guessed from the name by default
    description: str = ""


class Report(Protocol):
    """How an operation tells what it is doing; the caller of a job sees it."""

    def __call__(self, percent: float, message: str = "") -> None:
        """Say that *percent* (0 to 100) of the work is done, and what is being done now."""

    def log(self, line: str) -> None:
        """Add a line to the job's log."""


class Silence:
    """A report that nobody reads: that of a synchronous run."""

    def __call__(self, percent: float, message: str = "") -> None:
        """Say nothing."""

    def log(self, line: str) -> None:
        """Say nothing."""


SILENCE = Silence()
