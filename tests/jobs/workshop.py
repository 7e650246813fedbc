"""A worker process of the tests, and the kinds of jobs that it knows.

python -m tests.jobs.workshop SETTINGS-AS-JSON
"""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from handlers.errors import OperationFailed
from handlers.jobs.queue import Queue
from handlers.jobs.runner import Context, Handler
from handlers.jobs.service import Job, Jobs
from handlers.settings import Settings
from handlers.storage.blobs import open_blobs
from handlers.storage.sql import Database
from handlers.worker import serve


def quick(job: Job, context: Context) -> dict[str, Any]:
    """Give the inputs back at once, and say when the first line ran."""
    return {"inputs": job.inputs, "began": time.time()}


def urgent(job: Job, context: Context) -> dict[str, Any]:
    """Give the inputs back, with somebody waiting for them; work for `seconds` where some are wanted."""
    time.sleep(job.inputs.get("seconds", 0))
    return {"inputs": job.inputs}


def slow(job: Job, context: Context) -> dict[str, Any]:
    """Work for `seconds`, and say so; note each start in the file `tally`."""
    with Path(job.inputs["tally"]).open("a") as tally:
        tally.write(f"{job.attempt} {os.getpid()}\n")
    end = time.monotonic() + job.inputs["seconds"]
    while time.monotonic() < end:
        context.report(50, f"attempt {job.attempt}")
        time.sleep(0.02)
    return {"attempt": job.attempt}


def failing(job: Job, context: Context) -> dict[str, Any]:
    """Fail as `how` says."""
    match job.inputs["how"]:
        case "problem":
            raise OperationFailed("The column is missing.")
        case "full":
            raise OSError(errno.ENOSPC, "No space left on device")
        case "bug":
            raise RuntimeError("postgresql://user:secret@db")
        case "exit":
            sys.exit(3)
        case "values":
            return {"answer": object()}
        case "nan":
            return {"answer": float("nan")}
        case _:
            os._exit(7)


def forking(job: Job, context: Context) -> dict[str, Any]:
    """Start a process in a session of its own, and one below it; note both in the file `tally` and wait."""
    script = "sleep 600 & echo $! $$ > $0; wait"
    subprocess.Popen(["setsid", "sh", "-c", script, job.inputs["tally"]])
    time.sleep(job.inputs.get("seconds", 600))
    return {}


def printing(job: Job, context: Context) -> dict[str, Any]:
    """Print `lines` lines, one of them from a program, and log one."""
    context.log("logged")
    subprocess.run(["echo", "from a program"], check=True)
    for number in range(job.inputs["lines"]):
        print(f"line {number}")  # noqa: T201 - that is the point
    sys.stderr.write("no newline")
    return {}


def keeping(job: Job, context: Context) -> dict[str, Any]:
    """Keep a file, and leave another behind in the work folder."""
    path = context.directory / "result.txt"
    path.write_text("kept")
    return {"blob": context.keep(path, "result.txt"), "directory": str(context.directory)}


def kinds(settings: Settings) -> Mapping[str, Handler]:
    """Return what does the jobs of each kind."""
    return {function.__name__: function for function in (quick, urgent, slow, failing, forking, printing, keeping)}


def never(settings: Settings) -> Mapping[str, Handler]:
    """Take longer to import what jobs need than anybody waits."""
    time.sleep(600)
    return {}


def jobs_of(settings: Settings) -> Jobs:
    """Return the jobs of a process with these settings."""
    return Jobs(Database(settings.sql_url), Queue(settings), open_blobs(settings.store_url), settings)


if __name__ == "__main__":
    serve(jobs_of(Settings.model_validate_json(sys.argv[1])), "tests.jobs.workshop:kinds", {"urgent"})
