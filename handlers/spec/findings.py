"""What is wrong in a spec: the place, what is wrong there, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Level = Literal["error", "warning"]


@dataclass(frozen=True, order=True)
class Finding:
    """One thing wrong in a spec."""

    file: Path
    line: int  #: from 1
    rule: str  #: the word that `x-lint-allow` accepts it by
    message: str
    mend: str
    level: Level = "error"

    def __str__(self) -> str:
        """Return the finding as compilers write theirs, so that editors find the place."""
        return f"{self.file}:{self.line}: {self.level}: {self.message} {self.mend} [{self.rule}]"


class SpecError(Exception):
    """A spec cannot be read any further."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding))
        self.finding = finding


@dataclass(frozen=True)
class Fault:
    """One thing wrong in a bundled document."""

    pointer: str  #: JSON Pointer into the document
    message: str
    mend: str


@dataclass(frozen=True)
class Rule:
    """One thing that a document has to be."""

    name: str
    check: Callable[[Mapping[str, Any]], Iterator[Fault]]
    level: Level = "error"
