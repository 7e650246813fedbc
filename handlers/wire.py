"""What of HTTP a controller may see, and what it may answer.

The gateway puts the `Request` into a context variable before it calls a controller; connexion hands over neither
headers nor cookies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who is calling, as far as the server knows."""

    name: str | None = None  #: subject of the token; None for a stranger
    scopes: frozenset[str] = frozenset()
    local: bool = False  #: the request came over loopback, with no proxy between

    def may(self, scope: str) -> bool:
        """Tell whether the caller holds *scope*; `manage` holds all."""
        return scope in self.scopes or "manage" in self.scopes


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file that came with a multipart body, already on disk (or in memory while it is small)."""

    field: str  #: name of the part
    filename: str
    content_type: str
    file: BinaryIO  #: open for reading, at its start; deleted when the request ends
    size: int  #: bytes


@dataclass(frozen=True, kw_only=True)
class Request:
    """One HTTP request."""

    id: str
    method: str
    path: str
    base_url: str  #: address of the server as clients see it, without a trailing slash
    mount: str = ""  #: path under which the API is mounted, without a trailing slash
    headers: Mapping[str, str] = field(default_factory=dict)  #: names in lower case
    remote_address: str = ""
    caller: Caller = Caller()
    uploads: Mapping[str, list[Upload]] = field(default_factory=dict)
    stream: BinaryIO | None = None  #: the raw body, where the operation asked for it


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer that is more than a JSON body and a status.

    `body` is a JSON value, bytes, a file on disk, or an iterable of chunks; with `length` the gateway sends a
    Content-Length for an iterable.
    """

    body: Any | bytes | Path | Iterable[bytes] = None
    status: int = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    length: int | None = None


@dataclass(frozen=True, kw_only=True)
class Preferences:
    """What a caller would like, and does not insist on (RFC 7240)."""

    respond_async: bool = False  #: rather an early answer than a whole one
    wait_s: int | None = None  #: how long the caller is ready to wait


def preferences(header: str) -> Preferences:
    """Return what of a Prefer header is understood; of two that contradict each other the first counts."""
    found: dict[str, str] = {}
    for part in header.split(","):
        name, _, value = part.partition(";")[0].partition("=")
        found.setdefault(name.strip().lower(), value.strip().strip('"'))
    wait = found.get("wait", "")
    return Preferences(
        respond_async="respond-async" in found,
        wait_s=int(wait) if wait.isascii() and wait.isdigit() and len(wait) < 10 else None,
    )


_request: ContextVar[Request] = ContextVar("request")


def request() -> Request:
    """Return the request that is being answered.

    Raises:
        LookupError: No request is being answered in this context.
    """
    return _request.get()


def enter(value: Request) -> None:
    """Make *value* the request that is being answered in this context."""
    _request.set(value)
