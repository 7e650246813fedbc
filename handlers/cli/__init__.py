"""The `seamark` command.

`seamark --help` imports none of the commands: each lies in a module of its own, which is imported when it is called.
"""

from __future__ import annotations

import importlib
from typing import Any, Final

import click

COMMANDS: Final = {
    "up": "Start everything on this machine.",
    "serve": "Serve the APIs; the jobs are done elsewhere.",
    "work": "Do the jobs that others accept.",
    "check": "Tell what works, what does not, and how to mend it.",
    "new": "Write a new operation, or take in an API.",
    "generate": "Make generated/ of specs/.",
    "asset": "Add, publish, list, show and remove assets.",
    "model": "Add, list, show and remove models, and ask them.",
    "job": "List, show and cancel jobs, and read their logs.",
    "token": "Make, list and revoke tokens.",
    "key": "Make, import, show and rotate the provider's keys.",
    "devchain": "Run a chain of your own, for trying out.",
    "db": "Bring the database up to date.",
    "backup": "Write the whole state to a file.",
    "restore": "Put the state in such a file back.",
}


class Commands(click.Group):
    """Imports a command when it is called, and says in one line what went wrong."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command; None if there is none of this name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"handlers.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise  # click ends in silence where who reads us has gone
        except Exception as error:
            from handlers.cli.failures import explain

            words = explain(error)
            if words is None:
                raise
            raise click.ClickException(words) from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="seamark")
def main() -> None:
    """Serve the APIs and run their jobs. Settings come from SEAMARK_* variables."""
