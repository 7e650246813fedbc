"""The web processes: `python -m handlers.cli.granian`, settings from the environment."""

from __future__ import annotations

import math
import os
from typing import Any

from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from handlers.cli.supervisor import tie_to
from handlers.settings import Settings


def main() -> None:
    """Serve until SIGTERM; then answer what has come in, within `drain_s`."""
    settings = Settings()
    server = Granian(
        "handlers.wsgi:app",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=settings.web_processes,
        blocking_threads=settings.web_threads,
        workers_kill_timeout=math.ceil(settings.drain_s),
        respawn_failed_workers=True,
        log_level=LogLevels.error,
    )
    server.serve(target_loader=load)


def load(_target: str) -> Any:
    """Return the application, in a process that ends with the one that forked it."""
    tie_to(os.getppid())
    from handlers.services import services
    from handlers.wsgi import app

    if Settings().runs_operations:
        services().operations.pool.warm()
    return app


if __name__ == "__main__":
    main()
