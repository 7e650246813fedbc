"""`seamark model`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from handlers.cli.modelinputs import inputs_of, read_input, read_inputs
from handlers.cli.modelsecrets import credential_options, credentials_of
from handlers.cli.output import json_option, show_json, show_members, show_table, text

if TYPE_CHECKING:
    from handlers.cli.modelserver import ModelServer

Function = TypeVar("Function", bound=Callable[..., Any])

COLUMNS: Final = {"id": "ID", "name": "NAME", "status": "STATUS", "endpoints": "ENDPOINTS", "created_at": "CREATED"}
FORMATS: Final = ("pickle", "joblib", "pmml", "bst", "onnx", "skops")
TAKEN: Final = ("auto", "DataFrame", "ndarray", "DMatrix", "list")
PROTOCOLS: Final = ("ops", "v2")
GIVEN: Final = ("auto", "DataFrame", "ndarray", "list")


def server_options(function: Function) -> Function:
    """Add `--url` and `--token`."""
    function = click.option("--token", envvar="SEAMARK_TOKEN", help="Token for it.  [env: SEAMARK_TOKEN]")(function)
    return click.option("--url", envvar="SEAMARK_URL", help="Server to act on; else the one that is up here.")(function)


@click.group("model")
def command() -> None:
    """Add, list, show and remove models, and ask them for predictions."""


@command.command("add")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", default="", help="What people call it; else what the file says, or is called.")
@click.option("--remote", metavar="URL", help="Server that has the model; it is asked there instead of from a FILE.")
@click.option("--protocol", type=click.Choice(PROTOCOLS), help="That of the other server.")
@click.option(
    "--model", "there", metavar="MODEL", help="What the other server calls it: its id for ops, a name for v2."
)
@click.option("--format", "kind", type=click.Choice(FORMATS), help="Of the file; else seen from the file.")
@click.option("--takes", type=click.Choice(TAKEN), default="auto", show_default=True, help="What it is given.")
@click.option("--gives", type=click.Choice(GIVEN), default="auto", show_default=True, help="What it gives back.")
@click.option("--to", "model", metavar="MODEL", help="Model of which it is a further file, an endpoint of its own.")
@credential_options
@server_options
@json_option
def add(file: Path | None, name: str, url: str | None, token: str | None, as_json: bool, **said: Any) -> None:
    """Put the model in FILE, or one of another server, into service; its id is how others name it."""
    check_source(file, name, said)
    server = open_server(url, token)
    if file is None:
        wish = {"url": said["remote"], "protocol": said["protocol"], "model": said["there"]}
        found = server.add_remote(wish | given({"name": name, "credentials": credentials_of(said)}))
    else:
        found = upload(server, file, said, quiet=as_json)
        found = server.change(found["id"], {"name": name}) if name else found
    if as_json:
        show_json(found)
    else:
        click.echo(found["id"])


def upload(server: ModelServer, file: Path, said: Mapping[str, Any], *, quiet: bool) -> Mapping[str, Any]:
    """Send a file, and return its model, or its endpoint where the model is there already."""
    fields = {"input_data_structure": said["takes"], "output_data_structure": said["gives"], "fileName": file.name}
    fields |= {"format": said["kind"]} if said["kind"] else {}
    model_id = server.model(said["model"])["id"] if said["model"] else None
    with progress(file.stat().st_size, file.name, quiet=quiet) as heard:
        return server.upload(file, fields, model_id, heard)


def check_source(file: Path | None, name: str, said: Mapping[str, Any]) -> None:
    """Refuse a model that comes from nowhere, from two places, or from a place that is not said in full.

    Raises:
        UsageError: It does.
    """
    remote, rest = said["remote"], (said["protocol"], said["there"])
    if (file is None) == (remote is None):
        raise click.UsageError("Name a FILE, or another server with --remote, and not both.")
    if remote is None and (any(rest) or credentials_of(said)):
        raise click.UsageError("--protocol, --model and credentials are of the other server that --remote names.")
    if remote is not None and not all(rest):
        raise click.UsageError("--remote needs --protocol and --model as well.")
    if remote is not None and said["model"]:
        raise click.UsageError("--to is for a further FILE of a model; one of another server is a model of its own.")
    if name and said["model"]:
        raise click.UsageError("--name is for a new model; with --to it is there already.")


def given(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return those members that something was said of."""
    return {name: value for name, value in members.items() if value}


@command.command("credentials")
@click.argument("model")
@click.option("--none", is_flag=True, help="Send none any more.")
@credential_options
@server_options
def credentials(model: str, none: bool, url: str | None, token: str | None, **said: Any) -> None:
    """Send other credentials to the server of a MODEL that is not ours; they are never shown."""
    wanted = credentials_of(said)
    if none == bool(wanted):
        raise click.UsageError("Say what the other server wants to see, or --none.")
    server = open_server(url, token)
    server.change(server.model(model)["id"], {"credentials": wanted or None})
    click.echo(f"The server of {model} gets {'other credentials' if wanted else 'no credentials'} from now on.")


