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
from handlers.models.waits import RETRY, Wait, crowded
from handlers.seats import Seats
from handlers.settings import Settings

GONE: Final = (FileNotFoundError, ConnectionRefusedError)
SWEEP_S: Final = 10.0
COUNTS_S: Final = 2.0  #: whoever asks for figures asks again
TRIES: Final = 3  #: hosts may be stopped for want of memory while we come


class Hosts:
    """The hosts of this machine, as one web process sees them."""

    def __init__(self, settings: Settings, seats: Seats | None = None) -> None:
        """Connect to nothing yet; wait for what is slow in *seats*, or else in as many as this process may have."""
        self.settings = settings
        self.seats = seats or Seats(settings.web_threads)
        self.line = Line(settings)
        self._streams = Streams(settings)

    def ask(self, plan: Plan, message: Any, within_s: float) -> dict[str, Any]:
        """Ask the host of an endpoint, and return its answer.

        Raises:
            Unavailable: It has died over it, cannot be started, does not answer in time, or too many wait for it.
        """
        return self.ask_many(plan, [message], within_s)[0]

    def ask_many(self, plan: Plan, messages: Sequence[Any], within_s: float) -> list[dict[str, Any]]:
        """Ask the host of an endpoint several things at once, which it takes as one batch; return its answers.

        Raises:
            Unavailable: As for `ask`.
        """
        try:
            answers = self.exchange(plan, [orjson.dumps(message) for message in messages], within_s)
            return [as_answer(answer) for answer in answers]
        except (Garbled, orjson.JSONDecodeError) as error:
            self.stop(plan.endpoint)
            raise died(plan) from error

    def exchange(self, plan: Plan, messages: Sequence[bytes], within_s: float) -> list[bytes]:
        """Send messages to the host of an endpoint, and return as many answers, as they come.

        Raises:
            Unavailable: As for `ask`.
        """
        data = b"".join(framed(message) for message in messages)
        with Wait(self.seats, plan.endpoint, within_s) as wait:
            return self._exchanged(plan, data, len(messages), wait)

    def _exchanged(self, plan: Plan, data: bytes, count: int, wait: Wait) -> list[bytes]:
        """Send a host what *data* holds, and return so many answers."""
        for _ in range(TRIES):
            stream = self._connected(plan, wait)
            try:
                attended = wait.attend(stream)
                with suppress(BrokenPipeError, ConnectionResetError):  # then a farewell may be there to read
                    attended.sendall(data)
                answers = [receive(attended) for _ in range(count)]
            except Closed as closed:
                stream.close()
                if not closed.farewell:
                    self._revive(plan, wait)
                    raise died(plan) from closed
            except ConnectionError as error:
                stream.close()
                self._revive(plan, wait)
                raise died(plan) from error
            except Garbled as error:
                stream.close()
                raise died(plan) from error
            except TimeoutError as error:
                stream.close()
                words = f"The {plan.subject} has not answered within {wait.within_s:g} s."
                raise Unavailable(words, headers=RETRY) from error
            except Unavailable:
                stream.close()
                raise
            else:
                self._streams.put(plan.endpoint, stream)
                return answers
        raise Unavailable(f"The {plan.subject} is being unloaded and loaded; try again.", headers=RETRY)

    def warm(self, plan: Plan, within_s: float | None = None) -> None:
        """Have a host started, without waiting for it.

        Raises:
            Unavailable: It was tried just now, and keeps ending; or the keeper does not answer, within so many seconds.
        """
        answer = self.line.ask({"ensure": plan.as_document()}, within_s)
        if problem := answer.get("problem"):
            raise Unavailable(f"The {plan.subject} cannot be loaded at the moment: {problem}", headers=RETRY)

    def ready(self) -> None:
        """See that there is a keeper, so that what is loaded from now on stays loaded.

        Raises:
            Unavailable: It does not start.
        """
        self.line.ask({})

    def stop(self, endpoint: str) -> None:
        """Have the host of an endpoint stopped, if there is one."""
        self.line.tell({"stop": endpoint})

    def batches(self) -> dict[str, list[float]]:
        """Return what models of this machine were called with, by endpoint: rows in all, and calls by `BATCH_ROWS`."""
        found: dict[str, list[float]] = self.line.tell({"counts": True}, COUNTS_S).get("counts", {})
        return found

    def close(self, *, for_good: bool = False) -> None:
        """Hang up; *for_good* if a keeper that nobody else needs had best end at once."""
        self._streams.close()
        if for_good:
            self.line.tell({"all": True})
        self.line.close()

    def _connected(self, plan: Plan, wait: Wait) -> socket.socket:
        """Return a connection to the host, which is started if there is none; whoever waits for that has a seat."""
        if (stream := self._streams.take(plan.endpoint)) is not None:
            return stream
        while time.monotonic() < wait.end:
            try:
                return connect(str(places.host_socket(self.settings, plan.endpoint)))
            except GONE:
                wait.sit()
                self.warm(plan, wait.left_s)
            except BlockingIOError as error:
                raise crowded() from error
        raise Unavailable(f"The {plan.subject} could not be reached in time.", headers=RETRY)

    def _revive(self, plan: Plan, wait: Wait) -> None:
        """Have a host that has died started again.

        Raises:
            Unavailable: That is in vain; the words say why. Or nobody else may wait for it.
        """
        wait.sit()
        self.warm(plan, wait.left_s)


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
    """Return a connection to a socket's path.

    Raises:
        BlockingIOError: As many as may wait at its door do.
        OSError: Nobody listens there.
    """
    stream = socket.socket(socket.AF_UNIX)
    stream.setblocking(False)
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


def died(plan: Plan) -> Unavailable:
    """Return the error for a host that has died."""
    return Unavailable(f"The process of the {plan.subject} has ended; it is being started again.", headers=RETRY)
