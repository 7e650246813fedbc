"""Requests by http and https whose answers are streamed, to addresses that were judged before anything was sent.

http.client is used rather than httpx: it reads straight from the socket, so nothing is copied on the way, and it
lets us connect to just the address that was judged, while the certificate is still checked against the name.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from handlers.errors import BadGateway
from handlers.files.remote import Remote, certificates, host_of, port_of

if TYPE_CHECKING:
    import httpx
    from typing_extensions import Buffer

Connect = Callable[[tuple[str, int], float], socket.socket]

CHUNK_BYTES: Final = 1 << 16
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
MOST_REDIRECTS: Final = 5
LEAST_RATE: Final = 1024  # bytes a second, below which a peer counts as stuck
HEADERS: Final = {"Accept": "*/*", "Accept-Encoding": "identity", "Connection": "close", "User-Agent": "seamark"}


def connect(address: tuple[str, int], timeout_s: float) -> socket.socket:
    """Open a connection to an address and a port."""
    return socket.create_connection(address, timeout_s)


class Patience:
    """How long a peer may keep us waiting: some seconds at a time and in all, and longer the more it has sent.

    Only the time that is spent waiting for the peer counts, so that a slow reader on our side does no harm.
    """

    def __init__(self, seconds: float, least_rate: float = LEAST_RATE) -> None:
        """Wait for *seconds*, and then for as long as the peer keeps up *least_rate*, in bytes a second."""
        self._seconds = seconds
        self._least_rate = least_rate
        self._waited = 0.0
        self._received = 0

    @property
    def left_s(self) -> float:
        """Return how long the next wait may take.

        Raises:
            TimeoutError: No longer.
        """
        left = self._seconds + self._received / self._least_rate - self._waited
        if left <= 0:
            raise TimeoutError
        return min(left, self._seconds)

    def note(self, waited_s: float, received: int) -> None:
        """Count a wait and what came of it."""
        self._waited += waited_s
        self._received += received


class PatientSocket(io.RawIOBase):
    """A socket as http.client uses it, read with patience and closed only when we say so."""

    def __init__(self, sock: socket.socket, patience: Patience) -> None:
        super().__init__()
        self._socket = sock
        self._patience = patience

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: Buffer) -> int:
        """Fill *buffer* with what has arrived."""
        self._socket.settimeout(self._patience.left_s)
        begun = time.monotonic()
        received = self._socket.recv_into(memoryview(buffer))
        self._patience.note(time.monotonic() - begun, received)
        return received

    def sendall(self, data: Buffer) -> None:
        """Send *data* piece by piece, so that what a slow peer may still take gets less with each."""
        whole = memoryview(data).cast("B")
        for start in range(0, len(whole), CHUNK_BYTES):
            self._socket.settimeout(self._patience.left_s)
            self._socket.sendall(whole[start : start + CHUNK_BYTES])

    def makefile(self, *_: Any, **__: Any) -> io.BufferedReader:
        """Return what the answer is read from."""
        return io.BufferedReader(self, 1 << 16)

    def close(self) -> None:
        """Keep the connection: http.client closes it as soon as it knows that no other request follows."""


@dataclass(kw_only=True)
class Fetched:
    """The answer to a request, its body still to be read."""

    url: str  #: where the redirects ended
    status: int
    headers: Mapping[str, str]  #: names in lower case
    response: http.client.HTTPResponse
    socket: socket.socket

    @property
    def length(self) -> int | None:
        """Bytes of the body, where the answer tells."""
        text = self.headers.get("content-length", "")
        known = text.isascii() and text.isdigit() and "transfer-encoding" not in self.headers
        return int(text) if known and len(text) < 19 else None

    def chunks(self) -> Iterator[bytes]:
        """Return the body as it arrives.

        Raises:
            BadGateway: It breaks off, or does not come.
        """
        left = self.length
        while left is None or left > 0:
            chunk = self._read(CHUNK_BYTES if left is None else min(left, CHUNK_BYTES))
            if not chunk and left is None:
                return
            if not chunk:
                raise BadGateway("The file broke off before its end.")
            if left is not None:
                left -= len(chunk)
            yield chunk

    def close(self) -> None:
        """End the connection."""
        self.socket.close()

    def _read(self, size: int) -> bytes:
        """Return up to *size* bytes of the body."""
        try:
            return self.response.read1(size)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise BadGateway(f"The file broke off: {type(error).__name__}.") from error


class Fetcher:
    """Sends requests that a stranger's file needs."""

    def __init__(
        self, remote: Remote, *, patience_s: float, least_rate: float = LEAST_RATE, connect: Connect = connect
    ) -> None:
        """Go where *remote* lets us.

        Args:
            remote: Judges addresses.
            patience_s: How long a peer may keep us waiting, in seconds.
            least_rate: Bytes a second by which a peer earns more of it; infinity: it earns none.
            connect: Opens a connection.
        """
        self._remote = remote
        self._patience_s = patience_s
        self._least_rate = least_rate
        self._connect = connect

    def open(self, url: str, *, method: str = "GET", headers: Mapping[str, str] | None = None) -> Fetched:
        """Send a request, follow its redirects, and return the answer; its caller closes it.

        Raises:
            AddressRefused: It leads where this server does not call.
            BadGateway: There is no answer.
        """
        patience = Patience(self._patience_s, self._least_rate)
        for _ in range(MOST_REDIRECTS + 1):
            parsed = self._remote.check(url)
            found = self._send(parsed, method, HEADERS | dict(headers or {}), patience)
            target = found.headers.get("location", "")
            if found.status not in REDIRECTS or not target:
                return found
            found.close()
            url = joined(parsed, target)
        raise BadGateway("There are too many redirects.")

    def _send(self, url: httpx.URL, method: str, headers: dict[str, str], patience: Patience) -> Fetched:
        """Send one request."""
        address = self._remote.pinned(url)
        sock: socket.socket | None = None
        begun = time.monotonic()
        try:
            sock = connected(self._connect, address, url, patience)
            patience.note(time.monotonic() - begun, 0)
            response = exchange(sock, url, method, headers, patience)
        except (OSError, ssl.SSLError, http.client.HTTPException, ValueError) as error:
            if sock is not None:
                sock.close()
            raise BadGateway(f"The file's server did not answer: {type(error).__name__}.") from error
        names = {name.lower(): value for name, value in response.getheaders()}
        return Fetched(url=str(url), status=response.status, headers=names, response=response, socket=sock)


