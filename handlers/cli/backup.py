"""`seamark backup`."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path

import click

from handlers.cli.output import count, json_option, show_json
from handlers.jobs import orphans
from handlers.services import Services, start
from handlers.storage import backup
from handlers.storage.backup import Manifest
from handlers.storage.room import in_words

SHOWN = 10  # files that were gone, by name


@click.command("backup")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
@json_option
def command(file: Path, force: bool, as_json: bool) -> None:
    """Write the whole state, database and files, to FILE; everything may be running meanwhile.

    FILE is a tar file, compressed if its name ends in gz. It holds what the owners of the assets and jobs entrusted to
    this server, so only you can read it.
    """
    if file.exists() and not force:
        raise click.ClickException(f"{file} is there already; choose another name, or --force.")
    services = start()
    try:
        manifest = write(services, file)
    finally:
        services.close()
    if as_json:
        show_json(asdict(manifest))
        return
    show(file, manifest)
    if (keys := services.settings.keystore).exists():
        click.echo(f"The keys in {keys} are not in it; keep a copy of them in another place.")


def write(services: Services, file: Path) -> Manifest:
    """Write a backup of what the services keep."""
    named = partial(orphans.named, blobs=services.blobs)
    return backup.write(file, services.database, services.blobs, named)


def show(file: Path, manifest: Manifest) -> None:
    """Say what was written, and what could not be."""
    rows, size = sum(manifest.tables.values()), in_words(manifest.bytes)
    click.echo(f"{file}: {count(rows, 'row')} and {count(manifest.blobs, 'file')}, {size}.")
    if manifest.missing:
        some = ", ".join(manifest.missing[:SHOWN]) + (", …" if len(manifest.missing) > SHOWN else "")
        click.echo(f"{count(len(manifest.missing), 'file')} could not be found, and may be removed by now: {some}")
