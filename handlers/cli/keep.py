"""What `serve` and `work` have in common."""

from __future__ import annotations

from collections.abc import Sequence

from handlers.cli.home import make_runtime_dir
from handlers.cli.supervisor import Program, Supervisor
from handlers.observability import METRICS_FOLDER, forget_dead
from handlers.settings import Settings
from handlers.storage.migrate import upgrade
from handlers.storage.sql import Database


def keep(settings: Settings, programs: Sequence[Program]) -> None:
    """Prepare the folders and the database, and keep *programs* running until told to stop."""
    forget_dead(make_runtime_dir(settings) / METRICS_FOLDER)
    if not settings.mock:
        database = Database(settings.sql_url)
        upgrade(database)
        database.close()
    supervisor = Supervisor(settings.drain_s)
    try:
        for program in programs:
            supervisor.add(program)
        supervisor.run()
    finally:
        supervisor.stop()
