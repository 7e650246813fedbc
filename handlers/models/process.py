"""Start a model host apart from the server: in the sandbox, with a socket, a page and the model's file, and no more."""

from __future__ import annotations

import json
import math
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import handlers
from handlers.errors import SandboxUnavailable
from handlers.sandbox.values import Limits, Mount, Program
from handlers.settings import Settings

if TYPE_CHECKING:
    from handlers.sandbox.output import Listener
    from handlers.sandbox.runner import Run, Sandbox

FILE: Final = "/run/model/file"  #: where the host finds the model's file, or its folder
MODEL_HOST: Final = "handlers.models.host"
SYSTEM: Final = Path("/usr")  #: what every sandbox sees
BACKLOG: Final = 1024  #: callers that may wait to be let in
#: For a row at a time more threads cost more than they bring.
THREADS: Final = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Which model a host is to load, and how."""

    endpoint: str
    blob: str = ""  #: the model's file
    folder: str = ""  #: of this machine, for what is more than one file
    program: str = MODEL_HOST  #: the module that is run
    format: str = ""
    takes: str = "auto"
    gives: str = "auto"
    names: Sequence[str] | None = None  #: of the inputs, where the file may not say

    @property
    def subject(self) -> str:
        """What callers know it as."""
        return "model" if self.program == MODEL_HOST else "pipeline"

    def as_document(self) -> dict[str, Any]:
        """Return it as a JSON value."""
        return asdict(self)


def plan_from(document: Mapping[str, Any]) -> Plan:
    """Return what `as_document` has written."""
    return Plan(**document)


class Processes:
    """Starts model hosts."""

    def __init__(self, settings: Settings) -> None:
        """Start nothing yet."""
        self.settings = settings

    @cached_property
    def _sandbox(self) -> Sandbox:
        """What runs programs apart; looked at only where there is something to run."""
        from handlers.sandbox.runner import Sandbox

        return Sandbox(self.settings)

    @cached_property
    def limits(self) -> Limits:
        """The bounds of one host; how long it may be at one thing is for its keeper to watch."""
        return replace(self._sandbox.limits(math.inf), memory_bytes=self.settings.model_memory_bytes)

    def start(self, plan: Plan, file: Path, listening: socket.socket, page: int, listener: Listener) -> Run:
        """Start a host, and return at once.

        Args:
            plan: What it loads.
            file: The model's file, or folder.
            listening: A socket that listens; whoever connects is answered once the model is loaded.
            page: Number of the file of its page.
            listener: Is given what it prints.

        Raises:
            SandboxUnavailable: This is not Linux, or the program would see what it may not.
        """
        program = Program(
            argv=[sys.executable, "-I", "-m", plan.program, self._argument(plan, listening.fileno(), page)],
            environment={**THREADS, "PYTHONDONTWRITEBYTECODE": "1"},
            mounts=[Mount(source=file, target=FILE)],
            roots=roots(self.settings.home.resolve()),
            files=[listening.fileno(), page],
        )
        return self._sandbox.start(program, self.limits, listener)

    def _argument(self, plan: Plan, listening: int, page: int) -> str:
        """Return the plan as the host reads it."""
        classes = [" ".join(word.rpartition(".")[::2]) for word in self.settings.trusted_classes]
        more = {"file": FILE, "listener": listening, "page": page, "classes": classes}
        return json.dumps(plan.as_document() | more)


def roots(home: Path) -> list[Path]:
    """Return the folders that a host needs to see: Python, its libraries, and this package.

    Raises:
        SandboxUnavailable: One of them holds the state of this server.
    """
    needed = {Path(sys.base_prefix).resolve(), Path(sys.prefix).resolve(), Path(handlers.__file__).resolve().parent}
    wanted = sorted(folder for folder in needed if not folder.is_relative_to(SYSTEM))
    for folder in wanted:
        if home.is_relative_to(folder):
            raise SandboxUnavailable(f"SEAMARK_HOME lies in {folder}, which model hosts have to see.")
    return [one for one in wanted if not any(one != other and one.is_relative_to(other) for other in wanted)]


def listen(path: Path | None = None) -> socket.socket:
    """Return a socket that listens at *path*."""
    listening = socket.socket(socket.AF_UNIX)
    if path is not None:
        path.unlink(missing_ok=True)
        listening.bind(str(path))
    listening.listen(BACKLOG)
    return listening
