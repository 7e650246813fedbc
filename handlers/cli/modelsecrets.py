"""Credentials for another server on the command line: never as arguments, which all users of a machine can read."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import click

Function = TypeVar("Function", bound=Callable[..., Any])

MOST_BYTES: Final = 64 << 10
HERE: Final = "-"
VARIABLE: Final = "env:"
OPTIONS: Final = ("remote_token", "remote_user", "remote_password", "remote_headers")


class Secret(click.ParamType[str]):
    """Where a secret is read from: a file, `env:NAME` for a variable, or - for a question without an echo."""

    name = "file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the secret."""
        return read_secret(value, param.opts[0] if param else "")


class Header(click.ParamType[tuple[str, str]]):
    """The name of a header, and where its value is read from."""

    name = "header"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Return the name and the value."""
        name, equals, source = value.partition("=")
        if not name or not equals:
            self.fail("Write NAME=FILE: the header, and where its value is.", param, ctx)
        return name, read_secret(source, name)


def read_secret(source: str, what: str) -> str:
    """Return the secret that is at *source*, without the end of its line.

    Raises:
        BadParameter: There is none.
    """
    if source == HERE:
        given = click.prompt(what, hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.readline(MOST_BYTES)
    elif source.startswith(VARIABLE):
        given = os.environ.get(source.removeprefix(VARIABLE), "")
    else:
        try:
            with Path(source).open("rb") as file:
                given = file.read(MOST_BYTES).decode()
        except (OSError, UnicodeError) as error:
            why = "it is no text" if isinstance(error, UnicodeError) else error.strerror
            raise click.BadParameter(f"The secret for {what} cannot be read: {why}.") from None
    if not (secret := given.strip("\r\n")):
        raise click.BadParameter(f"There is no secret for {what}.")
    return secret


def credential_options(function: Function) -> Function:
    """Add the options that say what the other server wants to see."""
    for option in (
        click.option(
            "--remote-header",
            "remote_headers",
            type=Header(),
            multiple=True,
            metavar="NAME=FILE",
            help="Header that the other server wants, such as X-API-Key, and the file with its value.",
        ),
        click.option(
            "--remote-password-file", "remote_password", type=Secret(), metavar="FILE", help="Password of that user."
        ),
        click.option("--remote-user", help="User of the other server (Basic)."),
        click.option(
            "--remote-token-file",
            "remote_token",
            type=Secret(),
            metavar="FILE",
            help="Token for the other server (Bearer). Each FILE may be env:NAME for a variable, or - for a question.",
        ),
    ):
        function = option(function)
    return function


def credentials_of(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was said as the API takes it; empty where nothing was.

    Raises:
        UsageError: A user without a password, or a password without a user.
    """
    token, user, password, headers = (said[name] for name in OPTIONS)
    if (user is None) != (password is None):
        raise click.UsageError("--remote-user and --remote-password-file go together.")
    found = {"token": token, "username": user, "password": password, "headers": as_members(headers)}
    return {name: value for name, value in found.items() if value}


def as_members(headers: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return headers as an object.

    Raises:
        UsageError: One is there twice.
    """
    if len(dict(headers)) < len(headers):
        raise click.UsageError("--remote-header names a header twice.")
    return dict(headers)
