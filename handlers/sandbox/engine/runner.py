"""Run programs in containers: make one, hear what it prints, keep its bounds, learn how it came out, remove it.

The kernel keeps the bounds of memory, processors, processes and the size of a file, as the engine has told it. What is
written is looked at from here, and so is the time; where the container's processes can be seen from here, also what has
no name any more, and whether a bound was met. Otherwise a program that meets the bound of processes goes on without
more of them, and what it deletes while it is open counts for nothing but the disk's reserve.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack
from dataclasses import replace
from typing import Final

import structlog

from handlers.errors import SandboxUnavailable
from handlers.sandbox import cgroups, folders
from handlers.sandbox.engine.about import about
from handlers.sandbox.engine.client import Engine, EngineError
from handlers.sandbox.engine.containers import Container
from handlers.sandbox.engine.frames import Pump
from handlers.sandbox.engine.images import Image
from handlers.sandbox.engine.recipe import Ticket, recipe
from handlers.sandbox.mounts import prepare
from handlers.sandbox.output import Listener, Output
from handlers.sandbox.users import Users
from handlers.sandbox.values import Limits, Outcome, Program, Reason
from handlers.sandbox.watch import Watch
from handlers.settings import Settings

END_S: Final = 60.0  # longest that the engine may take to see that a program has ended

log = structlog.get_logger(__name__)


class Containers:
    """Runs programs in the containers of one engine."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        """Ask *engine*; nothing is asked yet."""
        self._engine = engine
        self._settings = settings
        self._users = Users(settings.sandbox_uid)

    def run(self, ticket: Ticket, image: Image, program: Program, limits: Limits, listener: Listener) -> Outcome:
        """Run a program to its end, and leave nothing of it behind.

        Args:
            ticket: Whose container it is; there is no other with this ticket.
            image: In what it runs; what it sees beside the mounts is all the image's.
            program: What to run; it sees no `roots`.
            limits: Its bounds.
            listener: Is given what it prints, in a thread of its own; if it raises, the program is stopped.

        Raises:
            ImageRefused: The image has not what is to be started.
            SandboxUnavailable: The engine does not do its part.
            Exception: What the listener raised.
        """
        if not self._settings.sandbox_network:
            program = replace(program, network=False)
        engine = about(self._engine)
        engine.demand()
        written = [mount.source for mount in program.mounts if mount.writable]
        with ExitStack() as stack:
            user = stack.enter_context(self._users.take())
            if user is not None:
                prepare(program.mounts, user)
            wanted = recipe(ticket, image, program, limits, user, engine)
            container = Container.make(self._engine, ticket.name, wanted)
            for path in written:
                stack.callback(folders.tidy, path)
            stack.callback(removed, container)
            watch = Watch(limits, None, written, self._settings.disk_reserve_bytes, own=0)
            return Life(container, watch, listener).live()


class Life:
    """The life of one container's program."""

    def __init__(self, container: Container, watch: Watch, listener: Listener) -> None:
        """Begin nothing yet."""
        self._container = container
        self._watch = watch
        self._limits = watch.limits
        self._stopping = threading.Event()
        self._output = Output(listener, watch.limits.log_bytes, self._stopping.set)
        self._ended = threading.Event()
        self._status = 0
        self._error: Exception | None = None

    def live(self) -> Outcome:
        """Have the program run to its end."""
        try:
            with self._container.output(self._limits.wall_s + END_S) as exchange:
                pump = Pump(exchange, self._output.writing)
                try:
                    outcome = self._run()
                finally:
                    pump.finish()
        finally:
            self._output.finish()
        if error := self._output.error:
            raise error
        return replace(outcome, dropped_bytes=self._output.dropped)

    def _run(self) -> Outcome:
        """Start the program, look at it until it has ended, and end it if need be."""
        try:
            self._container.start()
            first = self._first()
            waiting = threading.Thread(target=self._wait, name="container-end", daemon=True)
            waiting.start()
            reason = self._look(first)
            if reason is not None:
                self._container.kill()
            waiting.join(END_S)
            if self._error or waiting.is_alive():
                raise self._error or SandboxUnavailable("A program in a container cannot be killed.")
            return self._conclude(reason)
        except EngineError as error:
            raise SandboxUnavailable(f"The container engine has lost a program: {error}") from error

    def _first(self) -> int | None:
        """Return the program's first process, and have its bounds looked at; None: it cannot be seen from here."""
        first = int(self._container.state().get("Pid") or 0)
        self._watch.group = cgroups.group_of(first, self._container.id) if first else None
        return first if self._watch.group else None

    def _wait(self) -> None:
        """Wait for the end of the program."""
        try:
            self._status = self._container.wait(self._limits.wall_s + END_S)
        except Exception as error:  # noqa: BLE001 - whoever looks after the program is told
            self._error = error
        self._ended.set()

    def _look(self, first: int | None) -> Reason | None:
        """Wait for the end; return why it has to be made, None if the program has made it."""
        while not self._ended.wait(self._watch.patience_s()):
            if self._stopping.is_set():
                return Reason.STOPPED
            if reason := self._watch.look(first):
                return reason
        return None

    def _conclude(self, reason: Reason | None) -> Outcome:
        """Say how the end was."""
        if reason is None and self._container.state().get("OOMKilled"):
            reason = Reason.MEMORY
        reason = reason or self._watch.look_back() or Reason.EXITED
        exit_code = self._status if reason is Reason.EXITED else None
        return Outcome(reason=reason, exit_code=exit_code, usage=self._watch.usage())


def removed(container: Container) -> None:
    """Remove a container; if the engine does not, whoever sweeps after this server will try again."""
    try:
        container.remove()
    except SandboxUnavailable:
        log.warning("a container could not be removed; it is tried again", container=container.id, exc_info=True)
