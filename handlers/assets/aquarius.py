"""A metadata store elsewhere (Aquarius), asked by HTTP, and what is remembered of its answers.

What it has said is kept in the database, for all processes and across restarts: an answer counts for a while, is then
asked for again (by its ETag, where it has one), and stands in for the store while that cannot be reached. What is no
longer there is forgotten at once.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final, TypeGuard

import orjson
import structlog
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from handlers.assets.ddo import name_of, services
from handlers.assets.did import canonical
from handlers.assets.store import DEFAULT_TYPE, Asset, missing
from handlers.assets.tables import RemoteDdoRow
from handlers.errors import AssetNotFound, BadGateway, MetadataUnavailable, Problem
from handlers.files.fetch import Fetched, Fetcher
from handlers.files.web import plain
from handlers.storage.sql import Database, now

TABLE: Final = RemoteDdoRow.metadata.tables[RemoteDdoRow.__tablename__]
PATH: Final = "/api/v1/aquarius/assets/ddo/"
MOST_BYTES: Final = 4 << 20  # of one DDO
ETAG_CHARACTERS: Final = 200  # a longer one is not kept, nor one that a header could not hold
MOST_ROWS: Final = 10_000  # that are remembered; those asked about longest ago are forgotten first
ABSENT_S: Final = 10.0  # how long it is remembered that there is no such asset, or no use in asking about it
DOWN_S: Final = 2.0  # how long a store that could not be reached is not asked about anything
REMEMBERED: Final = 10_000  # DIDs of which that is known

log = structlog.get_logger(__name__)


class Aquarius:
    """Another server's metadata store."""

    def __init__(
        self,
        url: str,
        database: Database,
        fetcher: Fetcher,
        *,
        fresh_s: float,
        stale_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Ask the store at *url*, and remember in *database* what it says.

        Args:
            url: Of the server, without the path of its API.
            database: Where answers are kept.
            fetcher: Sends requests.
            fresh_s: How long an answer counts without being asked for again, in seconds.
            stale_s: How long an answer stands in while the store cannot be reached, in seconds.
            clock: Returns the present time, in seconds.
        """
        self._url = url.rstrip("/")
        self._database = database
        self._fetcher = fetcher
        self._fresh_s = fresh_s
        self._stale_s = stale_s
        self._absent = Recent(ABSENT_S, clock)
        self._useless = Recent(ABSENT_S, clock)
        self._down = Recent(DOWN_S, clock)
        self._flights = Flights()

    def read(self, did: str) -> Asset:
        """Return an asset.

        Raises:
            AssetNotFound: There is none.
            MetadataUnavailable: The store does not answer, and nothing is known of the asset.
            BadGateway: What it answers is no DDO of this asset.
        """
        did = canonical(did)
        with self._flights.alone(did):
            row = self._row(did)
            if row is not None and row["checked"] > now() - timedelta(seconds=self._fresh_s):
                return as_asset(row)
            if self._absent.holds(did):
                raise missing(did)
            return self._asked(did, row)

    def _asked(self, did: str, row: Mapping[str, Any] | None) -> Asset:
        """Ask the store; let what is known stand in for it where it does not answer."""
        if self._useless.holds(did) or self._down.holds(self._url):
            return self._stand_in(row, BadGateway("It gave no answer a moment ago."))
        try:
            answer = self._ask(did, row["etag"] if row is not None else "")
        except AssetNotFound:
            self._forget(did)
            raise
        except Problem as problem:
            self._useless.note(did)
            return self._stand_in(row, problem)
        ddo, etag = answer or (row["ddo"] if row is not None else None, row["etag"] if row is not None else "")
        if not is_ddo_of(ddo, did):
            raise BadGateway("The metadata store answered with something that is no DDO of this asset.")
        return as_asset(self._remember(did, ddo, etag))

    def _ask(self, did: str, etag: str) -> tuple[Any, str] | None:
        """Return what the store says of an asset, and the ETag; None: what is known is still so.

        Raises:
            AssetNotFound: It has no such asset.
            BadGateway: It does not answer, or with something else.
        """
        headers = {"Accept": "application/json"} | ({"If-None-Match": etag} if etag else {})
        try:
            fetched = self._fetcher.open(self._url + PATH + did, headers=headers)
        except BadGateway:
            self._down.note(self._url)
            raise
        try:
            match fetched.status:
                case HTTPStatus.NOT_MODIFIED if etag:
                    return None
                case HTTPStatus.NOT_FOUND | HTTPStatus.GONE:
                    raise missing(did)
                case HTTPStatus.OK:
                    etag = plain(fetched.headers.get("etag", ""))
                    return read_json(fetched), etag if len(etag) <= ETAG_CHARACTERS else ""
            raise BadGateway(f"The metadata store answered {fetched.status}.")
        finally:
            fetched.close()

    def _stand_in(self, row: Mapping[str, Any] | None, problem: Problem) -> Asset:
        """Return what is known while the store does not answer.

        Raises:
            MetadataUnavailable: Nothing is, or it is too old.
        """
        if row is None or row["checked"] <= now() - timedelta(seconds=self._stale_s):
            raise MetadataUnavailable("The metadata store does not answer; try again later.") from problem
        log.warning("metadata store does not answer; what it said before counts", did=row["did"], why=problem.detail)
        return as_asset(row)

    def _row(self, did: str) -> Mapping[str, Any] | None:
        """Return what is known of an asset."""
        with self._database.read() as connection:
            row = connection.execute(select(TABLE).where(TABLE.c.did == did)).mappings().first()
        return None if row is None else dict(row)

    def _remember(self, did: str, ddo: Mapping[str, Any], etag: str) -> Mapping[str, Any]:
        """Keep an answer, and return it as it is kept."""
        row = {"did": did, "ddo": dict(ddo), "etag": etag, "checked": now()}
        with self._database.write() as connection:
            if connection.execute(update(TABLE).where(TABLE.c.did == did).values(row)).rowcount:
                return row
        try:
            with self._database.write() as connection:
                connection.execute(insert(TABLE).values(row))
                excess = connection.execute(select(func.count()).select_from(TABLE)).scalar_one() - MOST_ROWS
                if excess > 0:
                    oldest = select(TABLE.c.did).order_by(TABLE.c.checked).limit(excess)
                    connection.execute(delete(TABLE).where(TABLE.c.did.in_(oldest)))
        except IntegrityError:
            log.debug("another process has remembered the same", did=did)
        return row

    def _forget(self, did: str) -> None:
        """Forget an asset that the store does not have any more."""
        self._absent.note(did)
        with self._database.write() as connection:
            connection.execute(delete(TABLE).where(TABLE.c.did == did))


class Recent:
    """Names of which something was found out a moment ago."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        """Remember it for so many seconds, by *clock*."""
        self._seconds = seconds
        self._clock = clock
        self._until: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def note(self, name: str) -> None:
        """Note that it is so now."""
        with self._lock:
            self._until[name] = self._clock() + self._seconds
            self._until.move_to_end(name)
            if len(self._until) > REMEMBERED:
                self._until.popitem(last=False)

    def holds(self, name: str) -> bool:
        """Tell whether it was so a moment ago."""
        with self._lock:
            return self._until.get(name, 0.0) > self._clock()


class Flights:
    """Lets one thread at a time ask about a DID; the others find what it has found."""

    def __init__(self) -> None:
        self._locks = [threading.Lock() for _ in range(64)]

    def alone(self, did: str) -> AbstractContextManager[Any]:
        """Return what keeps others out; DIDs that share a lock wait for each other."""
        return self._locks[hash(did) % len(self._locks)]


def read_json(fetched: Fetched) -> Any:
    """Return the JSON value that an answer holds.

    Raises:
        BadGateway: It is none, or too long.
    """
    data = b""
    for chunk in fetched.chunks():
        data += chunk
        if len(data) > MOST_BYTES:
            raise BadGateway("The metadata store answered with more than a DDO may have.")
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise BadGateway("The metadata store answered with something that is no JSON.") from error


def is_ddo_of(found: Any, did: str) -> TypeGuard[Mapping[str, Any]]:
    """Tell whether an answer is the DDO of an asset; without services it is none, and there is nothing to have."""
    try:
        return isinstance(found, Mapping) and canonical(str(found.get("id", ""))) == did and bool(services(found))
    except AssetNotFound:
        return False


def as_asset(row: Mapping[str, Any]) -> Asset:
    """Return what is known of an asset whose DDO is kept elsewhere."""
    return Asset(
        did=row["did"],
        name=name_of(row["ddo"]),
        ddo=row["ddo"],
        owner=None,
        blob=None,
        content_type=DEFAULT_TYPE,
        size=0,
        job=None,
        created=row["checked"],
        updated=row["checked"],
    )
