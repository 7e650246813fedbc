"""What `seamark up --demo` adds: a chain of one's own, and the story that is played on it."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import click

from handlers.cli import programs
from handlers.cli.supervisor import Program, Supervisor
from handlers.settings import Settings

PACKAGES: Final = {"artifacts": "ocean-contracts", "eth_tester": "eth-tester"}
PROVIDER: Final = 3  #: the account of the chain whose key is the provider's
CHAIN_FILE: Final = "chain.json"


def given(stack: ExitStack) -> dict[str, Any]:
    """Return settings for the demo, where none are set.

    The home is gone with *stack*, as the chain is; the log does not tell of each request what the story shows.

    Raises:
        ClickException: Something is missing that the demo needs.
    """
    missing = [package for module, package in PACKAGES.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise click.ClickException(f"{missing[0]} is missing: pip install 'seamark[demo]'")
    found: dict[str, Any] = {} if os.environ.get("SEAMARK_LOG_LEVEL") else {"log_level": "warning"}
    if not os.environ.get("SEAMARK_HOME"):
        found["home"] = Path(tempfile.mkdtemp(prefix="seamark-demo-"))
        stack.callback(shutil.rmtree, found["home"], ignore_errors=True)
    return found


def check_sandbox(settings: Settings) -> None:
    """See that algorithms can be run here; the story's own may be run without a sandbox, where the settings say so.

    Raises:
        ClickException: They cannot.
    """
    from handlers.sandbox.probe import probe

    found = probe(settings)
    if not found.works and not settings.sandbox_off:
        raise click.ClickException(f"The demo runs an algorithm in a sandbox. {found.detail} {found.mend}")


def start_chain(supervisor: Supervisor, settings: Settings, in_time: Callable[..., Any]) -> Settings:
    """Start the chain, and return the settings of a server that uses it.

    Args:
        supervisor: Keeps it running.
        settings: Of the server.
        in_time: Bounds how long a condition is waited for.
    """
    file = settings.home.resolve() / CHAIN_FILE
    file.unlink(missing_ok=True)
    command = (*seamark(), "devchain", "--port", "0", "--write", str(file))
    environment = programs.environment(settings)
    supervisor.add(Program(name="chain", command=command, environment=environment, quiet=True, last=True))
    if not supervisor.run(until=in_time(file.exists), patient=False):
        return settings
    chain = json.loads(file.read_text())
    before = {name: getattr(settings, name) for name in settings.model_fields_set}
    return Settings(**before | {
        "chain_url": chain["url"],
        "chain_id": chain["chainId"],
        "chain_factory": chain["contracts"]["DTFactory"],
        "keeper_contracts": chain["keeper"],
        "provider_key": chain["accounts"][PROVIDER]["key"],
    })  # fmt: skip


def story(settings: Settings, url: str) -> Program:
    """Return what plays the story against the server at *url*, once."""
    command = (sys.executable, "-P", "-m", "handlers.demo.story", url, str(settings.home.resolve() / CHAIN_FILE))
    return Program(name="story", command=command, environment=programs.environment(settings), once=True)


def seamark() -> tuple[str, ...]:
    """Return our own command."""
    return (sys.executable, "-P", "-m", "handlers.cli")
