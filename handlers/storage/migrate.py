"""Bring the database's tables up to date: one process at a time, in one transaction.

Alembic is imported only when something is asked of it; it takes longer to load than most commands take to run.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, make_url
from sqlalchemy.exc import OperationalError

from handlers.errors import StorageUnavailable
from handlers.storage.sql import Database

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK_TIMEOUT_S = 120.0
ADVISORY_LOCK = 0x5EA_3A4C  #: number of the advisory lock in PostgreSQL; any will do that nobody else takes


def upgrade(database: Database) -> None:
    """Bring the tables to the newest revision; does nothing where they are.

    Raises:
        StorageUnavailable: The database cannot be reached.
    """
    from alembic import command

    make_folder(database.url)
    try:
        with locked(database), database.write() as connection:
            lock_tables(connection)
            command.upgrade(configuration(connection), "head")
    except OperationalError as error:
        raise StorageUnavailable("The database cannot be reached.") from error


def current(database: Database) -> str | None:
    """Return the revision of the database; None: it has no tables yet."""
    from alembic.runtime.migration import MigrationContext

    if (file := sqlite_file(database.url)) is not None and not file.exists():
        return None
    with database.read() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def pending(database: Database) -> list[str]:
    """Return the revisions that the database lacks, oldest first."""
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory.from_config(configuration())
    lacking = scripts.iterate_revisions("head", current(database) or "base")
    return [script.revision for script in lacking][::-1]


def configuration(connection: Connection | None = None) -> Config:
    """Return Alembic's configuration; `migrations/env.py` uses *connection*."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def make_folder(url: str) -> None:
    """Make the folder that an SQLite file is to lie in."""
    if (file := sqlite_file(url)) is not None:
        file.parent.mkdir(parents=True, exist_ok=True)


def sqlite_file(url: str) -> Path | None:
    """Return the file of an SQLite database; None: another database, or one in memory."""
    parsed = make_url(url)
    in_file = parsed.get_backend_name() == "sqlite" and parsed.database not in (None, "", ":memory:")
    return Path(str(parsed.database)) if in_file else None


@contextmanager
def locked(database: Database) -> Iterator[None]:
    """Keep other processes from migrating an SQLite file; PostgreSQL locks in the transaction itself.

    BEGIN IMMEDIATE alone would do for the tables, but not for the change to WAL mode of a file that was just made.
    """
    from filelock import FileLock

    if (file := sqlite_file(database.url)) is None:
        yield
        return
    with FileLock(f"{file}.migration.lock", timeout=LOCK_TIMEOUT_S):
        yield


def lock_tables(connection: Connection) -> None:
    """Wait in PostgreSQL for whoever else is migrating; the lock ends with the transaction."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})")
