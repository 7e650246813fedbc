"""Models of other servers: what they are is read and kept, and what is predicted is asked of them each time.

What another server says is a stranger's word: bounded, and looked at before it goes on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import orjson

from handlers.errors import BadGateway, Unavailable
from handlers.files.calls import RETRY, Line
from handlers.files.fetch import Connect, connect
from handlers.files.remote import Remote
from handlers.models.credentials import Safe
from handlers.models.known import MOST_BYTES, Implausible, plausible
from handlers.models.records import Endpoint
from handlers.models.remoteops import Ops
from handlers.models.remotev2 import V2
from handlers.seats import Seats
from handlers.wire import request

REMOTE: Final = "remote"  #: the member of what is known of an endpoint that says whom to ask
MOST_VALUES: Final = 100_000  #: of a table's rows that are asked for in one go; other servers bound their requests, too

MOST_HOPS: Final = 3  #: through servers of ours, each of which keeps a thread waiting
OURS: Final = "1.1 seamark"  #: what each of them adds

Row = Sequence[Any]


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A model of another server."""

    url: str  #: of the server, below which the protocol's paths are
    protocol: str  #: `ops` or `v2`
    model: str  #: what it is called there
    name: str | None = None  #: what it is to be called here
    credentials: Mapping[str, Any] | None = field(default=None, repr=False)  #: for that server


class Asked(Protocol):
    """How the models of a protocol are asked."""

    most_rows: int  #: of one question

    def read(self, line: Line, url: str, model: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """Return what is known of a model, and what has to be kept to ask it.

        Raises:
            BadGateway: The server has answered something else.
            Unprocessable: The model is none that can be asked from here.
        """

    def predict(self, line: Line, kept: Mapping[str, Any], rows: Sequence[Row]) -> list[dict[str, Any]]:
        """Return what a model says of each row.

        Raises:
            BadGateway: The server has answered something else.
            InputInvalid: The model does not take a row.
        """


PROTOCOLS: Final[Mapping[str, Asked]] = {"ops": Ops(), "v2": V2()}


class Remotes:
    """Asks other servers."""

    def __init__(
        self, remote: Remote, safe: Safe, timeout_s: float, connect: Connect = connect, seats: Seats | None = None
    ) -> None:
        """Ask nobody yet.

        Args:
            remote: Says where we may go.
            safe: Holds credentials.
            timeout_s: Seconds that reading a model may take.
            connect: Opens a connection.
            seats: Where threads wait for other servers; None: in as many as eight threads have.
        """
        self._seats = seats or Seats(8)
        self._remote = remote
        self._safe = safe
        self._timeout_s = timeout_s
        self._connect = connect

    def sealed(self, credentials: Mapping[str, Any] | None, url: str) -> str | None:
        """Return credentials for the server at *url*, sealed; None where there are none.

        Raises:
            InputInvalid: They cannot be sent.
            AddressRefused: The URL is none.
            KeyUnavailable: This server has no key.
        """
        return None if credentials is None else self._safe.seal(credentials, url)

    def check(self, url: str, sealed: str | None) -> None:
        """Refuse a server that is not called, or not with credentials; nothing is sent.

        Raises:
            AddressRefused: It is not.
            BadGateway: It has no address.
        """
        with self._line(url, sealed, self._timeout_s):
            pass

    def read(self, wish: Wish, sealed: str | None, within_s: float | None = None) -> Mapping[str, Any]:
        """Return what there is to know of a model, as it is kept with its endpoint.

        Args:
            wish: Which model.
            sealed: Credentials for its server; None: none.
            within_s: Seconds that it may take; None: as many as ever.

        Raises:
            AddressRefused: This server does not call that one.
            Unavailable, BadGateway: It does not answer, or something else.
            Unprocessable: The model is none that can be asked from here.
        """
        url = wish.url.rstrip("/")
        within_s = self._timeout_s if within_s is None else min(within_s, self._timeout_s)
        with self._line(url, sealed, within_s, most_bytes=MOST_BYTES) as line:
            known, kept = PROTOCOLS[wish.protocol].read(line, url, wish.model)
        try:
            return plausible(known) | {REMOTE: storable({**kept, "server": url, "model": wish.model})}
        except Implausible as error:
            raise BadGateway("What the other server says of the model is not understood.") from error

    def predict(self, endpoint: Endpoint, rows: Sequence[Row], within_s: float) -> list[dict[str, Any]]:
        """Return what the model of an endpoint says of each row.

        Raises:
            AddressRefused: This server does not call that one any more.
            InputInvalid: The model does not take a row.
            Unavailable, BadGateway: The server does not answer, or something else; we are asked by ourselves, or wait
                for too many.
        """
        if not rows:
            return []
        kept = (endpoint.known or {})[REMOTE]
        with self._line(kept["url"], endpoint.credentials, within_s) as line:
            return PROTOCOLS[endpoint.format].predict(line, kept, rows)

    @contextmanager
    def _line(self, url: str, sealed: str | None, within_s: float, most_bytes: int | None = None) -> Iterator[Line]:
        """Give a line to a server, to which nothing was sent yet.

        Raises:
            Unavailable: So many wait for other servers that one more would keep ours from answering.
        """
        shown, headers = self._safe.open(sealed, url), {"Via": via()}
        with self._seats.taken("/".join(url.split("/")[:3])) as seated:  # whatever the text is
            if not seated:
                raise Unavailable("This server waits for other servers too often at the moment.", headers=RETRY)
            with Line(self._remote, url, within_s, self._connect, headers, shown=shown, most_bytes=most_bytes) as line:
                yield line


def source_of(endpoint: Endpoint) -> Wish | None:
    """Return which model of which server an endpoint stands for; None: for none, or that was not noted."""
    kept = (endpoint.known or {}).get(REMOTE, {}) if is_remote(endpoint) else {}
    if "server" not in kept:
        return None
    return Wish(url=kept["server"], protocol=endpoint.format, model=kept["model"])


def via() -> str:
    """Return through which servers of ours a question has come (RFC 9110, 7.6.3), this one added.

    A model may stand for one that stands for it: by a name that is the newest model's, that is soon done.

    Raises:
        BadGateway: So many that it must be going in a circle.
    """
    try:
        before = request().headers.get("via", "")
    except LookupError:  # a worker asks on its own
        before = ""
    passed = [OURS for one in before.split(",") if one.strip() == OURS]
    if len(passed) >= MOST_HOPS:
        raise BadGateway(f"The prediction was passed on {len(passed)} times already: these models ask each other.")
    return ", ".join([*passed, OURS])


def storable(kept: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is kept to ask a model.

    Raises:
        Implausible: It is too much, or no database takes it.
    """
    data = orjson.dumps(kept)
    if len(data) > MOST_BYTES or b"\\u0000" in data:
        raise Implausible
    return dict(kept)


def is_remote(endpoint: Endpoint) -> bool:
    """Tell whether another server makes the predictions of an endpoint."""
    return endpoint.format in PROTOCOLS


def step(endpoint: Endpoint, width: int) -> int | None:
    """Return how many rows of so many values are asked for in one go, so that none takes too long; None: any number."""
    if not is_remote(endpoint):
        return None
    return max(1, min(PROTOCOLS[endpoint.format].most_rows, MOST_VALUES // max(1, width)))
