"""The line to this machine's keeper, which is started where there is none."""

from __future__ import annotations

import json
import math
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import Any, Final

from handlers.errors import Unavailable
from handlers.models import places
from handlers.models.waits import LEAST_S
from handlers.settings import Settings

START_S: Final = 20.0  # that a keeper may take to start, on a machine under load
ANSWER_S: Final = 20.0
TRIES: Final = 3
PAUSE_S: Final = 0.02
START_EVERY_S: Final = 1.0  # where a keeper ends as soon as it is started
RETRY_AFTER_S: Final = 2
#: What a keeper needs of the settings; none of it is secret.
GIVEN: Final = frozenset(
    {
        *("home", "blob_url", "log_format", "log_level", "model_classes", "model_memory_bytes", "models_memory_bytes"),
        *("model_load_s", "predict_timeout_s", "disk_reserve_bytes"),
        *("sandbox_memory_bytes", "sandbox_cpus", "sandbox_processes", "sandbox_open_files", "sandbox_disk_bytes"),
        *("sandbox_scratch_bytes", "sandbox_log_bytes", "sandbox_off", "sandbox_uid", "sandbox_cgroup"),
    }
)


class Line:
    """Connections to the keeper; one is kept for as long as this process may want models.

    Whoever asks has a connection alone, and so waits for no answer but his own.
    """

    def __init__(self, settings: Settings) -> None:
        """Connect when first needed."""
        self.settings = settings
        self._lock = threading.Lock()
        self._kept: socket.socket | None = None
        self._process = os.getpid()
        self._starter = Starter(settings)

    def ask(self, message: dict[str, Any], within_s: float | None = None) -> dict[str, Any]:
        """Ask the keeper, which is started if there is none.

        Raises:
            Unavailable: It does not start, or does not answer, within so many seconds.
        """
        end = time.monotonic() + min(START_S if within_s is None else within_s, START_S)
        for _ in range(TRIES):
            with suppress(OSError, EOFError, ValueError):
                return self._asked(self._taken() or self._connected(end), message, end)
        raise Unavailable("Models cannot be loaded at the moment.", headers={"Retry-After": str(RETRY_AFTER_S)})

    def reaches(self) -> bool:
        """Tell whether there is a keeper on this machine; none is started."""
        try:
            self._keep(self._taken() or self._reached())
        except OSError:
            return False
        return True

    def tell(self, message: dict[str, Any], within_s: float = ANSWER_S) -> dict[str, Any]:
        """Tell the keeper something, if there is one; return its answer, or nothing if none comes within so long."""
        with suppress(OSError, EOFError, ValueError):  # it has ended, and its hosts with it
            return self._asked(self._taken() or self._reached(), message, time.monotonic() + within_s)
        return {}

    def close(self) -> None:
        """Hang up."""
        if (stream := self._taken()) is not None:
            stream.close()

    def _asked(self, stream: socket.socket, message: dict[str, Any], end: float) -> dict[str, Any]:
        """Send a line, and return the answer; a stream that gives none is closed."""
        try:
            answer = exchange(stream, message, end)
        except BaseException:
            stream.close()
            raise
        self._keep(stream)
        return answer

    def _taken(self) -> socket.socket | None:
        """Return the connection that is kept, which is the caller's then; None: there is none, or another has it."""
        with self._lock:
            stream, self._kept = self._kept, None
            ours, self._process = self._process == os.getpid(), os.getpid()
        if stream is not None and not ours:  # it is from before a fork, and another process's, too
            stream.close()
            return None
        return stream

    def _keep(self, stream: socket.socket) -> None:
        """Keep a connection, unless one is kept already."""
        with self._lock:
            if self._kept is None:
                self._kept = stream
                return
        stream.close()

    def _reached(self) -> socket.socket:
        """Connect to the keeper that is there.

        Raises:
            OSError: There is none.
        """
        stream = socket.socket(socket.AF_UNIX)
        try:
            stream.settimeout(ANSWER_S)
            stream.connect(str(places.keeper_socket(self.settings)))
        except OSError:
            stream.close()
            raise
        return stream

    def _connected(self, end: float) -> socket.socket:
        """Connect to the keeper, and start one if there is none.

        Raises:
            TimeoutError: None comes.
        """
        while time.monotonic() < end:
            try:
                return self._reached()
            except (FileNotFoundError, ConnectionRefusedError):
                self._starter.start()
                time.sleep(PAUSE_S)
        raise TimeoutError


class Starter:
    """Starts keepers, one at a time however many ask for one."""

    def __init__(self, settings: Settings) -> None:
        """Start none yet."""
        self._settings = settings
        self._lock = threading.Lock()
        self._last: subprocess.Popen[bytes] | None = None
        self._began = -math.inf

    def start(self) -> None:
        """Start a keeper, unless that was done just now; where another is just starting, this one ends."""
        with self._lock:
            starting = self._last is not None and self._last.poll() is None
            if time.monotonic() - self._began < (START_S if starting else START_EVERY_S):
                return
            self._began = time.monotonic()
            self._last = self._started()

    def _started(self) -> subprocess.Popen[bytes]:
        """Start a keeper."""
        places.folder(self._settings)
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "handlers.models.keeper"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in a terminal is our affair; it ends when all have hung up
        )
        assert process.stdin is not None, "a pipe was asked for"
        with process.stdin:
            process.stdin.write(self._settings.model_dump_json(include=set(GIVEN)).encode())
        threading.Thread(target=process.wait, name="keeper", daemon=True).start()
        return process


def exchange(stream: socket.socket, message: dict[str, Any], end: float) -> dict[str, Any]:
    """Send a line to the keeper, and return its answer.

    Raises:
        OSError, EOFError, ValueError: There is none, or not until *end*.
    """
    stream.settimeout(max(LEAST_S, end - time.monotonic()))
    stream.sendall(json.dumps(message).encode() + b"\n")
    data = b""
    while not data.endswith(b"\n"):
        chunk = stream.recv(65536)
        if not chunk:
            raise EOFError
        data += chunk
    answer: dict[str, Any] = json.loads(data)
    return answer
