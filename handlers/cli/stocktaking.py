"""Looks of `seamark check` at database and blobs: are they there, up to date, whole, and do they agree?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Final

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from handlers.assets.store import Assets
from handlers.assets.tables import AssetRow
from handlers.cli.finding import Finding
from handlers.cli.output import count
from handlers.errors import Problem
from handlers.jobs.orphans import Orphans
from handlers.settings import Settings
from handlers.storage import migrate
from handlers.storage.blobs import Blobs, FolderBlobs, open_blobs
from handlers.storage.room import in_words
from handlers.storage.sql import Database, now

QUICK_BYTES: Final = 1 << 30  # a larger database takes too long to be looked through
SHOWN: Final = 3


def look_at_database(settings: Settings) -> Iterator[Finding]:
    """See that the database answers, is whole and up to date."""
    with closing(Database(settings.sql_url)) as database:
        try:
            pending = migrate.pending(database)
            if migrate.current(database) is not None:
                database.ping()
            damage = damage_of(database)
        except (SQLAlchemyError, Problem, ModuleNotFoundError) as error:
            mend = "Is SEAMARK_DATABASE_URL right, does the database run, and is its driver installed?"
            yield Finding("database", "broken", f"It cannot be used ({type(error).__name__}).", mend)
            return
        kind = database.engine.dialect.name
        if damage:
            mend = "Stop the server, keep a copy, and `seamark restore` the last backup."
            yield Finding("database", "broken", f"{kind}, damaged: {damage}", mend)
        elif pending:
            words, mend = f"{kind}, lacks {', '.join(pending)}", "Run `seamark up`, or `seamark db upgrade`."
            yield Finding("database", "broken", words, mend, lambda: upgrade(settings))
        else:
            yield Finding("database", "ok", f"{kind}, up to date")


def damage_of(database: Database) -> str:
    """Return what SQLite finds wrong with its own file; nothing where it is whole, or too large to be looked at."""
    file = migrate.sqlite_file(database.url)
    if file is None or not file.exists() or file.stat().st_size > QUICK_BYTES:
        return ""
    with database.read() as connection:
        found = str(connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one())
    return "" if found == "ok" else found


def upgrade(settings: Settings) -> str:
    """Bring the database up to date."""
    with closing(Database(settings.sql_url)) as database:
        migrate.upgrade(database)
        return f"The database is at {migrate.current(database)}."


def look_at_blobs(settings: Settings) -> Iterator[Finding]:
    """See that blobs can be written, and that they and the rows agree."""
    try:
        blobs = open_blobs(settings.store_url)
        blobs.ping()
    except (Problem, OSError, ImportError, ValueError) as error:
        detail = error.detail if isinstance(error, Problem) else f"They cannot be opened ({type(error).__name__})."
        yield Finding("blobs", "broken", detail, "Is SEAMARK_BLOB_URL right, and may we write there?")
        return
    yield Finding("blobs", "ok", "can be written")
    # To list a remote store can take minutes, and cost money; its workers collect orphans by themselves.
    if isinstance(blobs, FolderBlobs):
        with closing(Database(settings.sql_url)) as database:
            yield from compare(database, blobs, settings)


def compare(database: Database, blobs: FolderBlobs, settings: Settings) -> Iterator[Finding]:
    """See that each file has a row and each row its file."""
    try:
        if migrate.current(database) is None or migrate.pending(database):
            return
        missing = list(lost(database, blobs))
        orphans = orphans_of(database, blobs)
        assets, files = len(list(orphans.lost_assets(now()))), list(orphans.lost_files(now()))
    except (SQLAlchemyError, Problem, ModuleNotFoundError):
        return  # the look at the database has said so
    if missing:
        words = f"The files of {count(len(missing), 'asset')} are gone: {', '.join(missing[:SHOWN])}"
        mend = "`seamark restore` a backup that has them, or `seamark asset rm` them."
        yield Finding("blobs", "broken", words + (", …" if len(missing) > SHOWN else ""), mend)
    if assets or files:
        size = in_words(sum(stored.size for stored in files))
        words = f"{count(assets, 'asset')} and {count(len(files), 'file')} ({size}) that nobody knows of"
        mend = "A worker removes them within an hour, `seamark check --mend` now."
        yield Finding("blobs", "warning", words, mend, lambda: collect(settings))


def lost(database: Database, blobs: FolderBlobs) -> Iterator[str]:
    """Give the DIDs of the assets whose files are gone."""
    kept = select(AssetRow.did, AssetRow.blob).where(AssetRow.blob.is_not(None))
    with database.read() as connection:
        for did, blob in connection.execute(kept, execution_options={"yield_per": 1000}):
            if blob is not None and not blobs.path(blob).is_file():
                yield did


def orphans_of(database: Database, blobs: Blobs) -> Orphans:
    """Return what finds orphans."""
    return Orphans(database, blobs, Assets(database, blobs))


def collect(settings: Settings) -> str:
    """Remove what nobody knows of."""
    with closing(Database(settings.sql_url)) as database:
        found = orphans_of(database, open_blobs(settings.store_url)).collect(now())
    return f"Removed {count(found.assets, 'asset')} and {count(found.files, 'file')} ({in_words(found.bytes)})."
