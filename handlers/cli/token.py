"""`seamark token`."""

from __future__ import annotations

import re
from typing import Final

import click

from handlers.cli.output import json_option, show_json, show_table
from handlers.cli.stores import open_store, store_options

COLUMNS: Final = {
    "id": "ID",
    "name": "NAME",
    "scopes": "SCOPES",
    "created": "CREATED",
    "expires": "EXPIRES",
    "revoked": "REVOKED",
}
SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def duration(text: str) -> int:
    """Return a time such as 45s, 90m, 12h, 30d or 4w in seconds."""
    found = re.fullmatch(r"([1-9][0-9]{0,8})([smhdw])", text)
    if found is None:
        raise click.BadParameter(f"{text!r} is no time; write 45s, 90m, 12h, 30d or 4w.")
    return int(found[1]) * SECONDS[found[2]]


@click.group("token")
def command() -> None:
    """Make, list and revoke tokens."""


@command.command("new")
@click.argument("name")
@click.option("--scopes", default="invoke", show_default=True, help="What it opens: manage, invoke, assets, models.")
@click.option("--expires", type=duration, metavar="TIME", help="How long it lasts, such as 30d; else for ever.")
@store_options
@json_option
def new(name: str, scopes: str, expires: int | None, url: str | None, token: str | None, as_json: bool) -> None:
    """Make a token for NAME, to whom its jobs will belong. It is shown now and never again."""
    wanted = [scope.strip() for scope in scopes.split(",") if scope.strip()]
    made = open_store(url, token).add_token({"name": name, "scopes": wanted, "valid_for_s": expires})
    if as_json:
        show_json(made)
        return
    click.echo(f"Token {made['id']} of {name}. It is not shown again:", err=True)
    click.echo(made["secret"])


@command.command("list")
@store_options
@json_option
def list_tokens(url: str | None, token: str | None, as_json: bool) -> None:
    """List the tokens, the newest first, without their secrets."""
    page = open_store(url, token).list_tokens()
    if as_json:
        show_json(page)
    else:
        show_table(COLUMNS, page["tokens"], none="There are no tokens.")


@command.command("revoke")
@click.argument("token_id", metavar="ID")
@store_options
def revoke(token_id: str, url: str | None, token: str | None) -> None:
    """End the life of the token with this ID."""
    open_store(url, token).revoke_token(token_id)
    click.echo(f"{token_id} opens nothing any more.")
