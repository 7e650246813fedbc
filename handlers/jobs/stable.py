"""Where a worker gets the processes for its jobs: it keeps a forker (`forker.py`) at hand."""

from __future__ import annotations

import os
import pickle
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Final

import structlog

from handlers.jobs import tree
from handlers.jobs.forker import ENDED, EVENT, FORKED, KILL_S, LENGTH, READY, Order, Start
from handlers.jobs.records import Job
from handlers.settings import Settings

START: Final = "import sys; sys.path[:] = {path!r}; from handlers.jobs.forker import main; main({number})"
START_S: Final = 120.0  # longest that importing what jobs need may take
PIPE_BYTES: Final = 65536

log = structlog.get_logger(__name__)
_forkers: set[int] = set()  # that live below this process, by their process ids
_births = threading.Lock()  # held while one is started, so that nobody takes it for an orphan


class StableClosedError(Exception):
    """The forker has ended, and with it the job's process."""


class Horse:
    """The process of one job, seen from the worker: two pipes to read."""

    def __init__(self, messages: int, output: int) -> None:
        """Read *messages*, which are lines of JSON, and *output*, which is what the job prints."""
        self.messages = messages
        self.output = output
        for pipe in (messages, output):
            os.set_blocking(pipe, False)

    def read(self, pipe: int) -> bytes | None:
        """Return what is there to read; b"" at the end, None if there is nothing yet."""
        try:
            return os.read(pipe, PIPE_BYTES)
        except BlockingIOError:
            return None

    def close(self) -> None:
        """Close the pipes."""
        os.close(self.messages)
        os.close(self.output)


class Stable:
    """Keeps a forker running.

    The process that uses it must have no children but those of its stables: any other is killed as a job's orphan.
    """

    def __init__(self, settings: Settings, kinds: str) -> None:
        """Start a forker, for jobs of what the function *kinds* ("module:name") returns, and wait until it is ready."""
        self.start = Start(settings=settings, kinds=kinds)
        tree.adopt_orphans()
        self._launch()

    def fork(self, job: Job, directory: Path) -> Horse:
        """Start the process of a job.

        Raises:
            StableClosedError: The forker has ended; `restart` it.
        """
        messages, output = os.pipe2(os.O_CLOEXEC), os.pipe2(os.O_CLOEXEC)
        horse = Horse(messages[0], output[0])
        try:
            self._order(Order(job=job, directory=directory), [messages[1], output[1]])
        except OSError as error:
            horse.close()
            raise StableClosedError from error
        finally:
            os.close(messages[1])
            os.close(output[1])
        return horse

    def fileno(self) -> int:
        """Return what becomes readable when there is an event."""
        return self.control.fileno()

    def ended(self) -> int | None:
        """Read an event; return the wait status of the job's process if it says that this has ended.

        Raises:
            StableClosedError: The forker has ended.
        """
        event, number = self._event()
        assert event in (FORKED, ENDED), event
        return number if event == ENDED else None

    def kill(self) -> None:
        """Kill the process of the job that runs and all that it started, and wait until they are gone."""
        try:
            self.control.settimeout(KILL_S * 2)
            self.control.sendall(LENGTH.pack(0))
            while self.ended() is None:
                pass
            self.control.settimeout(None)
        except (OSError, StableClosedError):
            self.restart()

    def restart(self) -> None:
        """Kill everything below this process and start a new forker."""
        log.warning("the process that forks jobs has ended; starting another")
        self.close()
        self._launch()

    def close(self) -> None:
        """End the forker and everything below it."""
        self.control.close()
        self.process.kill()
        self.process.wait()
        with _births:
            _forkers.discard(self.process.pid)
            tree.kill_descendants(KILL_S, spare=_forkers)

    def _launch(self) -> None:
        """Start a forker and wait until it has imported everything.

        Raises:
            StableClosedError: It could not.
        """
        self.control, theirs = socket.socketpair()
        code = START.format(path=sys.path, number=theirs.fileno())
        with theirs, _births:
            self.process = subprocess.Popen(
                [sys.executable, "-c", code],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C in a terminal is the worker's affair
            )
            _forkers.add(self.process.pid)
        self.control.settimeout(START_S)
        try:
            self._order(self.start, [])
            event, _ = self._event()
        except (OSError, StableClosedError) as error:
            self.close()
            raise StableClosedError from error
        assert event == READY, event
        self.control.settimeout(None)

    def _order(self, order: Start | Order, files: list[int]) -> None:
        """Send an order, with the files that go with it."""
        payload = pickle.dumps(order)
        socket.send_fds(self.control, [LENGTH.pack(len(payload))], files)
        self.control.sendall(payload)

    def _event(self) -> tuple[bytes, Any]:
        """Return the next event."""
        data = b""
        while len(data) < EVENT.size:
            chunk = self.control.recv(EVENT.size - len(data))
            if not chunk:
                raise StableClosedError
            data += chunk
        event, number = EVENT.unpack(data)
        return event, number
