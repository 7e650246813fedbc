"""What a reader of request bodies returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from handlers.wire import Upload

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


def nothing_to_close() -> None:
    """Close nothing."""


@dataclass(frozen=True, slots=True)
class Body:
    """A body that was read and is valid."""

    value: Any
    uploads: Mapping[str, list[Upload]] = field(default_factory=dict)
    stream: BinaryIO | None = None
    close: Callable[[], None] = nothing_to_close


class Reader(Protocol):
    """Reads bodies of one media type."""

    def read(self, environ: WSGIEnvironment, options: Mapping[str, str]) -> Body:
        """Return the body; *options* are the parameters of its Content-Type."""
        ...
