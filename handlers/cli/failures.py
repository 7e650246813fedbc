"""What went wrong, in a line that names the mend. Imported only once something has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import httpx
from pydantic import ValidationError
from sqlalchemy.exc import DatabaseError

from handlers.errors import Fault, Problem, QueueUnavailable
from handlers.pipelines.faults import Unusable
from handlers.spec.documents import DocumentMissing
from handlers.spec.findings import SpecError
from handlers.storage.backup import BackupError
from handlers.storage.dump import DumpError


def explain(error: Exception) -> str | None:
    """Return what *error* means to who gave the command; None: it is a fault of ours, and its traceback is wanted."""
    return next((say(error) for kind, say in WORDS if isinstance(error, kind)), None)


def words(problem: Problem) -> str:
    """Return a problem as one line."""
    return problem.detail or "; ".join(map(said, problem.faults)) or problem.title()


def said(fault: Fault) -> str:
    """Return a fault with its place in a document; where an option is at fault, its words name it."""
    return f"{fault.place}: {fault.detail}" if fault.part == "body" else fault.detail


def settings_fault(error: ValidationError) -> str | None:
    """Return what is wrong with the settings; None: it is another model that was not satisfied."""
    if error.title != "Settings":
        return None
    return "; ".join(f"SEAMARK_{'_'.join(map(str, fault['loc'])).upper()}: {fault['msg']}." for fault in error.errors())


def system_fault(error: OSError) -> str:
    """Return what the system refused."""
    return f"{error.filename}: {error.strerror}." if error.filename else str(error)


#: The first that fits says it.
WORDS: Final[Sequence[tuple[type[Exception], Callable[[Any], str | None]]]] = (
    (ValidationError, settings_fault),
    (
        QueueUnavailable,
        lambda error: f"{words(error)} Start `seamark up`, or set SEAMARK_REDIS_URL to a Redis that runs.",
    ),
    (Problem, words),
    (
        DatabaseError,
        lambda error: f"The database cannot be used ({type(error).__name__}); `seamark check` tells more.",
    ),
    (
        httpx.TransportError,
        lambda error: f"The server cannot be reached ({error}). Is --url right, and does it run?",
    ),
    (httpx.InvalidURL, lambda error: f"--url is no address: {error}."),
    (DocumentMissing, str),
    (SpecError, str),
    (Unusable, str),
    (BackupError, str),
    (DumpError, str),
    (OSError, system_fault),
)
