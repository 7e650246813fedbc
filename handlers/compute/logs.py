"""The algorithm's log of a job that has not come to its own end: the lines that it logged until then.

A job that ends by itself leaves the log as a file. One that was stopped, or whose worker died, cannot: what its
algorithm has printed until then is among the lines of the job, which the worker writes down as it runs, within
`job_log_bytes`.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Integer, case, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

from handlers.jobs.tables import JobLogRow, JobRow, Status

KIND: Final = "algorithmLog"
NAME: Final = "algorithm.log"
TYPE: Final = "text/plain; charset=utf-8"
JOBS: Final = JobRow.metadata.tables[JobRow.__tablename__]
CUT_OFF: Final = (Status.CANCELLED, Status.FAILED)  #: how a job stands that did not come to its own end


class octet_length(GenericFunction[int]):  # noqa: N801 - SQL's name
    """How many bytes a text has in UTF-8."""

    type = Integer()
    inherit_cache = True


@compiles(octet_length, "sqlite")
def in_sqlite(element: octet_length, compiler: Any, **options: Any) -> str:
    """Say it in the words of SQLite, which has the function only from 3.43 on."""
    return f"length(CAST({compiler.process(element.clauses, **options)} AS BLOB))"


def size() -> ColumnElement[int]:
    """Return, for a query of jobs, how many bytes the log of each has; 0 where it is a file or not to be had yet."""
    lines = select(func.coalesce(func.sum(octet_length(JobLogRow.line) + 1), 0)).where(JobLogRow.job == JOBS.c.id)
    return case((JOBS.c.status.in_(CUT_OFF), lines.correlate(JOBS).scalar_subquery()), else_=0)


def read(connection: Connection, job_id: str) -> bytes:
    """Return the log."""
    lines = select(JobLogRow.line).where(JobLogRow.job == job_id).order_by(JobLogRow.id)
    return "".join(f"{line}\n" for line in connection.execute(lines).scalars()).encode()
