"""What every host does: takes in callers, collects what waits, sends answers, and stops when its keeper asks."""

from __future__ import annotations

import selectors
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import orjson

from handlers.models.frames import FAREWELL, Garbled, Inbox
from handlers.models.page import BATCH_ROWS, MEMORY, READY, Page

LOOK_S: Final = 0.2  # between two looks whether to stop
READ_BYTES: Final = 1 << 18
MOST_ROWS: Final = BATCH_ROWS[-1]  # of one call of the model
BACKLOG_BYTES: Final = 128 << 20  # of answers that a caller does not take

Request = tuple["Caller", Any]
Loaded = TypeVar("Loaded")


class Caller:
    """One connection: at most one request at a time is under way, but nothing relies on it."""

    def __init__(self, stream: socket.socket) -> None:
        """Begin with nothing said."""
        self.stream = stream
        self.inbox = Inbox()
        self.out = bytearray()


class Host:
    """Takes in who connects, collects what they ask, and answers until its keeper asks it to stop."""

    def __init__(self, listener: socket.socket, page: Page) -> None:
        """Listen."""
        self._page = page
        self._selector = selectors.DefaultSelector()
        self._listener = listener
        listener.setblocking(False)
        self._selector.register(listener, selectors.EVENT_READ, None)
        self._measured = 0.0

    def run(self) -> None:
        """Answer until asked to stop; then say farewell."""
        while not self._page.stopping:
            waiting = self._collect()
            if waiting:
                for start in range(0, len(waiting), MOST_ROWS):
                    self._page.begin()
                    self.answer(waiting[start : start + MOST_ROWS])
                self._page.end()
            self._page.beat()
            self._measure()
        while self._accept():
            pass  # whoever was still at the door hears farewell, too
        for key in list(self._selector.get_map().values()):
            if key.data is not None:
                self.send(key.data, FAREWELL)

    def _collect(self) -> list[Request]:
        """Wait for requests, and return all that there are."""
        waiting: list[Request] = []
        for key, events in self._selector.select(LOOK_S):
            if key.data is None:
                self._accept()
                continue
            if events & selectors.EVENT_WRITE:
                self._flush(key.data)
            if events & selectors.EVENT_READ:
                self._read(key.data, waiting)
        return waiting

    def _accept(self) -> bool:
        """Take in who has connected; tell whether there was anybody."""
        try:
            stream, _ = self._listener.accept()
        except BlockingIOError:
            return False
        stream.setblocking(False)
        self._selector.register(stream, selectors.EVENT_READ, Caller(stream))
        return True

    def _read(self, caller: Caller, waiting: list[Request]) -> None:
        """Read what a caller has sent; one that is gone, or sends what is no message, is let go."""
        try:
            data = caller.stream.recv(READ_BYTES)
            messages = caller.inbox.add(data)
        except BlockingIOError:
            return
        except (OSError, Garbled):
            data, messages = b"", []
        if not data:
            self._drop(caller)
            return
        for message in messages:
            try:
                waiting.append((caller, self.read(message)))
            except ValueError:
                self._drop(caller)
                return

    def read(self, message: bytes) -> Any:
        """Return what is asked in a message.

        Raises:
            ValueError: It is no message for us.
        """
        raise NotImplementedError

    def answer(self, waiting: list[Request]) -> None:
        """Answer requests, in any order."""
        raise NotImplementedError

    def send(self, caller: Caller, data: bytes) -> None:
        """Send as much as the caller takes now, and the rest when it takes more."""
        if not caller.out:
            try:
                sent = caller.stream.send(data)
            except BlockingIOError:
                sent = 0
            except OSError:
                self._drop(caller)
                return
            if sent == len(data):
                return
            data = data[sent:]
        caller.out += data
        if len(caller.out) > BACKLOG_BYTES:
            self._drop(caller)
            return
        self._selector.modify(caller.stream, selectors.EVENT_READ | selectors.EVENT_WRITE, caller)

    def _flush(self, caller: Caller) -> None:
        """Send more of what waits for a caller."""
        try:
            sent = caller.stream.send(caller.out)
        except BlockingIOError:
            return
        except OSError:
            self._drop(caller)
            return
        del caller.out[:sent]
        if not caller.out:
            self._selector.modify(caller.stream, selectors.EVENT_READ, caller)

    def _drop(self, caller: Caller) -> None:
        """Let a caller go."""
        if caller.stream.fileno() >= 0:
            self._selector.unregister(caller.stream)
            caller.stream.close()

    def _measure(self) -> None:
        """Note now and then how much memory we take."""
        if time.monotonic() - self._measured > 1.0:
            self._measured = time.monotonic()
            self._page.write(MEMORY, resident_bytes())


def serve(load: Callable[[dict[str, Any]], Loaded], host: Callable[[socket.socket, Page, Loaded], Host]) -> None:
    """Be the host that the argument of this program describes (JSON).

    Args:
        load: Returns what a plan names, ready, or why it is not.
        host: Makes the host that answers with it.
    """
    plan = orjson.loads(sys.argv[1])
    page = Page(plan["page"])
    page.begin()
    loaded = load(plan)
    page.end()
    page.write(MEMORY, resident_bytes())
    page.write(READY, 1.0)
    host(socket.socket(fileno=plan["listener"]), page, loaded).run()


def resident_bytes() -> int:
    """Return the memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
