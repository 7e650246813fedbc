"""Which pages of other origins may call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

HeaderList = list[tuple[str, str]]

METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
EXPOSED = "Location, Retry-After, X-Request-Id, X-Total-Count, Content-Disposition, Content-Range, ETag"
MAX_AGE_S = 600


class Cors:
    """The origins that may call."""

    def __init__(self, origins: Sequence[str]) -> None:
        """Take *origins*; `*` stands for all."""
        self._all = "*" in origins
        self._origins = frozenset(origins)

    @staticmethod
    def wanted_method(environ: WSGIEnvironment) -> str:
        """Return the method that a page uses, or asks beforehand to use."""
        asked: str = environ.get("HTTP_ACCESS_CONTROL_REQUEST_METHOD", "")
        return asked if asked and environ["REQUEST_METHOD"] == "OPTIONS" else environ["REQUEST_METHOD"]

    def headers(self, environ: WSGIEnvironment) -> HeaderList:
        """Return what tells the browser whether the page may read the answer."""
        origin = environ["HTTP_ORIGIN"]
        if self._all:
            return [("Access-Control-Allow-Origin", "*"), *self._preflight(environ)]
        if origin not in self._origins:
            return [("Vary", "Origin")]
        return [("Access-Control-Allow-Origin", origin), ("Vary", "Origin"), *self._preflight(environ)]

    def is_preflight(self, environ: WSGIEnvironment) -> bool:
        """Tell whether the browser asks beforehand."""
        return environ["REQUEST_METHOD"] == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ

    def _preflight(self, environ: WSGIEnvironment) -> HeaderList:
        if not self.is_preflight(environ):
            return [("Access-Control-Expose-Headers", EXPOSED)]
        wanted = environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", "")
        return [
            ("Access-Control-Allow-Methods", METHODS),
            ("Access-Control-Allow-Headers", wanted if wanted.isascii() and wanted.isprintable() else ""),
            ("Access-Control-Max-Age", str(MAX_AGE_S)),
        ]
