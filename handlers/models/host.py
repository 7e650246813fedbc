"""A model host: loads one model and answers those who connect, what waits together as one batch.

`python -m handlers.models.host` with a plan (JSON) as its argument. It runs apart from the server, mostly in a sandbox;
it has a socket that listens already, a page that its keeper looks at, and the model's file.
"""

from __future__ import annotations

import selectors
import socket
import sys
import time
from pathlib import Path
from typing import Any, Final

import orjson

from handlers.models.formats.base import CannotLoad, CannotPredict, Loaded
from handlers.models.frames import FAREWELL, Garbled, Inbox, framed
from handlers.models.page import MEMORY, READY, Page

LOOK_S: Final = 0.2  # between two looks whether to stop
READ_BYTES: Final = 1 << 18
BATCH_ROWS: Final = 4096  # of one call of the model
BACKLOG_BYTES: Final = 128 << 20  # of answers that a caller does not take
ROWS: Final = "rows"

Request = tuple["Caller", Any]


class Caller:
    """One connection: at most one request at a time is under way, but nothing relies on it."""

    def __init__(self, stream: socket.socket) -> None:
        """Begin with nothing said."""
        self.stream = stream
        self.inbox = Inbox()
        self.out = bytearray()


class Host:
    """Answers with one model."""

    def __init__(self, listener: socket.socket, page: Page, model: Loaded | CannotLoad) -> None:
        """Listen; of a model that could not be loaded tell everybody why."""
        self._page = page
        self._model = model
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
                for start in range(0, len(waiting), BATCH_ROWS):
                    self._page.begin()
                    self._answer(waiting[start : start + BATCH_ROWS])
                self._page.end(len(waiting))
            self._page.beat()
            self._measure()
        while self._accept():
            pass  # whoever was still at the door hears farewell, too
        for key in list(self._selector.get_map().values()):
            if key.data is not None:
                self._send(key.data, FAREWELL)

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
                waiting.append((caller, orjson.loads(message)))
            except orjson.JSONDecodeError:
                self._drop(caller)
                return

    def _answer(self, waiting: list[Request]) -> None:
        """Answer requests: those for predictions together, others one by one."""
        rows: list[list[Any]] = []
        askers: list[Caller] = []
        for caller, message in waiting:
            if isinstance(message, list):
                rows.append(message)
                askers.append(caller)
            else:
                self._send(caller, framed(encode(self._other())))
        if rows:
            for caller, answer in zip(askers, self._predict(rows), strict=True):
                self._send(caller, framed(answer))

    def _other(self) -> dict[str, Any]:
        """Return what there is to know of the model."""
        if isinstance(self._model, CannotLoad):
            return {"unloaded": str(self._model)}
        return {"known": self._model.describe()}

    def _predict(self, rows: list[list[Any]]) -> list[bytes]:
        """Return the answer to each row; if the batch fails, each row is tried alone, so that none harms another."""
        if isinstance(self._model, CannotLoad):
            return [encode({"unloaded": str(self._model)})] * len(rows)
        try:
            results = self._model.predict(rows)
            if len(results) != len(rows):
                raise CannotPredict(f"The model gives {len(results)} results for {len(rows)} rows.")
            return [encode({"result": result}) for result in results]
        except Exception as error:  # noqa: BLE001 - a stranger's model may raise anything, and whoever asks is told
            if len(rows) > 1:
                return [self._predict([row])[0] for row in rows]
            return [encode({"refused": words_of(error)})]

    def _send(self, caller: Caller, data: bytes) -> None:
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


def encode(answer: dict[str, Any]) -> bytes:
    """Return an answer as JSON; NaN becomes null."""
    return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS)


def words_of(error: Exception) -> str:
    """Return in one line what a model says of an input that it does not take."""
    words = " ".join(str(error).split()) or type(error).__name__
    return words if isinstance(error, CannotPredict) else f"{type(error).__name__}: {words[:1000]}"


def resident_bytes() -> int:
    """Return the memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def load(plan: dict[str, Any]) -> Loaded | CannotLoad:
    """Load the model that a plan names."""
    from handlers.models.formats.loading import load_model

    try:
        return load_model(plan)
    except CannotLoad as error:
        return error
    except MemoryError:
        return CannotLoad("It needs more memory than a model may have.")
    except Exception as error:  # noqa: BLE001 - a file may make its library raise anything; its owner is told
        return CannotLoad(words_of(error))


def main() -> None:
    """Be the host that the argument describes."""
    plan = orjson.loads(sys.argv[1])
    page = Page(plan["page"])
    page.begin()
    model = load(plan)
    page.end()
    page.write(MEMORY, resident_bytes())
    page.write(READY, 1.0)
    Host(socket.socket(fileno=plan["listener"]), page, model).run()


if __name__ == "__main__":
    main()
