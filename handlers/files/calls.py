"""Calls of another server, one after the other over one connection, whose answers are short enough to be held.

The address is judged as for files (`remote.py`), once for all calls: they go to the server that was judged, and to no
other. What is sent is a question that may be asked twice.
"""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Final

from handlers.errors import AddressRefused, BadGateway, Unavailable
from handlers.files.fetch import CHUNK_BYTES, HEADERS, Connect, Patience, connect, connected, exchange
from handlers.files.remote import Remote, origin_of

if TYPE_CHECKING:
    import httpx

MOST_BYTES: Final = 64 << 20  #: of all answers to one question
RETRY: Final = {"Retry-After": "1"}
KEPT: Final = {"Connection": "keep-alive"}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a server has answered."""

    status: int
    headers: Mapping[str, str]  #: names in lower case
    body: bytes
    shown: Mapping[str, str] = field(default_factory=dict, repr=False)  #: credentials that the question came with


class Deadline(Patience):
    """Patience that ends at a moment, whatever the peer has sent until then and whoever has kept whom waiting."""

    def __init__(self, seconds: float) -> None:
        """Wait for *seconds* from now on."""
        super().__init__(seconds)
        self._end = time.monotonic() + seconds

    @property
    def left_s(self) -> float:
        """Return how long the next wait may take.

        Raises:
            TimeoutError: No longer.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


class Line:
    """A connection to one server; it is made with the first call, and again where the server has ended it."""

    def __init__(
        self,
        remote: Remote,
        url: str,
        within_s: float,
        connect: Connect = connect,
        headers: Mapping[str, str] | None = None,
        *,
        shown: Mapping[str, str] | None = None,
        most_bytes: int | None = None,
    ) -> None:
        """Judge the address of a server.

        Args:
            remote: Judges it.
            url: Of the server; only its scheme, host and port count.
            within_s: Seconds for all calls together.
            connect: Opens a connection.
            headers: Sent with each call.
            shown: Credentials for this server, sent with each call as well.
            most_bytes: Of all answers together; `MOST_BYTES` by default.

        Raises:
            AddressRefused: This server does not call it, or others could read the credentials on their way.
            BadGateway: Its host has no address.
        """
        self._remote = remote
        self._url = remote.check(url)
        self._address = remote.pinned(self._url)
        self._shown = dict(shown or {})
        if self._shown and not remote.keeps_secrets(self._url, self._address):
            words = "Credentials are sent by https only, but for the networks of SEAMARK_ALLOWED_NETWORKS."
            raise AddressRefused(words)
        self._deadline = Deadline(within_s)
        self._left_bytes = MOST_BYTES if most_bytes is None else most_bytes
        self._within_s = within_s
        self._connect = connect
        self._headers = HEADERS | KEPT | dict(headers or {})
        self._socket: socket.socket | None = None

    def __enter__(self) -> Line:
        """Begin."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Hang up."""
        self._hang_up()

    def call(self, url: str, body: bytes | None = None) -> Answer:
        """Send a GET, or with a body a POST of JSON, and return the answer, whatever its status.

        Raises:
            AddressRefused: It is a URL of another server.
            Unavailable: The server is down, or does not answer in time.
            BadGateway: What it answers is no HTTP, breaks off, or is too long.
        """
        parsed = self._remote.check(url)
        if origin_of(parsed) != origin_of(self._url):
            raise AddressRefused("It leads to another server.")
        try:
            return self._exchanged(parsed, body)
        except TimeoutError as error:
            self._hang_up()
            raise Unavailable(f"{parsed.host} did not answer within {self._within_s:g} s.", headers=RETRY) from error
        except OSError as error:
            self._hang_up()
            raise Unavailable(f"{parsed.host} cannot be reached: {type(error).__name__}.", headers=RETRY) from error
        except (http.client.HTTPException, ValueError) as error:
            self._hang_up()
            raise BadGateway(f"{parsed.host} did not answer as a server does: {type(error).__name__}.") from error

    def _exchanged(self, url: httpx.URL, body: bytes | None) -> Answer:
        """Send a request, and return its answer."""
        if self._socket is None:
            self._socket = connected(self._connect, self._address, url, self._deadline)
        kind = {} if body is None else {"Content-Type": "application/json"}
        method = "GET" if body is None else "POST"
        headers = self._headers | kind | self._shown
        response = exchange(self._socket, url, method, headers, self._deadline, body)
        data = bounded(response, self._left_bytes)
        self._left_bytes -= len(data)
        if response.will_close:
            self._hang_up()
        named = {name.lower(): value for name, value in response.getheaders()}
        return Answer(status=response.status, headers=named, body=data, shown=self._shown)

    def _hang_up(self) -> None:
        """Close the connection; the next call makes another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def bounded(response: http.client.HTTPResponse, most_bytes: int) -> bytes:
    """Return the body of an answer.

    It is read by `read1`: `read` takes a chunk of the length -1 for one that goes on for ever, and keeps all of it.

    Raises:
        BadGateway: It is too long.
        HTTPException, OSError, ValueError: It does not come.
    """
    data = bytearray()
    while chunk := response.read1(CHUNK_BYTES):
        data += chunk
        if len(data) > most_bytes:
            raise BadGateway("The other server's answer is too long.")
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)
    return bytes(data)
