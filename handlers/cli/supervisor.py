"""Keep processes running, and leave none behind.

Children get sessions of their own, so that Ctrl-C in a terminal is the supervisor's affair alone; they are killed when
it dies, and what their children leave behind is adopted and killed (Linux).
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import FrameType
from typing import IO, Final

import click
import psutil

from handlers.jobs import tree

TICK_S: Final = 0.05
ORPHANS_S: Final = 1.0  # between two looks for orphans
BACKOFF_S: Final = (0.1, 0.5, 2.0, 5.0, 10.0)  # waits before a process that keeps ending is started again
STEADY_S: Final = 10.0  # a process that lived this long is not in a loop
LOOP: Final = 3  # so many quick ends in a row are a loop
LAST_LINES: Final = 20
GRACE_S: Final = 2.0  # beyond what the processes themselves take to drain


@dataclass(frozen=True, kw_only=True)
class Program:
    """What is to be kept running."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    quiet: bool = False  #: its lines are shown only when it keeps ending
    last: bool = False  #: stopped after the others, which need it
    once: bool = False  #: ends by itself, and is not started again; its lines are what the command prints


class Child:
    """A program and the process that runs it."""

    def __init__(self, program: Program, show: Callable[[str], None]) -> None:
        """Start nothing yet; *show* takes the lines that the process writes."""
        self.program = program
        self.process: subprocess.Popen[str] | None = None
        self.lines: deque[str] = deque(maxlen=LAST_LINES)
        self.quick_ends = 0
        self.due = 0.0  #: when to start it again, by `time.monotonic`
        self._show = show
        self._began = 0.0
        self._reader: threading.Thread | None = None

    def start(self) -> None:
        """Start the process."""
        self._began = time.monotonic()
        parent = os.getpid()
        self.process = subprocess.Popen(
            self.program.command,
            env=self.program.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            # Only between fork and exec can a program that is not ours, such as Redis, be tied to us.
            preexec_fn=lambda: tie_to(parent),  # noqa: PLW1509 - it takes no lock that another thread may hold
        )
        assert self.process.stdout is not None, "a pipe was asked for"
        self._reader = threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True)
        self._reader.start()

    def ended(self) -> str | None:
        """Return in words how the process has ended since the last call; None: it has not."""
        if self.process is None or self.process.poll() is None:
            return None
        code, self.process = self.process.returncode, None
        if self._reader is not None:
            self._reader.join(TICK_S * 4)
        lived_s = time.monotonic() - self._began
        self.quick_ends = 0 if lived_s >= STEADY_S else self.quick_ends + 1
        wait_s = BACKOFF_S[min(self.quick_ends, len(BACKOFF_S)) - 1] if self.quick_ends else 0.0
        self.due = time.monotonic() + wait_s
        return f"signal {-code} ({signal.strsignal(-code)})" if code < 0 else f"exit code {code}"

    def signal(self, number: int) -> None:
        """Send the process a signal; with SIGKILL, its whole group."""
        if self.process is None:
            return
        with suppress(ProcessLookupError):
            (os.killpg if number == signal.SIGKILL else os.kill)(self.process.pid, number)

    def _read(self, pipe: IO[str]) -> None:
        """Take the lines of the process until it ends."""
        with pipe:
            for line in pipe:
                self.lines.append(line.rstrip("\n"))
                if not self.program.quiet:
                    self._show(line.rstrip("\n"))


class CrashLoop(Exception):
    """A program ends again and again."""


class Supervisor:
    """Keeps programs running until it is told to stop."""

    def __init__(self, drain_s: float) -> None:
        """Let processes have *drain_s* seconds to finish their work when stopping."""
        self.drain_s = drain_s
        self.children: dict[str, Child] = {}
        # Plain values: an event has a lock, which its own waiting may hold when the handler of a signal wants it.
        self.stopping = self.hurry = False
        self._looked_for_orphans = 0.0
        tree.adopt_orphans()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as nohup has it
            signal.signal(signal.SIGHUP, self._on_signal)

    def add(self, program: Program) -> None:
        """Start a program and keep it running."""
        child = self.children[program.name] = Child(program, tell if program.once else show)
        child.start()

    def restart(self, names: Sequence[str]) -> None:
        """Have programs end, and start them anew at once."""
        for name in names:
            self.children[name].signal(signal.SIGTERM)

    def run(self, until: Callable[[], bool] = lambda: False, *, patient: bool = True) -> bool:
        """Keep the programs running until told to stop, or until a condition holds; tell whether it does.

        Args:
            until: Asked now and then.
            patient: Whether a program that keeps ending is tried for ever.

        Raises:
            CrashLoop: A program keeps ending, and that is not to be borne.
        """
        while not self.stopping:
            if until():
                return True
            self._look_after(patient)
            self._kill_orphans()
            time.sleep(TICK_S)
        return False

    def stop(self) -> None:
        """End all processes: those that others need last, none left behind."""
        for last in (False, True):
            stage = [child for child in self.children.values() if child.program.last is last]
            for child in stage:
                child.signal(signal.SIGTERM)
            self._wait(stage)
            for child in stage:
                child.signal(signal.SIGKILL)
        tree.kill_descendants(GRACE_S)

    def _wait(self, children: Sequence[Child]) -> None:
        """Wait until *children* have ended, for as long as they may take."""
        end = time.monotonic() + self.drain_s + GRACE_S
        while time.monotonic() < end and not self.hurry:
            if all(child.process is None or child.process.poll() is not None for child in children):
                return
            time.sleep(TICK_S)

    def _look_after(self, patient: bool) -> None:
        """Start again what has ended and whose time has come."""
        for child in self.children.values():
            how = child.ended()
            if how is not None and not child.program.once:
                self._report(child, how, patient)
            if child.process is None and not child.program.once and time.monotonic() >= child.due:
                child.start()

    def _report(self, child: Child, how: str, patient: bool) -> None:
        """Say that a process has ended, and more if it keeps doing so."""
        name = child.program.name
        if child.quick_ends < LOOP:
            show(f"{name} ended with {how}; starting it again.")
            return
        words = "\n".join([f"{name} keeps ending, last with {how}. Its last lines:", *(f"  {x}" for x in child.lines)])
        if not patient:
            raise CrashLoop(words)
        if child.quick_ends % LOOP == 0:
            show(words)

    def _kill_orphans(self) -> None:
        """Kill what a child of ours left behind when it was killed: we have adopted it."""
        if time.monotonic() < self._looked_for_orphans + ORPHANS_S:
            return
        self._looked_for_orphans = time.monotonic()
        ours = {child.process.pid for child in self.children.values() if child.process is not None}
        for process in psutil.Process().children():
            if process.pid not in ours:
                with suppress(ProcessLookupError, ChildProcessError):
                    os.kill(process.pid, signal.SIGKILL)
                    os.waitpid(process.pid, 0)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        """Stop; the second time at once."""
        self.hurry, self.stopping = self.stopping, True


def tie_to(parent: int) -> None:
    """Have this process killed when *parent* ends, also if it already has."""
    tree.die_with_parent()
    if os.getppid() != parent:
        os._exit(1)


def tell(line: str) -> None:
    """Write a line to standard output; if nobody reads it any more, that is no reason to end."""
    with suppress(OSError):
        click.echo(line)


def show(line: str) -> None:
    """Write a line to standard error; if nobody reads it any more, that is no reason to end."""
    with suppress(OSError):
        click.echo(line, err=True)
