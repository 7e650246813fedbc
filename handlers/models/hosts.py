"""Ask model hosts, from any thread of a web process."""

from __future__ import annotations

import os
import select
import socket
import threading
import time
from collections.abc import Sequence
from typing import Any, Final

import orjson

from handlers.errors import TimedOut, Unavailable
from handlers.models import places
from handlers.models.frames import Closed, Garbled, framed, receive
from handlers.models.line import Line
from handlers.models.process import Plan
from handlers.settings import Settings

RETRY: Final = {"Retry-After": "1"}
GONE: Final = (FileNotFoundError, ConnectionRefusedError)
TRIES: Final = 3  #: hosts may be stopped for want of memory while we come


class Hosts:
    """The hosts of this machine, as one web process sees them; each thread has connections of its own."""

    def __init__(self, settings: Settings) -> None:
        """Connect to nothing yet."""
        self.settings = settings
        self.line = Line(settings)
        self._local = threading.local()

    def ask(self, plan: Plan, message: Any, within_s: float) -> dict[str, Any]:
        """Ask the host of an endpoint, and return its answer.

        Raises:
            Unavailable: It has died over it, cannot be started, or does not answer in time.
        """
        return self.ask_many(plan, [message], within_s)[0]

    def ask_many(self, plan: Plan, messages: Sequence[Any], within_s: float) -> list[dict[str, Any]]:
        """Ask the host of an endpoint several things at once, which it takes as one batch; return its answers.

        Raises:
            Unavailable: As for `ask`.
        """
        data, end = b"".join(framed(orjson.dumps(message)) for message in messages), time.monotonic() + within_s
        for _ in range(TRIES):
            stream = self._connected(plan, end)
            try:
                stream.settimeout(max(0.001, end - time.monotonic()))
                stream.sendall(data)
                return [as_answer(receive(stream)) for _ in messages]
            except Closed as closed:
                self._forget(plan.endpoint)
                if not closed.farewell:
                    raise died() from closed
            except (ConnectionError, Garbled, orjson.JSONDecodeError) as error:
                self._forget(plan.endpoint)
                raise died() from error
            except TimeoutError as error:
                self._forget(plan.endpoint)
                raise Unavailable(f"The model has not answered within {within_s:g} s.", headers=RETRY) from error
        raise Unavailable("The model is being unloaded and loaded; try again.", headers=RETRY)

    def warm(self, plan: Plan) -> None:
        """Have a host started, without waiting for it."""
        answer = self.line.ask({"ensure": plan.as_document()})
        if problem := answer.get("problem"):
            raise Unavailable(f"The model cannot be loaded at the moment: {problem}", headers=RETRY)

    def stop(self, endpoint: str) -> None:
        """Have the host of an endpoint stopped, if there is one."""
        self.line.tell({"stop": endpoint})

    def close(self) -> None:
        """Hang up."""
        self.line.close()

    def _connected(self, plan: Plan, end: float) -> socket.socket:
        """Return a connection of this thread to the host, which is started if there is none."""
        streams = self._streams()
        stream = streams.get(plan.endpoint)
        if stream is not None:
            if not readable(stream):
                return stream
            self._forget(plan.endpoint)  # it has said farewell, or has died, before we asked anything
        while time.monotonic() < end:
            try:
                found = connect(str(places.host_socket(self.settings, plan.endpoint)))
            except GONE:
                self.warm(plan)
                continue
            streams[plan.endpoint] = found
            return found
        raise TimedOut("The model could not be reached in time.")

    def _streams(self) -> dict[str, socket.socket]:
        """Return the connections of this thread, which no process shares with the one it was forked from."""
        if getattr(self._local, "process", 0) != os.getpid():
            self._local.process = os.getpid()
            self._local.streams = {}
        found: dict[str, socket.socket] = self._local.streams
        return found

    def _forget(self, endpoint: str) -> None:
        """Close this thread's connection to a host."""
        stream = self._streams().pop(endpoint, None)
        if stream is not None:
            stream.close()


def connect(path: str) -> socket.socket:
    """Return a connection to a socket's path."""
    stream = socket.socket(socket.AF_UNIX)
    try:
        stream.connect(path)
    except OSError:
        stream.close()
        raise
    return stream


def readable(stream: socket.socket) -> bool:
    """Tell whether there is something to read, though nothing was asked."""
    poll = select.poll()
    poll.register(stream, select.POLLIN)
    return bool(poll.poll(0))


def as_answer(data: bytes) -> dict[str, Any]:
    """Return what a host said; it may be a stranger's program by now.

    Raises:
        Garbled: It is no answer.
    """
    answer = orjson.loads(data)
    if not isinstance(answer, dict):
        raise Garbled
    return answer


def died() -> Unavailable:
    """Return the error for a host that has died."""
    return Unavailable("The process of the model has ended; it is being started again.", headers=RETRY)
