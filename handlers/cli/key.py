"""`seamark key`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from handlers.settings import Settings

if TYPE_CHECKING:
    from handlers.keys import Key


@click.group("key")
def command() -> None:
    """Make, import, show and rotate the provider's keys; they lie in the keystore, encrypted."""


@command.command("new")
def new() -> None:
    """Make the provider's first key."""
    from handlers.keys import Keys, new_key

    settings = of_keystore()
    if Keys(settings).exist:
        raise click.ClickException("There is a key already; `seamark key rotate` makes another one and keeps it.")
    add(settings, new_key())


@command.command("import")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_key(file: Path | None) -> None:
    """Take in a key, which is then the one in use: from FILE, or typed in.

    FILE is a keystore file, whose password is asked for, or holds the key in hexadecimal. There is no option for the
    key itself, because other users can read the command line.
    """
    settings = of_keystore()
    add(settings, key_in(file) if file else typed())


@command.command("show-address")
@click.option("--all", "all_keys", is_flag=True, help="Show the older keys' addresses, too.")
def show_address(all_keys: bool) -> None:
    """Show the provider's address, to which datatokens may be sent."""
    from handlers.keys import Keys

    keys = Keys(Settings())
    for key in keys.all if all_keys else [keys.current]:
        click.echo(key.address)


@command.command("rotate")
def rotate() -> None:
    """Make another key and use it from now on; what was sealed for the older ones can still be opened."""
    from handlers.keys import Keys, new_key

    settings = of_keystore()
    if not Keys(settings).exist:
        raise click.ClickException("There is no key yet; `seamark key new` makes one.")
    add(settings, new_key())


def of_keystore() -> Settings:
    """Return the settings.

    Raises:
        ClickException: The keys come from the environment, so that what lies in the keystore would not be used.
    """
    settings = Settings()
    if settings.provider_key is not None:
        raise click.ClickException("SEAMARK_PROVIDER_KEY is set, so that the keystore is not used; unset it first.")
    return settings


def add(settings: Settings, key: Key) -> None:
    """Add a key to the keystore and say so."""
    from handlers.keys import Keystore

    path = Keystore(settings.keystore).add(key, settings.provider_password)
    click.echo(key.address)
    click.echo(f"It lies in {path}. Keep a copy of the folder; running servers take it up when restarted.", err=True)


def key_in(file: Path) -> Key:
    """Return the key in a file, of either kind."""
    from handlers.keys import FILE_LIMIT_BYTES, parse, read

    with file.open(errors="replace") as opened:
        text = opened.read(FILE_LIMIT_BYTES)
    if is_keystore(text):
        return read(file, click.prompt(f"Password of {file.name}", hide_input=True, err=True))
    return parse(text, file.name)


def is_keystore(text: str) -> bool:
    """Tell whether *text* is a JSON object."""
    try:
        found: Any = json.loads(text)
    except ValueError:
        return False
    return isinstance(found, dict)


def typed() -> Key:
    """Return the key that somebody types in."""
    from handlers.keys import parse

    return parse(click.prompt("Private key, hexadecimal", hide_input=True, err=True), "What was typed")
