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
@click.option("--check", is_flag=True, help="Change nothing; exit with 1 where generated/ is not as specs/ say.")
@click.pass_context
def command(ctx: click.Context, check: bool) -> None:
    """Make generated/ of specs/; never touches what is written by hand."""
    import subprocess
    import sys

    arguments = [sys.executable, "-m", "tools.generate", *(["--check"] if check else [])]
    ctx.exit(subprocess.run(arguments, cwd=needed_checkout(), check=False).returncode)
