"""`seamark serve`."""

from __future__ import annotations

from typing import Any

import click

from handlers.cli import programs
from handlers.cli.keep import keep
from handlers.cli.outside import operations_option


@click.command("serve")
@click.option("--host", help="Address to listen on.  [default: SEAMARK_HOST, or 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="Port; 0: any.  [default: SEAMARK_PORT, or 8030]")
@click.option("--api", "apis", metavar="NAME", multiple=True, help="API to serve, such as ops; else all. May repeat.")
@click.option("--mount", metavar="PATH", help="Where to serve the API; with --api invoke, where /O/invokesync begins.")
@click.option("--operation", metavar="O", help="Serve only this operation; with --mount / at /invokesync and so on.")
@click.option("--processes", "web_processes", type=click.IntRange(1), help="Web processes.")
@click.option("--threads", "web_threads", type=click.IntRange(1), help="Threads of each web process.")
@operations_option
@click.option("--mock", is_flag=True, default=None, help="Answer every operation from its examples.")
def command(apis: tuple[str, ...], mount: str | None, operation: str | None, **given: Any) -> None:
    """Serve the APIs until stopped; `seamark work` does the jobs, here or elsewhere."""
    settings = programs.configure(**given, **served(apis, mount, operation))
    programs.warn_of_strangers(settings)
    port = programs.Port(settings.host, settings.port)
    settings = settings.model_copy(update={"host": port.host, "port": port.number})
    click.echo(f"Serving {programs.address_of(settings, port.number)}", err=True)
    keep(settings, [programs.web(settings)])


def served(apis: tuple[str, ...], mount: str | None, operation: str | None) -> dict[str, str]:
    """Return the settings that say what is served, and where.

    Raises:
        UsageError: The options do not go together.
    """
    if operation is not None:
        if set(apis) - {"invoke"}:
            raise click.UsageError("--operation is for --api invoke.")
        name = f"invoke/{operation}"
        return {"apis": name} | ({"mounts": f"{name}={mount}"} if mount else {})
    if mount is not None and len(apis) != 1:
        raise click.UsageError("--mount is for one --api.")
    given = {"apis": ",".join(apis)} if apis else {}
    return given | ({"mounts": f"{apis[0]}={mount}"} if mount else {})
