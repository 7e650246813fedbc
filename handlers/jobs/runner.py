"""Run a job's function, in the process that was forked for it.

What the function says, gives and prints goes up to the supervisor through two pipes; this process writes no row.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NoReturn, TextIO

from handlers.errors import InsufficientStorage, InternalError, OperationFailed, Problem, StorageUnavailable
from handlers.jobs import tree
from handlers.jobs.records import Job
from handlers.storage import room
from handlers.storage.blobs import Blobs, checked
from handlers.storage.reach import is_out_of_reach

STDOUT: Final = 1
LINE_BYTES: Final = 65536  # longest line or message that goes up in one piece


class Context:
    """What a job's function may ask of the server."""

    def __init__(self, job: Job, directory: Path, blobs: Blobs, pipe: int) -> None:
        """Work in *directory*, keep files in *blobs*, and talk to the supervisor through *pipe*."""
        self.job = job
        self.directory = directory  #: private, empty, and gone when the job ends
        self._blobs = blobs
        self._pipe = pipe
        self._lock = threading.Lock()

    def __call__(self, percent: float, message: str = "") -> None:
        """Say that *percent* (0 to 100) of the work is done, and what is being done now."""
        self._send({"percent": int(min(max(percent, 0), 100)), "message": str(message)[:LINE_BYTES]})

    def report(self, percent: float, message: str = "") -> None:
        """Do what calling the context does."""
        self(percent, message)

    def log(self, line: str) -> None:
        """Add a line to the job's log, which is bounded by `job_log_bytes`."""
        self._send({"line": str(line)[:LINE_BYTES]})

    def printed(self, data: bytes) -> None:
        """Add what a program of the job's prints to the job's log, as if the job had printed it."""
        while data:
            data = data[os.write(STDOUT, data) :]

    def keep(self, path: Path, name: str) -> str:
        """Store a file as a result of this attempt and return the name of its blob.

        Raises:
            ValueError: *name* is no plain relative path.
        """
        blob = f"{self.job.blobs}/{checked(name)}"
        self._blobs.put(blob, path)
        return blob

    def answer(self, answer: Mapping[str, Any]) -> None:
        """Say how the job ended."""
        self._send(answer)

    def _send(self, message: Mapping[str, Any]) -> None:
        """Write one line of JSON, whole even when threads write at once."""
        data = json.dumps(message, allow_nan=False).encode() + b"\n"
        with self._lock:
            while data:
                data = data[os.write(self._pipe, data) :]


Handler = Callable[[Job, Context], Any]


def ride(job: Job, handlers: Mapping[str, Handler], context: Context, output: int) -> NoReturn:
    """Be the process of one job: run it, say how it ended, and end."""
    try:
        settle(output)
        answer = outcome(job, handlers, context)
        try:
            context.answer(answer)
        except (TypeError, ValueError):
            context.answer(failure())
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(0)
    except BaseException:  # noqa: BLE001 - nothing may go up from here into what the fork has copied
        traceback.print_exc()
        os._exit(1)


def settle(output: int) -> None:
    """Make this process one of its own: its session, its signals, its output, its random numbers."""
    tree.die_with_parent()
    os.setsid()
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    # The old ones may take what is now a pipe for a file, and keep lines back until they have many.
    sys.stdout, sys.stderr = (lines_to(number) for number in (1, 2))
    # Forks of one process would all draw the same numbers.
    random.seed()
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()


def lines_to(number: int) -> TextIO:
    """Return a stream that writes each line at once, and never fails for a character."""
    return os.fdopen(number, "w", buffering=1, encoding="utf-8", errors="replace", closefd=False)


def outcome(job: Job, handlers: Mapping[str, Handler], context: Context) -> dict[str, Any]:
    """Run the function and return its results, or why it failed; with `again` where that may soon be over."""
    try:
        if job.kind not in handlers:
            raise InternalError(f"This worker knows no jobs of the kind {job.kind}.")
        context.directory.mkdir(parents=True, exist_ok=True)
        return {"results": handlers[job.kind](job, context)}
    except StorageUnavailable:
        return failure() | {"again": True}
    except Problem as problem:
        return {"problem": problem.as_document()}
    except MemoryError:
        return {"problem": OperationFailed("The job ran out of memory.").as_document()}
    except BaseException as error:  # noqa: BLE001 - whatever a job raises, SystemExit too, is how that job ended
        if room.is_full(error):
            return full(context)
        return failure() | {"again": is_out_of_reach(error)}


def full(context: Context) -> dict[str, Any]:
    """Return a problem that says that a disk is full, once there is room again for somebody to write it down."""
    shutil.rmtree(context.directory, ignore_errors=True)
    return {"problem": InsufficientStorage("The disk that the job works on is full.").as_document()}


def failure() -> dict[str, Any]:
    """Return a problem that tells the caller nothing of our insides, with the traceback for our own log."""
    problem = InternalError("The job failed on the server; its log and the server's say more.")
    return {"problem": problem.as_document(), "traceback": traceback.format_exc()}