@command.command("refresh")
@click.argument("model")
@server_options
@json_option
def refresh(model: str, url: str | None, token: str | None, as_json: bool) -> None:
    """Read again what a MODEL of another server takes and gives."""
    server = open_server(url, token)
    found = server.refresh(server.model(model)["id"])
    if as_json:
        show_json(found)
    else:
        click.echo(f"{model} takes {inputs_of(found) or 'what nobody knows'}.")


@command.command("list")
@server_options
@json_option
def list_models(url: str | None, token: str | None, as_json: bool) -> None:
    """List the models, the oldest first."""
    server = open_server(url, token)
    found = list(server.models())
    if as_json:
        show_json(found)
        return
    statuses = server.statuses() if found else {}
    show_table(COLUMNS, [summary(model, statuses) for model in found], none="There are no models.", cut="name")


@command.command("show")
@click.argument("model")
@server_options
@json_option
def show(model: str, url: str | None, token: str | None, as_json: bool) -> None:
    """Show the MODEL with this id or name, its inputs and its endpoints."""
    server = open_server(url, token)
    found = server.model(model)
    endpoints = server.endpoints(found["id"])
    if as_json:
        show_json({**found, "endpoints": endpoints})
        return
    members = {key: value for key, value in found.items() if key not in ("links", "input_schema", "output_schema")}
    show_members(members | {"inputs": inputs_of(found)})
    for endpoint in endpoints:
        written = f"written by {endpoint['written_by']}" if "written_by" in endpoint else ""
        words = (endpoint["id"], endpoint["status"], endpoint.get("problem", ""), written)
        click.echo("endpoint " + "  ".join(text(word) for word in words if word))


@command.command("predict")
@click.argument("model")
@click.argument("inputs", metavar="NAME=VALUE...", nargs=-1)
@click.option("--from", "file", type=click.File("r"), help="JSON object of the inputs; - for standard input.")
@server_options
@json_option
def predict(model: str, inputs: Sequence[str], file: Any, url: str | None, token: str | None, as_json: bool) -> None:
    """Ask the MODEL with this id or name for a prediction."""
    given = read_inputs(file) | dict(map(read_input, inputs))
    if not given:
        raise click.UsageError("Give inputs as NAME=VALUE, or an object of them with --from.")
    server = open_server(url, token)
    answer = server.predict(server.model(model), given)["result"]
    (show_json if as_json else show_members)(answer)


@command.command("promote")
@click.argument("model")
@click.argument("endpoint")
@click.option("--share", type=click.FloatRange(0, 100), help="Give it so many percent of the requests, and no more.")
@server_options
def promote(model: str, endpoint: str, share: float | None, url: str | None, token: str | None) -> None:
    """Have an ENDPOINT answer what names its MODEL alone."""
    server = open_server(url, token)
    canary = {"canary": {"endpoint": endpoint, "share": (share or 0) / 100} if share else None}
    found = server.change_traffic(server.model(model)["id"], {"endpoint": endpoint} if share is None else canary)
    say_traffic(found)


@command.command("rollback")
@click.argument("model")
@server_options
def roll_back(model: str, url: str | None, token: str | None) -> None:
    """Have the endpoint answer again that did before the last promotion."""
    server = open_server(url, token)
    say_traffic(server.roll_back(server.model(model)["id"]))


def say_traffic(traffic: Mapping[str, Any]) -> None:
    """Say who answers."""
    canary = traffic["canary"]
    share = f"; {canary['endpoint']} to {canary['share']:.0%} of the requests" if canary else ""
    click.echo(f"{traffic['endpoint']} answers{share}.")


@command.command("rm")
@click.argument("models", metavar="MODEL...", nargs=-1, required=True)
@server_options
def remove(models: Sequence[str], url: str | None, token: str | None) -> None:
    """Remove models, their endpoints and their files."""
    server = open_server(url, token)
    for named in models:
        server.remove(server.model(named)["id"])
        click.echo(f"Removed {named}.")


def open_server(url: str | None, token: str | None) -> ModelServer:
    """Return the models of a server: that at *url*, or the one that is up in this home, whose token is there as well.

    Raises:
        UsageError: None is named, and none is up.
    """
    from handlers.cli import home
    from handlers.cli.modelserver import ModelServer
    from handlers.settings import Settings

    settings = Settings()
    found = url or home.noted_url(settings)
    if not found:
        raise click.UsageError("No server is up here: start `seamark up`, or name one with --url.")
    kept = settings.home / "token"
    if not url and not token and kept.is_file():
        token = kept.read_text().strip()
    return ModelServer(found.rstrip("/") + settings.mount_points.get("ops", "/ops").rstrip("/"), token)


@contextmanager
def progress(size: int, name: str, *, quiet: bool) -> Iterator[Callable[[int], object]]:
    """Give what is told how many bytes of a file were sent, and show that to people."""
    with click.progressbar(length=size, label=name, file=sys.stderr, hidden=quiet) as bar:
        yield bar.update


def summary(model: Mapping[str, Any], statuses: Mapping[str, str]) -> dict[str, Any]:
    """Return a model as a line of the list: the status is that of its newest endpoint."""
    endpoints = [link["href"] for link in model["links"] if link["rel"] == "endpoint"]
    status = statuses.get(endpoints[-1], "") if endpoints else "no endpoint"  # it may have come or gone just now
    return {**model, "status": status, "endpoints": len(endpoints)}
