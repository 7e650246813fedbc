"""`seamark db`."""

from __future__ import annotations

import click

from handlers.settings import Settings
from handlers.storage import migrate
from handlers.storage.sql import Database


@click.group("db")
def command() -> None:
    """Bring the database up to date."""


@command.command("upgrade")
def upgrade() -> None:
    """Bring the tables to the newest revision; nobody else does so meanwhile."""
    database = Database(Settings().sql_url)
    before = migrate.current(database)
    migrate.upgrade(database)
    after = migrate.current(database)
    click.echo(f"The database is at {after}." if before == after else f"{before or 'nothing'} -> {after}")


@command.command("current")
def current() -> None:
    """Tell the revision of the database, and what it lacks."""
    database = Database(Settings().sql_url)
    pending = migrate.pending(database)
    click.echo(migrate.current(database) or "nothing")
    if pending:
        click.echo(f"It lacks {', '.join(pending)}: run `seamark db upgrade`.")
