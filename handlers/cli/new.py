"""`seamark new`: the first text of what is then written by hand."""

from __future__ import annotations

import keyword
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import click

from handlers.cli.generate import needed_checkout, run_tool

FIELD: Final = "NAME:TYPE"


@click.group("new")
def command() -> None:
    """Write a new operation, or take in the document of an API."""


@command.command("operation")
@click.argument("name")
@click.option(
    "--input", "inputs", metavar=FIELD, multiple=True, help="An input, such as rounds:integer=10 or note:string?"
)
@click.option("--output", "outputs", metavar=FIELD, multiple=True, help="An output, such as model:asset. May repeat.")
@click.option("--summary", metavar="TEXT", help="What it does, in a sentence.")
@click.option(
    "--in", "folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path), help="A folder outside."
)
def operation(
    name: str, inputs: tuple[str, ...], outputs: tuple[str, ...], summary: str | None, folder: Path | None
) -> None:
    """Write the spec, the function and a test of an operation.

    Types are string, integer, number, boolean, array, object and asset. `?` after a type, or a default, means that the
    input or output may be missing.
    """
    from handlers.operations.scaffold.fields import read_fields
    from handlers.operations.scaffold.spec import spec_text
    from handlers.spec.outside import NAME

    if not NAME.fullmatch(name) or keyword.iskeyword(name):
        raise click.ClickException(
            f"{name!r} is no name of an operation: small letters, digits and `-`, such as word-count."
        )
    try:
        takes, gives = read_fields(inputs), read_fields(outputs)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    summary = summary or f"Do {name}."
    root = None if folder else needed_checkout()
    shared = "_shared.yaml" if root is None else "../_shared.yaml"
    text = spec_text(name, summary, takes, gives, shared=shared)
    if root is None:
        assert folder is not None, "one of both is given"
        write_outside(name, folder.resolve(), text)
    else:
        write_inside(name, root, text)


@command.command("api")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path, resolve_path=True))
@click.option("--name", help="Name of the API; that of the file by default.")
@click.option("--mount", metavar="PATH", help="Where to serve it; as the document says by default.")
@click.pass_context
def api(ctx: click.Context, /, file: Path, name: str | None, mount: str | None) -> None:
    """Take in an OpenAPI 3.0 or Swagger 2.0 document: mount it, write its controller, hold it to the house's rules."""
    given = {"--name": name, "--mount": mount}
    options = [word for option, value in given.items() if value is not None for word in (option, value)]
    ctx.exit(run_tool("tools.generate.new_api", str(file), *options))


def write_inside(name: str, root: Path, text: str) -> None:
    """Write an operation into a checkout, and generate what follows from it."""
    from handlers.operations.scaffold.trial import trial_text
    from handlers.spec.bundle import bundle

    module = name.replace("-", "_")
    spec = root / "specs" / "invoke" / f"{name}.yaml"
    function = root / "handlers" / "operations" / f"{module}.py"
    trial = root / "tests" / "operations" / f"test_{module}.py"
    refuse_existing([spec, function, trial, function.with_suffix("")])
    write({spec: text})
    try:
        write({trial: trial_text(name, bundle(spec), outside=False)})
        status = run_tool("tools.generate")
    except BaseException:
        spec.unlink()
        raise
    if status:
        raise click.ClickException(f"{spec} is written, but nothing was generated of it. Mend what is said above.")
    paths = [path.relative_to(root) for path in (spec, function, trial)]
    say_next(paths, name, test=f"pytest {paths[2]}", up="seamark up --dev")


def write_outside(name: str, folder: Path, text: str) -> None:
    """Write an operation into a folder outside."""
    from handlers.operations.catalogue import CatalogueError, operation_of
    from handlers.operations.scaffold.function import function_text
    from handlers.operations.scaffold.spec import SHARED, packaged
    from handlers.operations.scaffold.trial import trial_text
    from handlers.spec.documents import read_generated
    from handlers.spec.outside import read_operation

    if f"invoke/{name}" in {api.name for api in read_generated()}:
        raise click.ClickException(f"There is an operation {name} already, which is built in.")
    module = name.replace("-", "_")
    spec, function, trial = folder / f"{name}.yaml", folder / f"{module}.py", folder / f"test_{module}.py"
    refuse_existing([spec, function, trial])
    write({spec: text} | ({} if (folder / SHARED).exists() else {folder / SHARED: packaged(SHARED)}))
    found = read_operation(name, spec)
    write({function: function_text(name, found.document), trial: trial_text(name, found.document, outside=True)})
    try:
        operation_of(found)
    except CatalogueError as error:
        raise click.ClickException(str(error)) from error
    say_next([spec, function, trial], name, test=f"pytest {trial}", up=f"seamark up --dev --operations {folder}")


def refuse_existing(paths: Sequence[Path]) -> None:
    """Refuse to write over what is there.

    Raises:
        ClickException: It is.
    """
    for path in paths:
        if path.exists():
            raise click.ClickException(f"There is a {path} already; nothing was written.")


def write(texts: Mapping[Path, str]) -> None:
    """Write files."""
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def say_next(paths: Sequence[Path], name: str, *, test: str, up: str) -> None:
    """Say what was written, and what to do next."""
    for line in next_lines(paths, name, test, up):
        click.echo(line)


def next_lines(paths: Sequence[Path], name: str, test: str, up: str) -> Iterator[str]:
    """Yield what is to be said."""
    spec, function, trial = paths
    yield f"The operation {name} is there, and answers 501 until it is built:"
    yield f"  {spec}  what it takes and gives"
    yield f"  {function}  the function that does it"
    yield f"  {trial}  its test"
    yield "Next:"
    yield f"  write the function, then `{test}`"
    yield f"  `{up}` serves it at /invoke/{name}/invokesync and /invoke/{name}/invokeasync, and again after each edit"
