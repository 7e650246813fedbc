"""What no row names: files, and assets that nobody was told of, left by processes that did not live to tell.

A file is stored before the row that names it, so that no row ever names a file that is not there. Who dies in between
leaves the file behind; so does a disk that is full half way.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

import structlog
from sqlalchemy import Connection, select, update

from handlers.assets.did import PREFIX
from handlers.assets.store import Assets
from handlers.assets.tables import AssetRow
from handlers.errors import AssetNotFound
from handlers.jobs.tables import ENDED, JobRow, Status
from handlers.models.tables import EndpointRow
from handlers.storage import facts
from handlers.storage.blobs import PART, Blobs, Stored
from handlers.storage.facts import FactRow
from handlers.storage.sql import Database, now

GRACE_S: Final = 3600.0  # a younger file may be one whose row is just being written
EVERY_S: Final = 3600.0  # between two collections, whoever does them
LOOK_S: Final = 300.0  # between two looks whether it is time
BATCH: Final = 500  # files that are looked up in one transaction
ROOMS: Final = ("assets", "jobs", "models")  #: where files are kept that rows name
CLAIM: Final = "orphans-collected"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Collected:
    """What was removed."""

    files: int = 0
    bytes: int = 0
    assets: int = 0


class Orphans:
    """Finds and removes what no row names."""

    def __init__(self, database: Database, blobs: Blobs, assets: Assets) -> None:
        """Look through *database* and *blobs*."""
        self.database = database
        self.blobs = blobs
        self.assets = assets

    def run(self, stop: threading.Event) -> None:
        """Collect now and then until told to stop; of all workers one does it each time."""
        while not stop.wait(LOOK_S):
            try:
                if self.claim(now()) and (found := self.collect(now())) != Collected():
                    log.info("orphans removed", **asdict(found))
            except Exception:
                log.exception("orphans could not be collected")

    def claim(self, moment: datetime) -> bool:
        """Tell whether it is time for a collection, and this process's turn."""
        last = facts.settled(self.database, CLAIM, moment.isoformat)
        if moment - datetime.fromisoformat(last) < timedelta(seconds=EVERY_S):
            return False
        unclaimed = (FactRow.name == CLAIM, FactRow.value == last)
        with self.database.write() as connection:
            return connection.execute(update(FactRow).where(*unclaimed).values(value=moment.isoformat())).rowcount == 1

    def collect(self, moment: datetime, grace_s: float = GRACE_S) -> Collected:
        """Remove what has been an orphan for *grace_s* seconds; return how much that was."""
        assets = files = size = 0
        for did in list(self.lost_assets(moment, grace_s)):
            with suppress(AssetNotFound):  # another process was faster
                self.assets.remove(did)
                assets += 1
        for stored in self.lost_files(moment, grace_s):
            self.blobs.remove(stored.name)
            files, size = files + 1, size + stored.size
        return Collected(files=files, bytes=size, assets=assets)

    def lost_assets(self, moment: datetime, grace_s: float = GRACE_S) -> Iterator[str]:
        """Give the DIDs of the assets that a job made, and that it did not name when it ended.

        An attempt whose worker fell silent has registered what the attempt after it does not know of. A job whose
        results are purged may have named them.
        """
        ended = (
            JobRow.status.in_(ENDED),
            JobRow.purged.is_(None),
            JobRow.finished < moment - timedelta(seconds=grace_s),
        )
        made = select(AssetRow.did, JobRow.results).join(JobRow, AssetRow.job == JobRow.id).where(*ended)
        with self.database.read() as connection:
            for did, results in connection.execute(made, execution_options={"yield_per": BATCH}):
                if did not in json.dumps(results):
                    yield did

    def lost_files(self, moment: datetime, grace_s: float = GRACE_S) -> Iterator[Stored]:
        """Give the files that no row names, and what is left of those that were never completed."""
        cutoff = moment.timestamp() - grace_s
        listed = (stored for room in ROOMS for stored in self.blobs.list(room) if stored.changed < cutoff)
        while batch := list(islice(listed, BATCH)):
            # The rows are read after the files were listed: a row that came in between is seen.
            with self.database.read() as connection:
                lost = [stored for stored in batch if not is_named(connection, stored.name)]
            yield from lost


def is_named(connection: Connection, name: str) -> bool:
    """Tell whether a row names the file *name*: an asset, an endpoint, or a job that runs or whose results it is."""
    kind, _, rest = name.partition("/")
    owner, _, part = rest.partition("/")
    if name.endswith(PART):
        return False
    if kind == "assets":
        found = select(AssetRow.did).where(AssetRow.did == PREFIX + owner, AssetRow.blob == name)
        return connection.execute(found).first() is not None
    if kind == "models":
        return connection.execute(select(EndpointRow.id).where(EndpointRow.blob == name)).first() is not None
    job = connection.execute(select(JobRow.status, JobRow.attempt).where(JobRow.id == owner)).first()
    if job is None or job.status in ENDED - {Status.SUCCEEDED}:
        return False
    return job.status is not Status.SUCCEEDED or part.startswith(f"{job.attempt}/")


def named(connection: Connection, blobs: Blobs) -> Iterable[str]:
    """Give the name of each file that the rows name."""
    kept = connection.execute(select(AssetRow.blob), execution_options={"yield_per": BATCH}).scalars()
    yield from (name for name in kept if name is not None)
    of_models = select(EndpointRow.blob).where(EndpointRow.blob != "")  # those of other servers have no file here
    yield from connection.execute(of_models, execution_options={"yield_per": BATCH}).scalars()
    for stored in blobs.list("jobs"):
        if is_named(connection, stored.name):
            yield stored.name
