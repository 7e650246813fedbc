"""What `serve` and `work` have in common."""

from __future__ import annotations

from collections.abc import Sequence

from handlers.cli.supervisor import Program, Supervisor
from handlers.settings import Settings
from handlers.storage.migrate import upgrade
from handlers.storage.sql import Database


def keep(settings: Settings, programs: Sequence[Program]) -> None:
    """Bring the database up to date and keep *programs* running until told to stop."""
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
