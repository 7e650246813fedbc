"""Rows of compute jobs that have ended, as many as are wanted, for `tools.bench.compute`."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, insert, select, text

from handlers import services
from handlers.compute.records import BRIZO
from handlers.compute.statuses import Stage
from handlers.compute.tables import ComputeRow
from handlers.jobs.tables import JobRow, Status
from handlers.storage.sql import Database, now

DID: Final = "did:op:" + "d0" * 32
OWN: Final = 50  #: jobs of the owner who lists, among however many
OWNERS: Final = 1000  #: of the others


def fill(rows: int, lister: str) -> None:
    """Have so many rows of compute jobs that ended, OWN of them of the address *lister*."""
    here, time_ = services.services(), now()
    with here.jobs.database.read() as connection:
        have = connection.execute(select(func.count()).where(ComputeRow.id.startswith("00000"))).scalar_one()
    for begin in range(have, rows, 10_000):
        numbers = range(begin, min(begin + 10_000, rows))
        with here.jobs.database.write() as connection:
            connection.execute(insert(JobRow), [job_row(number, lister, time_) for number in numbers])
            connection.execute(insert(ComputeRow), [compute_row(number, lister, time_) for number in numbers])
    settle(here.jobs.database)


def settle(database: Database) -> None:
    """Do at once what a database does by itself in the minutes after so many rows, so that nobody waits for it."""
    words = "VACUUM ANALYZE" if database.engine.dialect.name == "postgresql" else "ANALYZE"
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(words))
    os.sync()


def owner_of(number: int, lister: str) -> str:
    """Return whose a job is: the first ones are the lister's, the others of many in turn."""
    return lister if number < OWN else f"0x{number % OWNERS:040x}"


def job_row(number: int, lister: str, time_: datetime) -> dict[str, Any]:
    """Return the row of a job that ended."""
    file = {"name": "lines.json", "size": 10, "type": "application/json", "kind": "output", "blob": "none"}
    results = {"status": int(Stage.COMPLETED), "reason": "", "files": [file], "did": ""}
    return {
        "id": f"{number:032x}",
        "kind": "compute",
        "subject": "compute",
        "inputs": {"raw": {"rawcode": "print(1)"}},
        "owner": owner_of(number, lister).lower(),
        "status": Status.SUCCEEDED,
        "attempt": 1,
        "results": results,
        "created": time_ + timedelta(milliseconds=number),
        "queued": time_,
        "finished": time_,
        "expires": time_ + timedelta(days=7),
        "progress": 100,
        "message": "",
    }


def compute_row(number: int, lister: str, time_: datetime) -> dict[str, Any]:
    """Return the row that says whose the job is."""
    owner = owner_of(number, lister)
    return {
        "id": f"{number:032x}",
        "door": BRIZO,
        "owner": owner.lower(),
        "shown": owner,
        "did": DID,
        "document": "",
        "agreement": f"0x{number:064x}",
        "reference": f"{number:064x}",
        "created": time_ + timedelta(milliseconds=number),
    }
