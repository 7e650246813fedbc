"""Containers, by their names: made, watched, ended, and removed whatever happens."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import Any, Final

import structlog

from handlers.errors import SandboxUnavailable
from handlers.sandbox.engine.client import Engine, EngineError, Exchange
from handlers.sandbox.engine.recipe import JOB, SERVER, Ticket
from handlers.sandbox.engine.references import ImageRefused

GONE: Final = (404, 409)  #: there is no such container, or somebody else is removing it
LOOKS: Final = 5  #: at how a container stands, where the engine fails to tell
PAUSE_S: Final = 0.1  # between two of them

log = structlog.get_logger(__name__)


class Container:
    """One container, from before its program runs until it is removed."""

    def __init__(self, engine: Engine, identity: str) -> None:
        """Name the container *identity* of *engine*."""
        self._engine = engine
        self.id = identity

    @classmethod
    def make(cls, engine: Engine, name: str, recipe: Mapping[str, Any]) -> Container:
        """Make a container, whose program does not run yet.

        Raises:
            SandboxUnavailable: The engine does not make it.
        """
        try:
            made = engine.ask("POST", "/containers/create", {"name": name}, recipe)
        except EngineError as error:
            raise SandboxUnavailable(f"The container engine makes no container: {error}") from error
        return cls(engine, str(made["Id"]))

    @contextmanager
    def output(self, timeout_s: float) -> Iterator[Exchange]:
        """Give what the program will print; an engine may make all ready for it, too.

        Raises:
            ImageRefused: The image has not what is to be started.
            SandboxUnavailable: The engine does not give it.
        """
        query = {"stream": "1", "stdout": "1", "stderr": "1"}
        try:
            with self._engine.stream("POST", f"/containers/{self.id}/attach", query, timeout_s=timeout_s) as exchange:
                yield exchange
        except EngineError as error:
            raise no_start(error) from error

    def start(self) -> None:
        """Let the program run.

        Raises:
            ImageRefused: The image has not what is to be started.
            SandboxUnavailable: The engine does not start it.
        """
        try:
            self._engine.ask("POST", f"/containers/{self.id}/start")
        except EngineError as error:
            raise no_start(error) from error

    def wait(self, timeout_s: float) -> int:
        """Wait for the end of the program; return its exit code, 128 + N where signal N ended it.

        Raises:
            EngineError, SandboxUnavailable: It is not known how it ended.
        """
        return int(self._engine.ask("POST", f"/containers/{self.id}/wait", timeout_s=timeout_s)["StatusCode"])

    def state(self) -> Mapping[str, Any]:
        """Return how the container stands: `Pid`, `OOMKilled`, `Running` and others.

        Raises:
            EngineError, SandboxUnavailable: It is not known.
        """
        for left in reversed(range(LOOKS)):
            try:
                found: Mapping[str, Any] = self._engine.ask("GET", f"/containers/{self.id}/json")["State"]
                break
            except EngineError as error:
                # Podman fails where the program ends just as it reads of its process.
                if error.status < HTTPStatus.INTERNAL_SERVER_ERROR or not left:
                    raise
                time.sleep(PAUSE_S)
        return found

    def kill(self) -> None:
        """Kill all that runs in it; an engine that says that nothing does may mean that it has just ended.

        Raises:
            SandboxUnavailable: The engine does not answer.
        """
        with suppress(EngineError):
            self._engine.ask("POST", f"/containers/{self.id}/kill", {"signal": "KILL"})

    def remove(self) -> None:
        """Remove it, with all that belongs to it; what runs in it is killed, without being asked to end first.

        Raises:
            SandboxUnavailable: The engine does not.
        """
        self.kill()
        try:
            self._engine.ask("DELETE", f"/containers/{self.id}", {"force": "1", "v": "1"})
        except EngineError as error:
            if error.status not in GONE:
                raise SandboxUnavailable(f"The container engine does not remove a container: {error}") from error


def no_start(error: EngineError) -> Exception:
    """Return why a program does not start: for its image, or for the engine."""
    if any(words in str(error) for words in ('exec: "', "executable file", "exec format")):
        return ImageRefused("The image has no /bin/sh that runs on this machine.")
    return SandboxUnavailable(f"The container engine does not start a program: {error}")


def left(engine: Engine, server: str) -> Iterator[tuple[str, Container]]:
    """Give the containers of a server that there are, and for which attempt of which job each was made.

    Raises:
        EngineError, SandboxUnavailable: It is not known.
    """
    query = {"all": "1", "filters": json.dumps({"label": [f"{SERVER}={server}"]})}
    for found in engine.ask("GET", "/containers/json", query) or ():
        job = str((found.get("Labels") or {}).get(JOB, ""))
        # An image brings labels along, but not the name.
        if f"/{Ticket(server=server, job=job).name}" in found.get("Names", ()):
            yield job, Container(engine, str(found["Id"]))


def sweep(engine: Engine, server: str, over: Callable[[str], bool]) -> int:
    """Remove the containers of a server whose job is over; return how many.

    Raises:
        SandboxUnavailable: The engine does not answer, or does not remove one.
    """
    try:
        found = [container for job, container in left(engine, server) if over(job)]
    except EngineError as error:
        raise SandboxUnavailable(f"The container engine does not list its containers: {error}") from error
    for container in found:
        container.remove()
        log.info("a container was removed that was left", container=container.id)
    return len(found)
