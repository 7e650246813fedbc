"""Parts of files (RFC 9110, section 14): what a request asks for, and what of it there is."""

from __future__ import annotations

import re
from dataclasses import dataclass

from handlers.errors import RangeNotSatisfiable

BYTES = re.compile(r"\s*bytes\s*=\s*(?:([0-9]{1,18})\s*-\s*([0-9]{1,18})?|-\s*([0-9]{1,18}))\s*", re.IGNORECASE)
CONTENT_RANGE = re.compile(r"\s*bytes\s+([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Span:
    """The bytes of a file from `start` up to `stop`, which is not among them."""

    start: int
    stop: int

    @property
    def length(self) -> int:
        """How many bytes these are."""
        return self.stop - self.start

    def as_header(self, total: int) -> str:
        """Return what Content-Range says of these bytes of a file that has *total*."""
        return f"bytes {self.start}-{self.stop - 1}/{total}"


@dataclass(frozen=True)
class Wanted:
    """A part that is asked for: from `first` to `last`, both included, or the last `suffix` bytes."""

    first: int = 0
    last: int | None = None  #: None: to the end
    suffix: int | None = None

    def within(self, total: int) -> Span:
        """Return what a file of *total* bytes has of it.

        Raises:
            RangeNotSatisfiable: Nothing.
        """
        if self.suffix is not None:
            span = Span(max(0, total - self.suffix), total)
        else:
            span = Span(self.first, total if self.last is None else min(self.last + 1, total))
        if span.length <= 0:
            raise not_satisfiable(total)
        return span

    def as_header(self) -> str:
        """Return what Range says to ask for it."""
        if self.suffix is not None:
            return f"bytes=-{self.suffix}"
        return f"bytes={self.first}-{'' if self.last is None else self.last}"


def wanted(header: str) -> Wanted | None:
    """Return what a Range header asks for; None where it is none, or asks for several parts, which are not served."""
    match = BYTES.fullmatch(header)
    if match is None:
        return None
    first, last, suffix = (None if text is None else int(text) for text in match.groups())
    if suffix is not None:
        return Wanted(suffix=suffix)
    if first is None or (last is not None and last < first):
        return None
    return Wanted(first, last)


def sent(header: str) -> tuple[Span, int] | None:
    """Return which bytes, of how many, a Content-Range header announces; None where it does not say."""
    match = CONTENT_RANGE.fullmatch(header)
    if match is None:
        return None
    first, last, total = (int(text) for text in match.groups())
    return (Span(first, last + 1), total) if first <= last < total else None


def still_valid(if_range: str, *, etag: str, modified: str) -> bool:
    """Tell whether a part may be sent: If-Range is not there, or names just this version of the file."""
    if not if_range:
        return True
    if if_range.startswith('"'):
        return if_range == etag
    return bool(modified) and if_range == modified


def not_satisfiable(total: int) -> RangeNotSatisfiable:
    """Say how long the file is."""
    headers = {"Content-Range": f"bytes */{total}", "Accept-Ranges": "bytes"}
    return RangeNotSatisfiable(f"The file has {total} bytes.", headers=headers)