def connected(connect: Connect, address: str, url: httpx.URL, patience: Patience) -> socket.socket:
    """Return a connection for *url* to just *address*, the certificate checked against the name.

    Raises:
        OSError: There is none, or the certificate is another's.
    """
    sock = connect((address, port_of(url)), patience.left_s)
    if url.scheme != "https":
        return sock
    try:
        sock.settimeout(patience.left_s)
        return certificates().wrap_socket(sock, server_hostname=host_of(url))
    except OSError:
        sock.close()
        raise


def exchange(
    sock: socket.socket,
    url: httpx.URL,
    method: str,
    headers: Mapping[str, str],
    patience: Patience,
    body: bytes | None = None,
) -> http.client.HTTPResponse:
    """Send a request over a connection, and return the answer once its headers are there."""
    line = http.client.HTTPConnection(host_of(url), port_of(url))
    line.sock = PatientSocket(sock, patience)
    target = url.raw_path.decode("ascii")
    line.request(method, target, body, headers={"Host": url.netloc.decode("ascii"), **headers})
    return line.getresponse()


def joined(url: httpx.URL, target: str) -> str:
    """Return where a redirect leads.

    Raises:
        BadGateway: It leads nowhere.
    """
    import httpx

    try:
        return str(url.join(target.encode("latin-1").decode("utf-8", "replace")))
    except (httpx.InvalidURL, UnicodeError) as error:
        raise BadGateway("A redirect leads nowhere.") from error
