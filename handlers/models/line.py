"""The line to this machine's keeper, which is started where there is none."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from typing import Any, Final

from handlers.errors import Unavailable
from handlers.models import places
from handlers.settings import Settings

START_S: Final = 20.0  # that a keeper may take to start, on a machine under load
ANSWER_S: Final = 20.0
PAUSE_S: Final = 0.02
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
    """One connection to the keeper, kept for as long as this process may want models."""

    def __init__(self, settings: Settings) -> None:
        """Connect when first needed."""
        self.settings = settings
        self._lock = threading.Lock()
        self._stream: socket.socket | None = None
        self._process = 0

    def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """Ask the keeper, which is started if there is none.

        Raises:
            Unavailable: It does not start, or does not answer.
        """
        with self._lock:
            for attempt in range(3):
                try:
                    return self._ask(message)
                except (OSError, EOFError, ValueError):
                    self._hang_up()
                    if attempt == 2:
                        break
        raise Unavailable("Models cannot be loaded at the moment.", headers={"Retry-After": str(RETRY_AFTER_S)})

    def reaches(self) -> bool:
        """Tell whether there is a keeper on this machine; none is started."""
        with self._lock:
            try:
                self._stream = self._here() or self._reached()
            except OSError:
                return False
            return True

    def tell(self, message: dict[str, Any]) -> None:
        """Tell the keeper something, if there is one."""
        with self._lock:
            try:
                self._stream = self._here() or self._reached()
                self._ask(message)
            except (OSError, EOFError, ValueError):
                self._hang_up()  # it has ended, and its hosts with it

    def close(self) -> None:
        """Hang up."""
        with self._lock:
            self._hang_up()

    def _ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """Send a line and return the answer."""
        stream = self._stream = self._here() or self._connected()
        stream.sendall(json.dumps(message).encode() + b"\n")
        data = b""
        while not data.endswith(b"\n"):
            chunk = stream.recv(65536)
            if not chunk:
                raise EOFError
            data += chunk
        answer: dict[str, Any] = json.loads(data)
        return answer

    def _here(self) -> socket.socket | None:
        """Return the connection, unless it is another process's, from before a fork."""
        return self._stream if self._process == os.getpid() else None

    def _hang_up(self) -> None:
        """Close the connection."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

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
        self._process = os.getpid()
        return stream

    def _connected(self) -> socket.socket:
        """Connect to the keeper, and start one if there is none.

        Raises:
            TimeoutError: None comes.
        """
        end, started = time.monotonic() + START_S, False
        while time.monotonic() < end:
            try:
                return self._reached()
            except (FileNotFoundError, ConnectionRefusedError):
                if not started:
                    started = True
                    self._start()
                time.sleep(PAUSE_S)
        raise TimeoutError

    def _start(self) -> None:
        """Start a keeper; where another is just starting, this one ends."""
        places.folder(self.settings)
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "handlers.models.keeper"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in a terminal is our affair; it ends when all have hung up
        )
        assert process.stdin is not None, "a pipe was asked for"
        with process.stdin:
            process.stdin.write(self.settings.model_dump_json(include=set(GIVEN)).encode())
        threading.Thread(target=process.wait, name="keeper", daemon=True).start()
