"""`seamark devchain`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click


@click.command("devchain")
@click.option("--port", default=8545, show_default=True, type=click.IntRange(0, 65535), help="Port; 0: any.")
@click.option(
    "--write", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Write it all as JSON, too."
)
def command(port: int, write: Path | None) -> None:
    """Run a chain of your own, with the contracts on it and accounts that have funds; for trying out only."""
    chain = start(port)
    described = chain.described()
    if write is not None:
        partial = write.with_name(f".{write.name}.part")
        partial.write_text(json.dumps(described, indent=2) + "\n")
        partial.replace(write)
    try:
        show(described)
        chain.server.serve_forever()
    except KeyboardInterrupt:
        click.echo()
    finally:
        chain.server.server_close()


def start(port: int) -> Any:
    """Return a chain that is ready to serve.

    Raises:
        ClickException: The extra is not installed, or the port is taken.
    """
    try:
        from handlers.demo.devchain import begin

        return begin(port)
    except ModuleNotFoundError as error:
        # Ours say it all; a package of the extra that misses another names only that.
        said = f"{error.name} is missing: pip install 'seamark[demo]'" if error.name else str(error)
        raise click.ClickException(said) from error
    except OSError as error:
        raise click.ClickException(f"The port {port} cannot be used: {error.strerror}.") from error


def show(described: dict[str, Any]) -> None:
    """Tell people what is there."""
    click.echo(
        f"A chain of your own at {described['url']} (chain id {described['chainId']}). Everybody knows its keys.\n"
    )
    click.echo("Accounts, 1,000,000 ether and 1,000 DEMO each:")
    for account in described["accounts"]:
        click.echo(f"  {account['address']}  {account['key']}")
    click.echo("\nContracts:")
    for name, address in described["contracts"].items():
        click.echo(f"  {name.ljust(24)}  {address}")
    click.echo(f"  {'Datatoken DEMO'.ljust(24)}  {described['datatoken']}")
    click.echo("\n" + " \\\n".join(f"{name}={value}" for name, value in settings_for(described).items()) + " \\")
    click.echo("seamark up\n\nCtrl-C stops it.")


def settings_for(described: dict[str, Any]) -> dict[str, str]:
    """Return the settings under which a server uses this chain."""
    return {"SEAMARK_CHAIN_URL": described["url"], "SEAMARK_KEEPER_CONTRACTS": described["keeper"]}
