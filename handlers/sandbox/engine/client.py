"""The Docker Engine API over a unix socket: a question at a time, each with a connection of its own.

The engine is trusted, and what it hands on of images and registries is not: answers are bounded, and its words go into
our log rather than to strangers.

Source:
    Docker Engine API 1.41 and newer, and Podman's compatible API; the version is the one that the engine names.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

from handlers.errors import SandboxUnavailable

ANSWER_BYTES: Final = 8 << 20
LINE_BYTES: Final = 1 << 20
WORDS_BYTES: Final = 500
ANSWER_S: Final = 60.0  # making and removing a container take that long on a machine under load
PING_S: Final = 5.0


class EngineError(Exception):
    """The engine does not do what it was asked to; the text is what it says."""

    def __init__(self, status: int, words: str) -> None:
        """Keep the HTTP status and the engine's words."""
        super().__init__(words)
        self.status = status


class Connection(HTTPConnection):
    """A connection to a unix socket."""

    def __init__(self, path: Path, timeout_s: float) -> None:
        """Connect to nothing yet; each step may take *timeout_s* seconds."""
        super().__init__("engine", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        """Connect."""
        self.sock = self._wire = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))

    def cut(self) -> None:
        """Have the reader meet the end, from whichever thread."""
        with suppress(OSError):  # it is at its end already
            self._wire.shutdown(socket.SHUT_RDWR)


@dataclass(frozen=True)
class Exchange:
    """A question that is being answered."""

    answer: HTTPResponse
    cut: Callable[[], None]  #: ends it: whoever reads the answer meets its end


class Engine:
    """A container engine."""

    def __init__(self, path: Path) -> None:
        """Ask at the socket *path*; nothing is asked yet."""
        self.path = path

    @cached_property
    def _prefix(self) -> str:
        """What the paths of the API begin with: the version that the engine prefers."""
        try:
            with self._asking("GET", "/_ping", None, PING_S) as exchange:
                version = exchange.answer.headers.get("Api-Version", "")
        except TimeoutError as error:
            raise SandboxUnavailable(f"The container engine did not answer within {PING_S:g} s.") from error
        return f"/v{quote(version)}" if version else ""

    def ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        *,
        timeout_s: float = ANSWER_S,
    ) -> Any:
        """Return the JSON value that is the answer; None for an empty one.

        Raises:
            EngineError: The engine refuses.
            SandboxUnavailable: It does not answer, or not in this language.
        """
        try:
            with self.stream(method, path, query, body, timeout_s=timeout_s) as exchange:
                text = exchange.answer.read(ANSWER_BYTES + 1)
        except TimeoutError as error:
            raise SandboxUnavailable(f"The container engine did not answer within {timeout_s:g} s.") from error
        if len(text) > ANSWER_BYTES:
            raise SandboxUnavailable("The container engine answers with more than is read.")
        return parsed(text) if text.strip() else None

    @contextmanager
    def stream(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        *,
        timeout_s: float = ANSWER_S,
    ) -> Iterator[Exchange]:
        """Give the answer, to be read; leaving closes the connection, and the engine gives up what it was at.

        Raises:
            EngineError, SandboxUnavailable: As for `ask`.
            TimeoutError: A step takes longer than *timeout_s* seconds.
        """
        whole = self._prefix + path + (f"?{urlencode(query)}" if query else "")
        with self._asking(method, whole, body, timeout_s) as exchange:
            if exchange.answer.status >= 400:
                raise EngineError(exchange.answer.status, message(exchange.answer.read(ANSWER_BYTES)))
            yield exchange

    @contextmanager
    def _asking(self, method: str, path: str, body: Mapping[str, Any] | None, timeout_s: float) -> Iterator[Exchange]:
        """Ask, and give what comes back."""
        connection = Connection(self.path, timeout_s)
        headers = {} if body is None else {"Content-Type": "application/json"}
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            yield Exchange(connection.getresponse(), connection.cut)
        except TimeoutError:
            raise
        except (OSError, HTTPException) as error:
            words = f"The container engine does not answer: {type(error).__name__}: {error}"[:WORDS_BYTES]
            raise SandboxUnavailable(words) from error
        finally:
            connection.close()


def lines(answer: HTTPResponse) -> Iterator[Mapping[str, Any]]:
    """Give the JSON objects of an answer that has one in each line.

    Raises:
        SandboxUnavailable: A line is none, or longer than is read.
    """
    while line := answer.readline(LINE_BYTES):
        if line.strip():
            found = parsed(line)
            yield found if isinstance(found, dict) else {}


def parsed(text: bytes) -> Any:
    """Return a JSON value.

    Raises:
        SandboxUnavailable: It is none.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SandboxUnavailable("What answers as the container engine does not speak its language.") from error


def message(text: bytes) -> str:
    """Return what the engine says of an error, in one line."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = {}
    words = found.get("message") if isinstance(found, dict) else None
    return " ".join(str(words or text.decode(errors="replace")).split())[:WORDS_BYTES]
