"""Run programs apart: start one, hear what it prints, stop it, learn how it came out.

    sandbox = Sandbox(settings)
    run = sandbox.start(program, sandbox.limits(wall_s=600), log.write)
    outcome = run.wait()

Each program has a thread that builds its sandbox, watches over its bounds and clears up. bubblewrap dies with that
thread, and so everything ends when this process is killed. A bound of memory, processes or processors is the kernel's
where a cgroup can be made (`cgroups.py`), and otherwise looked after by the thread (`watch.py`). What is written to a
mount is on disk and looked after by the thread in any case: between two looks a program may write more than it may, so
that the reserve of the server's disk should be what it can write in a quarter of a second.
"""

from __future__ import annotations

import os
import select
import sys
import threading
from contextlib import ExitStack
from dataclasses import replace
from typing import Final

import structlog

from handlers.errors import SandboxUnavailable
from handlers.sandbox import cgroups, folders, strays
from handlers.sandbox.bare import BareCell
from handlers.sandbox.bounds import limits_of
from handlers.sandbox.cell import SLACK, Cell
from handlers.sandbox.cgroups import Group
from handlers.sandbox.mounts import prepare
from handlers.sandbox.output import Listener, Output
from handlers.sandbox.users import User, Users
from handlers.sandbox.values import Limits, Outcome, Program, Reason
from handlers.sandbox.watch import Watch
from handlers.settings import Settings

FIRST: Final = 1  #: the kernel's bound on processes counts the sandbox's first, too

log = structlog.get_logger(__name__)


class Sandbox:
    """Starts programs, as many at a time as wanted."""

    def __init__(self, settings: Settings) -> None:
        """See what this machine offers, and end what others have left half built; nothing is started."""
        strays.end()
        self.settings = settings
        self.cgroups = cgroups.find(settings.sandbox_cgroup)
        self.users = Users(settings.sandbox_uid)

    def limits(self, wall_s: float) -> Limits:
        """Return the bounds that the settings have, for a program that may take *wall_s* seconds."""
        return limits_of(self.settings, wall_s)

    def start(self, program: Program, limits: Limits, listener: Listener) -> Run:
        """Start a program, and return at once.

        Args:
            program: What to run.
            limits: Its bounds.
            listener: Is given what the program prints, in a thread of its own, until that are `log_bytes`. While it
                takes its time the program may have to wait for it; if it raises, the program is stopped.

        Raises:
            SandboxUnavailable: This is not Linux.
        """
        if not sys.platform.startswith("linux"):
            raise SandboxUnavailable("Programs can be run apart on Linux only.")
        if program.network and not self.settings.sandbox_network:
            program = replace(program, network=False)
        return Run(self, program, limits, listener)

    def group(self, limits: Limits) -> Group | None:
        """Return a new cgroup with these bounds; None where there can be none, so that the watchdog keeps them."""
        try:
            return self.cgroups.make(limits, SLACK + FIRST) if self.cgroups else None
        except OSError:
            log.warning("no cgroup can be made for a program; a watchdog keeps its bounds", exc_info=True)
            return None


class Run:
    """One program that was started."""

    def __init__(self, sandbox: Sandbox, program: Program, limits: Limits, listener: Listener) -> None:
        """Start it."""
        self._sandbox = sandbox
        self._program = program
        self._limits = limits
        self._written = [mount.source for mount in program.mounts if mount.writable]
        self._stopping = Stop()
        self._outcome: Outcome | None = None
        self._error: BaseException | None = None
        self._output = Output(listener, limits.log_bytes, self.stop)
        self._thread = threading.Thread(target=self._run, name="sandbox", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Have the program killed, with all that it started; it may have ended already."""
        self._stopping.set()

    def wait(self, timeout_s: float | None = None) -> Outcome:
        """Wait until nothing of the program is left, and return how it came out.

        Raises:
            TimeoutError: It runs still.
            SandboxUnavailable: It could not be started.
            Exception: What the listener raised.
        """
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            raise TimeoutError("The program runs still.")
        if error := self._output.error or self._error:
            raise error
        assert self._outcome is not None, "there is an outcome where there is no error"
        return self._outcome

    def _run(self) -> None:
        """Have the program run, and keep how that came out for whoever waits."""
        outcome = None
        try:
            outcome = self._live()
        except BaseException as error:  # noqa: BLE001 - whoever waits is told
            self._error = error
        self._output.finish()
        if outcome is not None:
            self._outcome = replace(outcome, dropped_bytes=self._output.dropped)
        elif isinstance(self._error, SandboxUnavailable):
            self._error = unavailable(self._error, self._output.head)

    def _live(self) -> Outcome:
        """Build the sandbox, watch the program to its end, and clear up."""
        with ExitStack() as stack:
            stack.callback(self._stopping.close)
            group = self._sandbox.group(self._limits)
            if group is not None:
                stack.callback(group.remove)
            cell = self._build(stack.enter_context(self._sandbox.users.take()), group)
            stack.callback(cell.close)
            self._output.started()
            watch = Watch(self._limits, group, self._written, self._sandbox.settings.disk_reserve_bytes)
            cell.release()
            reason = self._watch(cell, watch)
            return self._conclude(reason, cell, watch)

    def _build(self, user: User | None, group: Group | None) -> Cell | BareCell:
        """Build the sandbox.

        Raises:
            SandboxUnavailable: It cannot be built.
        """
        try:
            if self._sandbox.settings.sandbox_off:
                return BareCell(self._program, self._limits, group, self._output.writing)
            if user is not None:
                prepare(self._program.mounts, user)
            return Cell(self._program, self._limits, user, group, self._output.writing)
        except OSError as error:
            raise SandboxUnavailable(f"The sandbox cannot be built: {error}") from error

    def _watch(self, cell: Cell | BareCell, watch: Watch) -> Reason | None:
        """Wait for the end; return why it has to be made, None if the program has made it."""
        poll = select.poll()
        poll.register(cell.ended(), select.POLLIN)
        poll.register(self._stopping, select.POLLIN)
        while not (heard := poll.poll(watch.patience_s() * 1000)):
            if reason := watch.look(cell.first):
                return reason
        return Reason.STOPPED if [self._stopping.fileno()] == [number for number, _ in heard] else None

    def _conclude(self, reason: Reason | None, cell: Cell | BareCell, watch: Watch) -> Outcome:
        """Make an end, and say how it was."""
        status = cell.kill()
        usage = watch.usage()
        reason = reason or watch.look_back() or (Reason.EXITED if status >= 0 else Reason.KILLED)
        for path in self._written:
            folders.tidy(path)
        return Outcome(reason=reason, exit_code=status if reason is Reason.EXITED else None, usage=usage)


class Stop:
    """Set once, by any thread; whoever polls hears of it at once."""

    def __init__(self) -> None:
        """Begin unset."""
        self._lock = threading.Lock()
        self._number = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._closed = False

    def fileno(self) -> int:
        """Return what becomes readable, and stays so."""
        return self._number

    def set(self) -> None:
        """Have it heard; setting it again, or when nobody listens any more, is no error."""
        with self._lock:
            if not self._closed:
                os.eventfd_write(self._number, 1)

    def close(self) -> None:
        """Listen no more."""
        with self._lock:
            self._closed = True
            os.close(self._number)


def unavailable(error: SandboxUnavailable, said: bytes) -> SandboxUnavailable:
    """Return the error with what bubblewrap has said."""
    words = " ".join(said.decode(errors="replace").split())
    return SandboxUnavailable(f"{error.detail} It said: {words}" if words else error.detail)
