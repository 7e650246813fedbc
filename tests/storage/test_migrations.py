"""Migrations and models agree, and a migration may be asked for at any time by anybody."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect

import handlers.assets.tables
import handlers.chain.tables
import handlers.identities.tables
import handlers.jobs.tables
import handlers.storage.facts  # noqa: F401 - the five imports fill Base.metadata
from handlers.errors import StorageUnavailable
from handlers.storage import migrate
from handlers.storage.sql import Base, Database
from tests.databases import KINDS, database_of


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of an empty database."""
    with database_of(request.param, tmp_path / "store") as url:
        yield url


def upgrade_at(url: str) -> None:
    """Upgrade the database at *url*, as a process that starts would."""
    migrate.upgrade(Database(url))


def test_models_and_migrations_agree(url: str) -> None:
    """After all migrations Alembic sees nothing that the models have and the tables lack, or the other way round."""
    database = Database(url)

    migrate.upgrade(database)

    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert [] == compare_metadata(context, Base.metadata)
    database.close()


def test_upgrade_a_second_time_changes_nothing(url: str) -> None:
    """Whoever upgrades an up-to-date database leaves it as it is."""
    database = Database(url)

    migrate.upgrade(database)
    revision = migrate.current(database)
    migrate.upgrade(database)

    assert revision is not None
    assert revision == migrate.current(database)
    assert [] == migrate.pending(database)
    database.close()


def test_upgrade_from_several_processes_at_once(url: str) -> None:
    """Processes that start together and all upgrade end well, with the tables made once."""
    starts = multiprocessing.get_context("spawn")
    processes = [starts.Process(target=upgrade_at, args=(url,)) for _ in range(3)]

    for process in processes:
        process.start()
    for process in processes:
        process.join(60)

    database = Database(url)
    assert [0, 0, 0] == [process.exitcode for process in processes]
    assert {"jobs", "job_log", "tokens", "assets"} <= set(inspect(database.engine).get_table_names())
    database.close()


def test_an_empty_database_lacks_every_revision(url: str) -> None:
    """Before the first upgrade all revisions are pending, the oldest first."""
    database = Database(url)

    assert None is migrate.current(database)
    assert "0001" == migrate.pending(database)[0]
    database.close()


def test_a_migration_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All migrations are one transaction: a failure in the last undoes the first."""
    database = Database(f"sqlite:///{tmp_path}/seamark.sqlite")
    with database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE assets (id INTEGER)")

    with pytest.raises(StorageUnavailable):
        migrate.upgrade(database)

    assert ["assets"] == inspect(database.engine).get_table_names()
    database.close()
