"""What `seamark check` finds, and what `--mend` does about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import click
from sqlalchemy.exc import SQLAlchemyError

from handlers.cli.failures import explain
from handlers.errors import Problem

State = Literal["ok", "warning", "broken"]
Fix = Callable[[], str]


@dataclass(frozen=True)
class Finding:
    """How one part is."""

    part: str
    state: State
    detail: str
    mend: str = ""  #: what a person can do about it
    fix: Fix | None = None  #: does it, and says in words what was done

    def document(self) -> dict[str, object]:
        """Return the finding as JSON has it."""
        members = {"part": self.part, "state": self.state, "detail": self.detail, "mend": self.mend}
        return members | {"mendable": self.fix is not None}


def broken(findings: Sequence[Finding]) -> bool:
    """Tell whether something is broken."""
    return any(finding.state == "broken" for finding in findings)


def mend(findings: Sequence[Finding]) -> dict[str, str]:
    """Mend what can be mended; return what was done, or why not, by what was found."""
    return {finding.detail: mended(finding.fix) for finding in findings if finding.fix is not None}


def mended(fix: Fix) -> str:
    """Return what was done, or why that was not possible."""
    try:
        return fix()
    except (OSError, Problem, SQLAlchemyError, click.ClickException) as error:
        return f"Could not be mended: {explain(error) or error}"
