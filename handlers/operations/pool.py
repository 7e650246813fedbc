"""Warm processes for synchronous runs.

A web thread only waits here: the work is done in a process that has everything imported, and that is ended when it
takes too long.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import tempfile
import threading
from collections.abc import Mapping
from concurrent.futures import CancelledError
from concurrent.futures import TimeoutError as FutureTimeout
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any

from pebble import ProcessExpired, ProcessPool

from handlers.assets.store import Assets
from handlers.errors import InternalError, OperationFailed, Problem, TimedOut, TooManyRequests
from handlers.operations.catalogue import catalogue_of
from handlers.operations.runner import Runner
from handlers.operations.values import SILENCE
from handlers.settings import Settings
from handlers.spec.documents import read_apis
from handlers.storage.blobs import open_blobs
from handlers.storage.sql import Database
from handlers.wire import Caller

WAITING_LIMIT = 64  # runs that may wait for a free process before new ones are refused


class Pool:
    """The operation processes of one web process."""

    def __init__(self, settings: Settings) -> None:
        """Start nothing yet; the first run or `warm` does."""
        self.settings = settings
        self._lock = threading.Lock()
        self._pool: ProcessPool | None = None
        self._process = 0
        self._places = threading.BoundedSemaphore(settings.operation_processes + WAITING_LIMIT)

    def warm(self) -> None:
        """Start the processes and let each import what the operations need, in the background."""
        for _ in range(self.settings.operation_processes):
            self._processes().schedule(_ready)

    def run(self, name: str, inputs: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        """Run an operation in another process and return its outputs.

        Raises:
            TimedOut: It took longer than `sync_timeout_s`, the wait for a free process included.
            TooManyRequests: Too many runs wait already.
            Problem: What the operation raised.
        """
        if not self._places.acquire(blocking=False):
            raise TooManyRequests("Too many runs wait already.", headers={"Retry-After": "1"})
        try:
            return self._run(name, inputs, caller)
        finally:
            self._places.release()

    def close(self) -> None:
        """End the processes."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.stop()
            pool.join()

    def _run(self, name: str, inputs: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        """Run an operation, and turn what may happen to its process into problems."""
        timeout_s = self.settings.sync_timeout_s
        late = TimedOut(f"The operation {name} took longer than {timeout_s:g} s; run it as a job.")
        future = self._processes().schedule(_run, args=(name, dict(inputs), caller), timeout=timeout_s)
        try:
            outcome = future.result(timeout=timeout_s)
        except (FutureTimeout, CancelledError) as error:
            future.cancel()
            raise late from error
        except ProcessExpired as error:
            raise InternalError(f"The process that ran {name} ended by itself (exit code {error.exitcode}).") from error
        if isinstance(outcome, Problem):
            raise outcome
        result: dict[str, Any] = outcome
        return result

    def _processes(self) -> ProcessPool:
        """Return the pool, started."""
        with self._lock:
            # A server that loads the application and then forks leaves its children a pool that is not theirs.
            if self._pool is None or self._process != os.getpid():
                self._process = os.getpid()
                self._pool = ProcessPool(
                    max_workers=self.settings.operation_processes,
                    initializer=_start,
                    initargs=(self.settings,),
                    # A fork of a web process would copy its threads' locks in whatever state they are.
                    context=multiprocessing.get_context("spawn"),
                )
                # At its end Python would wait for these processes before anybody told them to stop.
                Finalize(self, self.close, exitpriority=100)
            return self._pool


_runner: Runner | None = None


def _start(settings: Settings) -> None:
    """Prepare an operation process."""
    global _runner  # noqa: PLW0603 - the pool gives its processes no other place for what they keep
    catalogue = catalogue_of(read_apis(outside=settings.operations_dir))
    blobs = open_blobs(settings.store_url, settings.disk_reserve_bytes)
    assets = Assets(Database(settings.sql_url), blobs, settings.asset_quota_bytes)
    _runner = Runner(catalogue, assets, settings.asset_limit_bytes)
    for module in catalogue.preload():
        importlib.import_module(module)


def _ready() -> None:
    """Do nothing; that this ran shows that the process has started."""


def _run(name: str, inputs: Mapping[str, Any], caller: Caller) -> dict[str, Any] | Problem:
    """Run an operation in this process. A problem is returned, since only some exceptions survive the way back."""
    assert _runner is not None, "the pool starts its processes with _start"
    with tempfile.TemporaryDirectory(prefix="seamark-run-") as directory:
        try:
            return _runner.run(name, inputs, caller=caller, directory=Path(directory), report=SILENCE)
        except Problem as problem:
            return problem
        except MemoryError:
            return OperationFailed(f"The operation {name} ran out of memory.")
