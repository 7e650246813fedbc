"""`seamark generate`."""

from __future__ import annotations

from pathlib import Path

import click

import handlers


def checkout() -> Path | None:
    """Return the folder of the sources, if this runs from them: the generator is not part of an installation."""
    root = Path(handlers.__file__).resolve().parents[1]
    there = (root / "specs").is_dir() and (root / "tools" / "generate").is_dir()
    return root if there else None


def needed_checkout() -> Path:
    """Return the folder of the sources.

    Raises:
        ClickException: This is an installation, which has no specs to edit.
    """
    root = checkout()
    if root is None:
        raise click.ClickException(
            "This is an installation without specs/ and tools/. Clone the sources, run `pip install -e .` there, "
            "and use that `seamark`."
        )
    return root


@click.command("generate")
@click.option("--check", is_flag=True, help="Change nothing; exit with 1 where something would change.")
@click.option("--diff", is_flag=True, help="Change nothing; show what would change.")
@click.option("--dry-run", is_flag=True, help="Change nothing; list what would change.")
@click.option("--force", is_flag=True, help="Overwrite what was edited by hand in generated/.")
@click.option("--watch", is_flag=True, help="Run again whenever a spec changes, until stopped.")
@click.option("--against", metavar="REV", help="List what breaks clients since a git revision, or since last-tag.")
@click.option("--json", is_flag=True, help="List it as JSON, for programs.")
@click.pass_context
def command(ctx: click.Context, /, against: str | None, **flags: bool) -> None:
    """Make generated/ of specs/, and append to handlers/ what it lacks; nothing written by hand is touched."""
    arguments = [f"--{name.replace('_', '-')}" for name, given in flags.items() if given]
    ctx.exit(run_tool("tools.generate", *arguments, *(["--against", against] if against else [])))


def run_tool(module: str, *arguments: str) -> int:
    """Run a tool of the checkout, and return its exit status."""
    import subprocess
    import sys

    process = subprocess.Popen([sys.executable, "-m", module, *arguments], cwd=needed_checkout())
    try:
        return process.wait()
    except KeyboardInterrupt:
        return process.wait()  # it got the signal too, and ends by itself
