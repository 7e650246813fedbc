"""`seamark job`."""

from __future__ import annotations

import time
from typing import Final

import click

from handlers.cli.output import json_option, show_json, show_members, show_table
from handlers.cli.stores import Store, open_store, store_options

COLUMNS: Final = {
    "id": "JOB",
    "subject": "SUBJECT",
    "status": "STATUS",
    "progress": "%",
    "owner": "OWNER",
    "created": "CREATED",
    "message": "MESSAGE",
}
LINES: Final = 1000  # of a log, at once
POLL_S: Final = 0.5
ENDED: Final = ("succeeded", "failed", "cancelled")


@click.group("job")
def command() -> None:
    """List, show and cancel jobs, and read their logs."""


@command.command("list")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000), help="Most jobs to list.")
@click.option("--before", help="Continue a list: what it said at its end.")
@store_options
@json_option
def list_jobs(limit: int, before: str | None, url: str | None, token: str | None, as_json: bool) -> None:
    """List the jobs, the newest first."""
    page = open_store(url, token).list_jobs(limit, before)
    if as_json:
        show_json(page)
        return
    show_table(COLUMNS, page["jobs"], none="There are no jobs.")
    if page["next"]:
        click.echo(f"More: --before {page['next']}")


@command.command("show")
@click.argument("job_id", metavar="JOB")
@store_options
@json_option
def show(job_id: str, url: str | None, token: str | None, as_json: bool) -> None:
    """Show how a job stands and what came of it."""
    job = open_store(url, token).read_job(job_id)
    (show_json if as_json else show_members)(job)


@command.command("cancel")
@click.argument("job_id", metavar="JOB")
@store_options
@json_option
def cancel(job_id: str, url: str | None, token: str | None, as_json: bool) -> None:
    """End a job and all that it started."""
    job = open_store(url, token).cancel_job(job_id)
    if as_json:
        show_json(job)
    else:
        click.echo(f"{job['id']} is {job['status']}.")


@command.command("logs")
@click.argument("job_id", metavar="JOB")
@click.option("--follow", "-f", is_flag=True, help="Go on until the job has ended.")
@store_options
@json_option
def logs(job_id: str, follow: bool, url: str | None, token: str | None, as_json: bool) -> None:
    """Show what a job logged; with --json one object a line."""
    store = open_store(url, token)
    after = show_lines(store, job_id, 0, as_json)
    while follow:
        ended = store.read_job(job_id)["status"] in ENDED
        after = show_lines(store, job_id, after, as_json)
        if ended:
            break
        time.sleep(POLL_S)


def show_lines(store: Store, job_id: str, after: int, as_json: bool) -> int:
    """Write the lines after the one with the id *after*; return the id of the last."""
    while lines := store.read_job_log(job_id, after, LINES)["lines"]:
        for line in lines:
            if as_json:
                from json import dumps

                click.echo(dumps(line, ensure_ascii=False))
            else:
                click.echo(f"{line['time'][11:19]}  {line['line']}")
        after = lines[-1]["id"]
        if len(lines) < LINES:
            break
    return after
