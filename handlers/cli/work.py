"""`seamark work`."""

from __future__ import annotations

from typing import Any

import click

from handlers.cli import programs
from handlers.cli.keep import keep
from handlers.cli.outside import operations_option


@click.command("work")
@click.option("--workers", type=click.IntRange(1), help="Worker processes.  [default: SEAMARK_WORKERS, or 1]")
@click.option("--queue", "redis_url", metavar="URL", help="Redis that holds the queue.  [default: SEAMARK_REDIS_URL]")
@operations_option
def command(**given: Any) -> None:
    """Do the jobs that `seamark serve` accepts, until stopped; each worker also sweeps up after dead ones."""
    settings = programs.configure(**given)
    keep(settings, programs.workers(settings))
