"""Zeros from memory, with nothing before them: what a WSGI server hands on at best. /N/M are M MB, N KB at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
    """Answer with zeros."""
    block_kb, size_mb = (int(part) for part in environ["PATH_INFO"].strip("/").split("/"))
    start_response("200 OK", [("Content-Type", "application/octet-stream"), ("Content-Length", str(size_mb << 20))])
    block = bytes(block_kb << 10)
    return (block for _ in range((size_mb << 10) // block_kb))
