"""The programs that `up`, `serve` and `work` keep running, and the settings that these get."""

from __future__ import annotations

import errno
import os
import socket
import sys
from typing import Any, Final

import click
from pydantic import SecretStr

from handlers.cli.outside import refuse_faulty
from handlers.cli.redis_server import RedisServer
from handlers.cli.supervisor import Program
from handlers.settings import Settings

#: What is said of an address that other machines reach without a proxy.
UNBUFFERED: Final = "Other machines reach {}, and no proxy buffers bodies: slow ones can keep all threads."


def configure(**given: Any) -> Settings:
    """Return the settings of the environment, those changed that the command line gives.

    Raises:
        ClickException: They would let other machines manage this one, or name operations or a pipeline that are faulty.
    """
    settings = Settings(**{name: value for name, value in given.items() if value is not None})
    if settings.opens_management:
        raise click.ClickException(
            f"SEAMARK_MANAGE_OPEN lets anybody manage this server, and {settings.host} can be reached from other "
            "machines. Unset it, or bind to 127.0.0.1."
        )
    refuse_faulty(settings)
    if settings.konduit is not None:
        from handlers.pipelines.config import read_configuration
        from handlers.pipelines.faults import Unusable

        try:
            for words in read_configuration(settings.konduit).misspelt:
                click.echo(f"SEAMARK_KONDUIT, {settings.konduit}: {words}", err=True)
        except Unusable as unusable:
            raise click.ClickException(f"SEAMARK_KONDUIT, {settings.konduit}: {unusable}") from None
    return settings


def warn_of_strangers(settings: Settings) -> None:
    """Say so where other machines reach this one without a proxy in front."""
    if settings.wants_proxy:
        click.echo(f'{UNBUFFERED.format(settings.host)} See "Behind a proxy" in the README.', err=True)


def environment(settings: Settings, **more: str) -> dict[str, str]:
    """Return the environment in which a child reads the same settings."""
    changed = {name: getattr(settings, name) for name in settings.model_fields_set}
    ours = {f"SEAMARK_{name.upper()}": as_text(value) for name, value in changed.items()}
    fixed = {"SEAMARK_HOME": str(settings.home.resolve()), "PYTHONUNBUFFERED": "1"}
    return dict(os.environ) | ours | fixed | {f"SEAMARK_{name.upper()}": value for name, value in more.items()}


def as_text(value: Any) -> str:
    """Return a setting as the environment has it; a secret shows itself to nobody but its child."""
    return str(value.get_secret_value()) if isinstance(value, SecretStr) else str(value)


def redis(server: RedisServer, settings: Settings) -> Program:
    """Return our own Redis."""
    return Program(name="redis", command=server.command, environment=environment(settings), quiet=True, last=True)


def web(settings: Settings) -> Program:
    """Return the web server."""
    return Program(name="web", command=module("granian"), environment=environment(settings))


def workers(settings: Settings) -> list[Program]:
    """Return the workers."""
    names = [f"worker-{number}" for number in range(1, settings.workers + 1)]
    return [
        Program(name=name, command=module("worker"), environment=environment(settings, process=name)) for name in names
    ]


def module(name: str) -> tuple[str, ...]:
    """Return the command that runs a module of this package; what lies in the current folder must not shadow ours."""
    return (sys.executable, "-P", "-m", f"handlers.cli.{name}")


class Port:
    """A port that is ours from now on; the web server listens on it, as often as it is started."""

    def __init__(self, host: str, port: int) -> None:
        """Take the port; 0: any that is free.

        Raises:
            ClickException: Somebody else has it, or the address is not this machine's.
        """
        try:
            self._probe(host, port)
            self._socket = make_socket(host)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            self._socket.bind((host, port))
        except OSError as error:
            raise click.ClickException(why_not(host, port, error)) from error
        self.host, self.number = self._socket.getsockname()[:2]  #: the host as a number, which granian wants

    def _probe(self, host: str, port: int) -> None:
        """See that nobody else has the port: a second server that shares ports would be let in."""
        if port:
            with make_socket(host) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((host, port))

    def close(self) -> None:
        """Give it back."""
        self._socket.close()


def make_socket(host: str) -> socket.socket:
    """Return a TCP socket for an address."""
    family, kind, protocol, *_ = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0]
    return socket.socket(family, kind, protocol)


def why_not(host: str, port: int, error: OSError) -> str:
    """Say why a port cannot be had."""
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} of {host} is in use; choose another with --port or SEAMARK_PORT, or --port 0 for any."
    return f"{host}:{port} cannot be listened on: {error.strerror or error}. Choose others with --host and --port."


def address_of(settings: Settings, port: int) -> str:
    """Return the URL at which this machine reaches the server."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - compared, not bound
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
