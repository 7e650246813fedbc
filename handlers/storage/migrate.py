"""Bring the database's tables up to date: one process at a time, in one transaction.

Alembic is imported only when something is asked of it; it takes longer to load than most commands take to run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, MetaData, Table, inspect, make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.schema import DropTable

from handlers.errors import StorageUnavailable
from handlers.storage.sql import Database

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK_TIMEOUT_S = 120.0
VERSIONS = "alembic_version"  #: the table in which Alembic notes the revision
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


@contextmanager
def rebuilt(database: Database, revision: str) -> Iterator[Connection]:
    """Make the tables anew, empty, as a revision has them, and bring them up to date at the end; all or nothing.

    Args:
        database: Others see its old tables until the end.
        revision: That of the rows that will be stored.
    """
    from alembic import command

    make_folder(database.url)
    with locked(database), database.write() as connection:
        lock_tables(connection)
        drop(connection, {*tables_of(revision_of(connection)), VERSIONS})
        command.upgrade(configuration(connection), revision)
        yield connection
        command.upgrade(configuration(connection), "head")


def tables_of(revision: str | None) -> frozenset[str]:
    """Return the names of the tables that there are at a revision.

    The migrations are asked, on a database in memory, and not the models: these are there only where somebody has
    imported them, and a database may hold the tables of others too.
    """
    from alembic import command

    if revision is None:
        return frozenset()
    database = Database("sqlite://")
    try:
        with database.write() as connection:
            command.upgrade(configuration(connection), revision)
            return frozenset(inspect(connection).get_table_names()) - {VERSIONS}
    finally:
        database.close()


def drop(connection: Connection, names: Collection[str]) -> None:
    """Drop those of the tables *names* that are there, each before those that it refers to."""
    ordered = [name for name, _ in inspect(connection).get_sorted_table_and_fkc_names() if name in names]
    for name in reversed(ordered):
        connection.execute(DropTable(Table(str(name), MetaData())))


def knows(revision: str) -> bool:
    """Tell whether *revision* is one that this version can bring up to date."""
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory.from_config(configuration())
    return revision in {script.revision for script in scripts.walk_revisions()}


def current(database: Database) -> str | None:
    """Return the revision of the database; None: it has no tables yet."""
    if (file := sqlite_file(database.url)) is not None and not file.exists():
        return None
    with database.read() as connection:
        return revision_of(connection)


def revision_of(connection: Connection) -> str | None:
    """Return the revision of the tables that a connection sees; None: there are none."""
    from alembic.runtime.migration import MigrationContext

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
