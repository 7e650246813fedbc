"""Where a request comes from, and the address under which the client sees this server."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from handlers.settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

LOOPBACK_PEERS = ("127.", "::1", "::ffff:127.")
LOOPBACK_HOSTS = re.compile(r"(localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:[0-9]+)?", re.IGNORECASE)
HOST = re.compile(r"[A-Za-z0-9._~-]{1,255}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?")
PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)+/?")
PROXY_HEADERS = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PROTO", "HTTP_FORWARDED",
                 "HTTP_VIA", "HTTP_X_REAL_IP")  # fmt: skip


class Headers(Mapping[str, str]):
    """The headers of a request, names in lower case; read from WSGI's environment only when somebody looks."""

    __slots__ = ("_environ",)

    def __init__(self, environ: WSGIEnvironment) -> None:
        self._environ = environ

    def __getitem__(self, name: str) -> str:
        key = name.upper().replace("-", "_")
        value: str = self._environ[key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else "HTTP_" + key]
        return value

    def __iter__(self) -> Iterator[str]:
        for key, value in self._environ.items():
            if key.startswith("HTTP_"):
                yield key[5:].replace("_", "-").lower()
            elif key in {"CONTENT_TYPE", "CONTENT_LENGTH"} and value:
                yield key.replace("_", "-").lower()

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        """Show the names only: values may be secret."""
        return f"<Headers {', '.join(sorted(self))}>"


class Origins:
    """How far headers are believed."""

    def __init__(self, settings: Settings) -> None:
        self._proxies = settings.trusted_proxies
        self._public_url = settings.public_url.rstrip("/")
        self._browsers = settings.origins

    def base_url(self, environ: WSGIEnvironment) -> str:
        """Return the address of the server as the client sees it, without a trailing slash."""
        if self._public_url:
            return self._public_url
        scheme = environ["wsgi.url_scheme"]
        host: str = environ.get("HTTP_HOST", "")
        prefix: str = environ.get("SCRIPT_NAME", "")
        if self._proxies:
            forwarded = self._forwarded(environ, "PROTO").lower()
            scheme = forwarded if forwarded in {"http", "https"} else scheme
            host = self._forwarded(environ, "HOST") or host
            forwarded = self._forwarded(environ, "PREFIX")
            prefix = forwarded if PREFIX.fullmatch(forwarded) else prefix
        if not HOST.fullmatch(host):
            host = f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}"
        return f"{scheme}://{host}{prefix.rstrip('/')}"

    def remote_address(self, environ: WSGIEnvironment) -> str:
        """Return the address of the client: of the peer, or what the farthest trusted proxy says of its own."""
        peer: str = environ.get("REMOTE_ADDR") or ""
        if not self._proxies:
            return peer
        hops = [hop.strip() for hop in environ.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
        return without_port(hops[-self._proxies]) if len(hops) >= self._proxies else peer

    def is_local(self, environ: WSGIEnvironment) -> bool:
        """Tell whether somebody on this machine is calling, and not a web page in their browser.

        A page from elsewhere can make a browser call loopback: it then sends its own Origin, or, having rebound its
        name to 127.0.0.1, its own Host.
        """
        if self._proxies or not (environ.get("REMOTE_ADDR") or "").startswith(LOOPBACK_PEERS):
            return False
        if any(name in environ for name in PROXY_HEADERS):
            return False
        if not LOOPBACK_HOSTS.fullmatch(environ.get("HTTP_HOST", "localhost")):
            return False
        origin = environ.get("HTTP_ORIGIN")
        return origin is None or origin in self._browsers or is_loopback_origin(origin)

    def _forwarded(self, environ: WSGIEnvironment, name: str) -> str:
        text: str = environ.get("HTTP_X_FORWARDED_" + name, "")
        values = [value.strip() for value in text.split(",")]
        return values[-min(self._proxies, len(values))]


def without_port(hop: str) -> str:
    """Return the address that a proxy names; some name the port, too, which is another for each connection."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


def is_loopback_origin(origin: str) -> bool:
    """Tell whether a page with this Origin was served by this machine."""
    return LOOPBACK_HOSTS.fullmatch(urlsplit(origin).netloc) is not None
