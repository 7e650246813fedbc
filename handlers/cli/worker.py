"""A worker process: `python -m handlers.cli.worker`, settings from the environment."""

from __future__ import annotations

import os

from handlers import observability
from handlers.settings import Settings
from handlers.worker import work

if __name__ == "__main__":
    settings = Settings()
    observability.start(settings, os.environ.get("SEAMARK_PROCESS", "worker"))
    work(settings)
