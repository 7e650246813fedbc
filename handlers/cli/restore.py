"""`seamark restore`."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click

from handlers.cli import home
from handlers.cli.output import count
from handlers.errors import QueueUnavailable
from handlers.services import Services, start
from handlers.settings import Settings
from handlers.storage import restore
from handlers.storage.backup import Manifest
from handlers.storage.room import in_words


@click.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace what is there.")
@click.option("--check", "only_check", is_flag=True, help="Look at FILE, and change nothing.")
def command(file: Path, force: bool, only_check: bool) -> None:
    """Put the state in FILE, which `seamark backup` wrote, into the configured stores.

    They may be of another kind than those that it came from: so a server moves from SQLite to PostgreSQL. Before
    anything is changed, all of FILE is looked at.
    """
    manifest = restore.verify(file)
    click.echo(words(file, manifest))
    if only_check:
        return
    settings = Settings()
    with home.held(settings):
        services = start(settings)
        with closing(services):
            refuse_busy(services)
            refuse_occupied(services, force)
            restore.restore(file, manifest, services.database, services.blobs, settings.home.resolve())
    click.echo("Restored. Tokens are those of the backup; `seamark token new admin --scopes manage` makes another.")


def words(file: Path, manifest: Manifest) -> str:
    """Say what is in a backup."""
    rows, size = sum(manifest.tables.values()), in_words(manifest.bytes)
    when = f"{manifest.created[:10]} {manifest.created[11:19]} UTC"
    return f"{file}, of {when}, is whole: {count(rows, 'row')} and {count(manifest.blobs, 'file')}, {size}."


def refuse_busy(services: Services) -> None:
    """Refuse to change a store while workers anywhere use it.

    Raises:
        ClickException: They do.
    """
    try:
        workers = services.queue.workers()
    except QueueUnavailable:
        return
    if workers:
        raise click.ClickException(
            f"{count(workers, 'worker')} of this queue alive; stop `up`, `serve` and `work` first."
        )


def refuse_occupied(services: Services, force: bool) -> None:
    """Refuse to replace what is there, unless that is wanted.

    Raises:
        ClickException: There is something.
    """
    found = restore.occupied(services.database, services.blobs)
    if found and not force:
        raise click.ClickException(f"{found} Back it up, then give --force to replace all of it.")
