"""`seamark --help`."""

import importlib
import subprocess
import sys

import click
import pytest

from handlers.cli import COMMANDS, main

LIST_MODULES = """
import sys
from handlers.cli import main
main(["--help"], standalone_mode=False)
print(*sys.modules)
"""
HEAVY = {"alembic", "connexion", "flask", "granian", "httpx", "numpy", "pydantic", "redis", "rq", "sqlalchemy", "yaml"}


def test_help_imports_nothing_heavy():
    """Help is there at once because none of the commands is imported for it."""
    done = subprocess.run([sys.executable, "-c", LIST_MODULES], capture_output=True, text=True, check=True)

    assert not HEAVY & set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there(name):
    """What help lists can be called, and explains itself."""
    command = importlib.import_module(f"handlers.cli.{name}").command

    assert name == command.name
    assert command.help
    for option in command.params:
        assert not isinstance(option, click.Option) or option.help


def test_an_unknown_command_is_a_usage_error():
    """Usage errors exit with 2."""
    with pytest.raises(click.UsageError):
        main(["nonsense"], standalone_mode=False)
