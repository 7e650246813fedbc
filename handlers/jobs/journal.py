"""What a running job says, gathered until it is written: its lines, bounded, and how far it has come."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, func, insert, select

from handlers.jobs.records import Job
from handlers.jobs.tables import JobLogRow

LINE_COST: Final = 32  # bytes that a line counts beside its own, so that empty lines are not free
LINE_BYTES: Final = 65536  # a longer line becomes several


class Journal:
    """The lines and the progress of one attempt that are not yet in the database."""

    def __init__(self, job: Job, limit_bytes: int, used_bytes: int) -> None:
        """Take lines until the job has logged *limit_bytes*, *used_bytes* of them in earlier attempts."""
        self.job = job
        self.left = limit_bytes - used_bytes
        self.limit = limit_bytes
        self.full = self.left <= 0
        self.lines: list[dict[str, Any]] = []
        self.progress: dict[str, Any] = {}
        self._partial = b""

    @property
    def waiting(self) -> bool:
        """Whether there is something to write."""
        return bool(self.lines or self.progress)

    def report(self, percent: int, message: str) -> None:
        """Note how far the job has come."""
        self.progress = {"progress": percent, "message": storable(message)}

    def line(self, line: str, time: datetime) -> None:
        """Note a line, or that there is no room for more."""
        if self.full:
            return
        self.left -= len(line.encode(errors="replace")) + LINE_COST
        if self.left < 0:
            self.full = True
            line = f"The log has reached its bound of {self.limit} bytes; the rest is left out."
        self.lines.append({"job": self.job.id, "attempt": self.job.attempt, "time": time, "line": storable(line)})

    def output(self, data: bytes, time: datetime) -> None:
        """Note what the job printed; the end of it may be half a line."""
        if self.full:
            self._partial = b""
            return
        *lines, self._partial = (self._partial + data).split(b"\n")
        if len(self._partial) > LINE_BYTES:
            lines, self._partial = [*lines, self._partial], b""
        for line in lines:
            self.line(line.decode(errors="replace").rstrip("\r"), time)

    def finish(self, time: datetime) -> None:
        """Note the last line, though no newline followed it."""
        if self._partial:
            self.output(b"\n", time)

    def write(self, connection: Connection) -> None:
        """Store the lines; `forget` them once the transaction is committed."""
        if self.lines:
            connection.execute(insert(JobLogRow), self.lines)

    def forget(self) -> None:
        """Drop what was written."""
        self.lines, self.progress = [], {}


def journal_of(connection: Connection, job: Job, limit_bytes: int) -> Journal:
    """Return an empty journal for an attempt that begins."""
    if job.attempt == 1:
        return Journal(job, limit_bytes, 0)
    size = func.coalesce(func.sum(func.length(JobLogRow.line) + LINE_COST), 0)
    used = connection.execute(select(size).where(JobLogRow.job == job.id)).scalar_one()
    return Journal(job, limit_bytes, used)


def storable(text: str) -> str:
    """Return *text* without what PostgreSQL or UTF-8 cannot hold: NUL and lone surrogates."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()
