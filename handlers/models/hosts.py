"""Ask model hosts, from any thread of a web process."""

from __future__ import annotations

import os
import select
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

import orjson

from handlers.errors import Unavailable
from handlers.models import places
from handlers.models.frames import Closed, Garbled, framed, receive
from handlers.models.line import Line
from handlers.models.process import Plan
from handlers.settings import Settings

RETRY: Final = {"Retry-After": "1"}
GONE: Final = (FileNotFoundError, ConnectionRefusedError)
SWEEP_S: Final = 10.0
TRIES: Final = 3  #: hosts may be stopped for want of memory while we come


class Hosts:
    """The hosts of this machine, as one web process sees them."""

    def __init__(self, settings: Settings) -> None:
        """Connect to nothing yet."""
        self.settings = settings
        self.line = Line(settings)
        self._streams = Streams(settings)

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
                with suppress(BrokenPipeError, ConnectionResetError):  # then a farewell may be there to read
                    stream.sendall(data)
                answers = [as_answer(receive(stream)) for _ in messages]
            except Closed as closed:
                stream.close()
                if not closed.farewell:
                    raise died() from closed
            except (ConnectionError, Garbled, orjson.JSONDecodeError) as error:
                stream.close()
                raise died() from error
            except TimeoutError as error:
                stream.close()
                raise Unavailable(f"The model has not answered within {within_s:g} s.", headers=RETRY) from error
            else:
                self._streams.put(plan.endpoint, stream)
                return answers
        raise Unavailable("The model is being unloaded and loaded; try again.", headers=RETRY)

    def warm(self, plan: Plan) -> None:
        """Have a host started, without waiting for it.

        Raises:
            Unavailable: It was tried just now, and keeps ending.
        """
        answer = self.line.ask({"ensure": plan.as_document()})
        if problem := answer.get("problem"):
            raise Unavailable(f"The model cannot be loaded at the moment: {problem}", headers=RETRY)

    def ready(self) -> None:
        """See that there is a keeper, so that what is loaded from now on stays loaded.

        Raises:
            Unavailable: It does not start.
        """
        self.line.ask({})

    def stop(self, endpoint: str) -> None:
        """Have the host of an endpoint stopped, if there is one."""
        self.line.tell({"stop": endpoint})

    def close(self) -> None:
        """Hang up."""
        self._streams.close()
        self.line.close()

    def _connected(self, plan: Plan, end: float) -> socket.socket:
        """Return a connection to the host, which is started if there is none."""
        if (stream := self._streams.take(plan.endpoint)) is not None:
            return stream
        while time.monotonic() < end:
            try:
                return connect(str(places.host_socket(self.settings, plan.endpoint)))
            except GONE:
                self.warm(plan)
        raise Unavailable("The model could not be reached in time.", headers=RETRY)


class Streams:
    """Connections to hosts that nobody uses at the moment."""

    def __init__(self, settings: Settings) -> None:
        """Keep none yet; at most as many to one host as there are threads."""
        self._most = settings.web_threads
        self._process = os.getpid()
        self._idle: dict[str, list[socket.socket]] = {}
        self._swept = time.monotonic()

    def take(self, endpoint: str) -> socket.socket | None:
        """Return a connection that is good still; None: there is none."""
        if self._process != os.getpid():  # those from before a fork are another process's, too
            self._process, self._idle = os.getpid(), {}
        idle = self._idle.get(endpoint)
        while idle:
            try:
                stream = idle.pop()
            except IndexError:  # another thread was faster
                return None
            if not readable(stream):
                return stream
            stream.close()  # its host has said farewell, or has died, before we asked anything
        return None

    def put(self, endpoint: str, stream: socket.socket) -> None:
        """Give a connection back."""
        idle = self._idle.setdefault(endpoint, [])
        if len(idle) < self._most:
            idle.append(stream)
        else:
            stream.close()
        if time.monotonic() - self._swept > SWEEP_S:
            self._swept = time.monotonic()
            self._sweep()

    def close(self) -> None:
        """Close all."""
        while self._idle:
            for stream in self._idle.popitem()[1]:
                stream.close()

    def _sweep(self) -> None:
        """Close the connections to hosts that are no more."""
        for endpoint in list(self._idle):
            good = []
            while (stream := self.take(endpoint)) is not None:
                good.append(stream)
            if good:
                self._idle.setdefault(endpoint, []).extend(good)
            else:
                self._idle.pop(endpoint, None)


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
