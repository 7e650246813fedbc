"""One host as its keeper has it: started, started again when it dies or hangs, and stopped."""

from __future__ import annotations

import os
import signal
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

import structlog

from handlers.errors import Problem, SandboxUnavailable
from handlers.models import page as pages
from handlers.models.page import BUSY, LAST, MEMORY, READY, Page
from handlers.models.process import Plan, Processes, listen
from handlers.models.tally import Tally
from handlers.sandbox.probe import advised
from handlers.sandbox.runner import Run
from handlers.sandbox.values import Outcome, Reason
from handlers.sandbox.words import sentence
from handlers.storage.blobs import Blobs

STEADY_S: Final = 10.0  # a host that lived this long is not in a loop
LOOP: Final = 3  # so many quick ends in a row, and it is given up for a while
REST_S: Final = 10.0  # that while
PAUSE_S: Final = 0.2
TOO_MUCH: Final = frozenset({Reason.MEMORY, Reason.PROCESSES, Reason.DISK})
KILLED: Final = 128 + signal.SIGKILL  # as somebody else may do, or the system for want of memory
FAREWELL_S: Final = 2.0  # that a host may take to answer what it has read

log = structlog.get_logger(__name__)


class KeptHost:
    """The host of one endpoint. Its socket outlives it, so that callers who come in between wait for the next."""

    def __init__(self, plan: Plan, processes: Processes, blobs: Blobs, path: Path, tally: Tally) -> None:
        """Listen at *path*, and start the host in the background; what it counts is added to *tally*."""
        self.plan = plan
        self.path = path
        self.began = time.monotonic()
        self.problem = ""  #: why it has ended last
        self._processes = processes
        self._blobs = blobs
        self._tally = tally
        self._listening = listen(path)
        number = pages.make()
        self._number = number
        self.page = Page(number)
        self._run: Run | None = None
        self._stopping = threading.Event()
        self._given_up = threading.Event()
        self._thread = threading.Thread(target=self._live, name="host", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether there is a host, or soon will be."""
        return not self._given_up.is_set() and not self._stopping.is_set()

    @property
    def resting(self) -> bool:
        """Whether it was given up only just now."""
        return self._given_up.is_set() and bool(self.problem) and time.monotonic() - self.began < REST_S

    @property
    def idle_s(self) -> float:
        """How long nothing was asked of it; 0 while it is being started, since somebody waits for that, or works."""
        if self.alive and (self.page.read(BUSY) or not self.page.read(READY)):
            return 0.0
        return time.monotonic() - max(self.page.read(LAST), self.began)

    @property
    def memory_bytes(self) -> int:
        """The memory that it says it takes, within what it can take."""
        found = self.page.read(MEMORY)
        most = self._processes.settings.model_memory_bytes
        return int(min(max(found, 0.0), most)) if found == found else most  # noqa: PLR0124 - NaN is no number

    def overdue(self, load_s: float, answer_s: float) -> bool:
        """Tell whether it has been at one thing for too long."""
        return self.page.silent_s() > (answer_s if self.page.read(READY) else load_s)

    def kill(self) -> None:
        """Kill the host as it is; another is started for whoever waits."""
        if self._run is not None:
            self._run.stop()

    def stop(self) -> None:
        """End the host, once it has answered what it has read, for good."""
        self._stopping.set()
        self.path.unlink(missing_ok=True)
        self.page.stop()
        threading.Thread(target=self._end, name="end", daemon=True).start()

    def wait(self) -> None:
        """Wait until nothing of it is left."""
        self._thread.join()

    def _end(self) -> None:
        """Kill what does not end by itself."""
        self._thread.join(FAREWELL_S)
        self.kill()

    def _live(self) -> None:
        """Keep a host running until told to stop, or until it keeps ending."""
        quick = 0
        try:
            with tempfile.TemporaryDirectory(prefix="seamark-model-") as directory:
                while not self._stopping.is_set() and quick < LOOP:
                    began = time.monotonic()
                    self.problem, hopeless = self._once(Path(directory))
                    quick = LOOP if hopeless else 0 if time.monotonic() - began > STEADY_S else quick + 1
                    self._stopping.wait(PAUSE_S * quick)
        finally:
            self.began = time.monotonic()
            if not self._stopping.is_set():
                self.path.unlink(missing_ok=True)
            self._given_up.set()
            # Whoever waits to be let in hears now that nobody will, and may ask why.
            self._listening.close()
            os.close(self._number)

    def _once(self, directory: Path) -> tuple[str, bool]:
        """Run the host to its end; return why that was, and whether it would be the same again."""
        self.page.clear()
        try:
            file = self._blobs.local(self.plan.blob, directory) if self.plan.blob else Path(self.plan.folder)
            with self._tally.host(self.page):
                self._run = self._processes.start(self.plan, file, self._listening, self._number, self._hear)
                outcome = self._run.wait()
        except FileNotFoundError:
            return "The model's file is gone.", False
        except SandboxUnavailable as problem:
            words = advised(problem).detail
            log.error("models cannot be run on this machine", endpoint=self.plan.endpoint, problem=words)
            return words, True
        except Problem as problem:
            log.warning("a model host cannot be started", endpoint=self.plan.endpoint, problem=problem.detail)
            return problem.detail, False
        if outcome.reason is not Reason.EXITED or outcome.exit_code or not self._stopping.is_set():
            log.warning("a model host has ended", endpoint=self.plan.endpoint, reason=outcome.reason.value)
        return sentence(outcome, self._processes.limits), not self.page.read(READY) and is_own_doing(outcome)

    def _hear(self, data: bytes) -> None:
        """Log what a host prints."""
        with suppress(UnicodeDecodeError):
            log.info("a model host says", endpoint=self.plan.endpoint, words=data.decode()[:2000])


def is_own_doing(outcome: Outcome) -> bool:
    """Tell whether a program has ended by what it did itself: it took too much, or crashed."""
    return outcome.reason in TOO_MUCH or (outcome.reason is Reason.EXITED and outcome.exit_code not in (0, KILLED))
