"""The process that forks the processes of jobs.

It has everything imported and holds neither threads, nor connections to the database, nor to Redis: a fork of such a
process takes little time, and nothing that must not be shared is. A worker starts one, and a second for what it runs
beside a long job, and talks to it over a socket (`stable.py`). Each has one job at a time; whatever is left below this
process when a job ends is killed.
"""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import select
import signal
import socket
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from handlers.jobs import runner, tree
from handlers.jobs.records import Job
from handlers.settings import Settings
from handlers.storage.blobs import open_blobs

LENGTH: Final = struct.Struct("!I")  #: before each order; 0 orders to kill
EVENT: Final = struct.Struct("!cq")  #: what comes back: one of the three below, and a number
READY, FORKED, ENDED = b"R", b"F", b"E"  #: number: this process, the job's process, its wait status
KILL_S: Final = 5.0


@dataclass(frozen=True, kw_only=True)
class Start:
    """The first order: what to be."""

    settings: Settings
    kinds: str  #: "module:function" that imports what jobs need and returns what does them, by kind


@dataclass(frozen=True, kw_only=True)
class Order:
    """Run this job; the write ends of its two pipes come with it."""

    job: Job
    directory: Path


def main(number: int) -> None:
    """Fork jobs as the socket with this file number orders, until it is closed."""
    for ignored in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ignored, signal.SIG_IGN)
    tree.adopt_orphans()
    control = socket.socket(fileno=number)
    start = receive(control)
    assert start is not None, "the worker says first what it wants"
    Forker(control, start[0]).serve()


def receive(control: socket.socket) -> tuple[Any, list[int]] | None:
    """Return the next order and the files that came with it; None: the worker is gone."""
    try:
        data, files, _, _ = socket.recv_fds(control, LENGTH.size, 2)
        if len(data) < LENGTH.size:
            return None
        (missing,) = LENGTH.unpack(data)
        payload = bytearray()
        while missing > len(payload):
            chunk = control.recv(min(missing - len(payload), 1 << 20))
            if not chunk:
                return None
            payload += chunk
    except ConnectionResetError:
        return None
    # Only the worker that started this process has the other end.
    return (pickle.loads(payload) if payload else None), files  # noqa: S301


class Forker:
    """Forks one job at a time."""

    def __init__(self, control: socket.socket, start: Start) -> None:
        """Import what jobs need, and say so."""
        self.control = control
        self.child = 0
        self.blobs = open_blobs(start.settings.store_url, start.settings.disk_reserve_bytes)
        module, _, name = start.kinds.partition(":")
        kinds: Callable[[Settings], Mapping[str, runner.Handler]] = getattr(import_module(module), name)
        self.handlers = kinds(start.settings)
        # What is here now is never garbage; without this each job would copy the pages that a collection writes to.
        gc.collect()
        gc.freeze()
        self.tell(READY, os.getpid())

    def serve(self) -> None:
        """Obey until the worker is gone, and then leave nothing behind."""
        waking, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        while True:
            ready, _, _ = select.select([self.control.fileno(), waking], [], [])
            if waking in ready:
                os.read(waking, 4096)
                self.reap()
            if self.control.fileno() in ready and not self.obey():
                break
        tree.kill_descendants(KILL_S)

    def obey(self) -> bool:
        """Carry out one order; tell whether there was one."""
        received = receive(self.control)
        if received is None:
            return False
        order, files = received
        if order is None:
            self.kill()
        else:
            self.fork(order, files)
        return True

    def fork(self, order: Order, files: list[int]) -> None:
        """Fork the process of a job."""
        assert self.child == 0, "one job at a time"
        self.child = os.fork()
        if self.child == 0:
            self.control.close()
            messages, output = files
            runner.ride(
                order.job, self.handlers, runner.Context(order.job, order.directory, self.blobs, messages), output
            )
        for file in files:
            os.close(file)
        self.tell(FORKED, self.child)

    def kill(self) -> None:
        """Kill the job that runs, if it still does; its end is told as any other."""
        if self.child:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.child, signal.SIGKILL)
            self.ended(os.waitpid(self.child, 0)[1])

    def reap(self) -> None:
        """See who has ended: the job, or an orphan of its."""
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG)) != (0, 0):
                if ended[0] == self.child:
                    self.ended(ended[1])

    def ended(self, status: int) -> None:
        """Kill what the job left behind, and tell that it has ended."""
        tree.kill_descendants(KILL_S)
        self.child = 0
        self.tell(ENDED, status)

    def tell(self, event: bytes, number: int) -> None:
        """Tell the worker; if it is gone, the next order will show it."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.control.sendall(EVENT.pack(event, number))
