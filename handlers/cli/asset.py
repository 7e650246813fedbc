"""`seamark asset`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from handlers.cli.output import json_option, show_json, show_members, show_table
from handlers.cli.publish import command as publish
from handlers.cli.stores import open_store, store_options

COLUMNS: Final = {"did": "DID", "name": "NAME", "content_type": "TYPE", "size": "BYTES", "created": "CREATED"}


@click.group("asset")
def command() -> None:
    """Add, publish, list, show and remove assets."""


@command.command("add")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", default="", help="What people call it; else the file's name.")
@click.option("--type", "content_type", default="", help="Media type; else guessed from the name.")
@click.option("--owner", default="", help="The only caller who may use it; else everybody.")
@click.option("--price", default="0", show_default=True, help="Datatokens for one access.")
@click.option("--author", default="", help="Who made it.")
@click.option("--description", default="", help="What it is.")
@store_options
@json_option
def add(file: Path, url: str | None, token: str | None, as_json: bool, **described: str) -> None:
    """Store FILE as a new asset; its DID is how others name it."""
    asset = open_store(url, token).add_asset(file, described)
    if as_json:
        show_json(asset)
    else:
        click.echo(asset["did"])


command.add_command(publish)


@command.command("list")
@click.option("--offset", default=0, type=click.IntRange(0), help="Assets to leave out at the beginning.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000), help="Most assets to list.")
@store_options
@json_option
def list_assets(offset: int, limit: int, url: str | None, token: str | None, as_json: bool) -> None:
    """List the assets, the newest first."""
    page = open_store(url, token).list_assets(offset, limit)
    if as_json:
        show_json(page)
        return
    show_table(COLUMNS, page["assets"], none="There are no assets.")
    if page["total"] > offset + len(page["assets"]) > offset:
        click.echo(f"{page['total']} in all. More: --offset {offset + len(page['assets'])}")


@command.command("show")
@click.argument("did")
@store_options
@json_option
def show(did: str, url: str | None, token: str | None, as_json: bool) -> None:
    """Show an asset and its DDO."""
    asset = open_store(url, token).read_asset(did)
    (show_json if as_json else show_members)(asset)


@command.command("rm")
@click.argument("dids", metavar="DID...", nargs=-1, required=True)
@store_options
def remove(dids: tuple[str, ...], url: str | None, token: str | None) -> None:
    """Remove assets and their files."""
    store = open_store(url, token)
    for did in dids:
        store.remove_asset(did)
        click.echo(f"Removed {did}.")
