"""`--operations DIR`: operations that live in a folder outside."""

from __future__ import annotations

from pathlib import Path

import click

from handlers.settings import Settings

operations_option = click.option(
    "--operations",
    "operations_dir",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path, resolve_path=True),
    help="Serve the operations in this folder too.  [default: SEAMARK_OPERATIONS_DIR]",
)


def refuse_faulty(settings: Settings) -> None:
    """Say what is wrong with the operations outside, before anything is started.

    Raises:
        ClickException: A spec is wrong, or a function does not agree with its spec.
    """
    if settings.operations_dir is None:
        return
    from handlers.operations.catalogue import CatalogueError, catalogue_of
    from handlers.spec.lint import lint
    from handlers.spec.outside import find_outside, read_outside

    folder = settings.operations_dir
    findings = [finding for path in find_outside(folder).values() for finding in lint(path, folder)]
    for finding in findings:
        click.echo(str(finding), err=True)
    if any(finding.level == "error" for finding in findings):
        raise click.ClickException(f"The operations in {folder} cannot be served until their specs are right.")
    try:
        catalogue_of(read_outside(folder))
    except CatalogueError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    try:
        refuse_faulty(Settings())
    except click.ClickException as fault:
        raise SystemExit(fault.message) from fault
