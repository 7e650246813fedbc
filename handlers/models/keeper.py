"""The keeper of this machine's model hosts: `python -m handlers.models.keeper`, settings on standard input.

There is one, which has locked a file. Whoever needs a model starts it, and stays connected; when nobody has been
connected for a while, it ends its hosts and itself.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any, Final

import structlog

from handlers import observability
from handlers.models import places
from handlers.models.kept import KeptHost
from handlers.models.process import Processes, plan_from
from handlers.models.tally import Tallies
from handlers.settings import Settings
from handlers.storage.blobs import open_blobs

TICK_S: Final = 0.25
LINGER_S: Final = 10.0  # without anybody, before it ends
MOST_HOSTS: Final = 48  # a process of ours can run no more than 64 programs apart
LINE_BYTES: Final = 8 << 20

log = structlog.get_logger(__name__)


class Keeper:
    """Starts, counts and stops hosts."""

    def __init__(self, settings: Settings) -> None:
        """Start nothing yet."""
        self.settings = settings
        self.hosts: dict[str, KeptHost] = {}
        self._processes = Processes(settings)
        self._blobs = open_blobs(settings.store_url)
        self._tallies = Tallies()
        self._lock = threading.Lock()

    def answer(self, message: dict[str, Any]) -> dict[str, Any]:
        """Do what is asked; return what is to be said."""
        if "ensure" in message:
            return self.ensure(message["ensure"])
        if "stop" in message:
            self.stop(message["stop"])
        if "counts" in message:
            return {"counts": self._tallies.counts()}
        return {"hosts": len(self.hosts)}

    def ensure(self, document: dict[str, Any]) -> dict[str, Any]:
        """See that there is a host for an endpoint."""
        plan = plan_from(document)
        with self._lock:
            host = self.hosts.get(plan.endpoint)
            if host is not None and host.resting:
                return {"problem": host.problem}
            if host is None or not host.alive:
                self._make_room(1)
                path = places.host_socket(self.settings, plan.endpoint)
                tally = self._tallies.of(plan.endpoint)
                self.hosts[plan.endpoint] = KeptHost(plan, self._processes, self._blobs, path, tally)
        return {}

    def stop(self, endpoint: str) -> None:
        """Stop the host of an endpoint, if there is one."""
        with self._lock:
            host = self.hosts.pop(endpoint, None)
            if host is not None:
                host.stop()  # before another can be started, which listens at the same place

    def look(self) -> None:
        """Kill what hangs; stop what is too much."""
        with self._lock:
            for host in self.hosts.values():
                if host.overdue(self.settings.model_load_s, self.settings.predict_timeout_s):
                    log.warning("a model host hangs, and is killed", endpoint=host.plan.endpoint)
                    host.kill()
            self._make_room(0)

    def close(self) -> None:
        """Stop all hosts, and wait for that."""
        hosts = list(self.hosts.values())
        for host in hosts:
            host.stop()
        for host in hosts:
            host.wait()

    def _make_room(self, wanted: int) -> None:
        """Stop the hosts that were asked least recently, until there is room for *wanted* more."""
        while self._too_many(wanted):
            idle = {endpoint: host.idle_s for endpoint, host in self.hosts.items() if host.idle_s > 0}
            if not idle:
                return
            endpoint = max(idle, key=lambda one: idle[one])
            self.hosts.pop(endpoint).stop()

    def _too_many(self, wanted: int) -> bool:
        """Tell whether hosts are too many, or take too much; one may always be there."""
        if len(self.hosts) + wanted <= 1:
            return False
        taken = sum(host.memory_bytes for host in self.hosts.values())
        return len(self.hosts) + wanted > MOST_HOSTS or taken > self.settings.models_memory_bytes


class Door:
    """Lets those in who want something of the keeper."""

    def __init__(self, keeper: Keeper, path: Path) -> None:
        """Listen at *path*."""
        self.keeper = keeper
        self._lock = threading.Lock()
        self._callers = 0
        self._left = time.monotonic()
        path.unlink(missing_ok=True)
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(path))
        self._listening.listen(64)
        self._listening.settimeout(TICK_S)

    def run(self) -> None:
        """Let callers in until nobody has come for a while."""
        looked = 0.0
        while self._wanted():
            try:
                stream, _ = self._listening.accept()
            except TimeoutError:
                pass
            else:
                self._enter(stream)
            if time.monotonic() - looked > TICK_S:
                looked = time.monotonic()
                self.keeper.look()
        self._listening.close()

    def _wanted(self) -> bool:
        """Tell whether somebody is here, or was here lately."""
        with self._lock:
            return self._callers > 0 or time.monotonic() - self._left < LINGER_S

    def _enter(self, stream: socket.socket) -> None:
        """Serve a caller in a thread of its own."""
        with self._lock:
            self._callers += 1
        stream.settimeout(None)
        threading.Thread(target=self._serve, args=(stream,), name="caller", daemon=True).start()

    def _serve(self, stream: socket.socket) -> None:
        """Answer a caller's lines until it leaves; nobody is waited for after one who says that this was all."""
        lingers = True
        try:
            with stream, stream.makefile("rwb") as lines:
                while line := lines.readline(LINE_BYTES):
                    message = json.loads(line)
                    lingers = "all" not in message
                    lines.write(json.dumps(self.keeper.answer(message)).encode() + b"\n")
                    lines.flush()
        except (OSError, ValueError, TypeError):
            log.warning("a caller of the model keeper has ended badly", exc_info=True)
        finally:
            with self._lock:
                self._callers -= 1
                self._left = time.monotonic() if lingers else -math.inf


def main() -> None:
    """Be the keeper, if there is none yet."""
    settings = Settings(**json.loads(sys.stdin.buffer.read()))
    observability.start_logs(settings, "models")
    places.folder(settings)
    lock = os.open(places.keeper_lock(settings), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    keeper = Keeper(settings)
    try:
        Door(keeper, places.keeper_socket(settings)).run()
    finally:
        keeper.close()


if __name__ == "__main__":
    main()
