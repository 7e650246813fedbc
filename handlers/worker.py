"""A job's way in: a worker process takes ids from the queue and looks after their jobs.

`work` is the whole life of such a process; `run` is what RQ's own worker would call with an id.
"""

from __future__ import annotations

import functools
import importlib
import os
import secrets
import socket
import threading
from collections.abc import Collection, Mapping
from typing import Final

from handlers.assets.store import Assets
from handlers.compute import workflow
from handlers.compute.leftovers import Leftovers
from handlers.files.remote import Remote
from handlers.jobs.aside import Aside
from handlers.jobs.bell import Bell
from handlers.jobs.messenger import Messenger
from handlers.jobs.orphans import Orphans
from handlers.jobs.runner import Handler
from handlers.jobs.service import Jobs
from handlers.jobs.stable import Stable
from handlers.jobs.supervisor import Supervisor
from handlers.jobs.sweeper import Sweeper
from handlers.models import deployment
from handlers.services import job_kinds, services, start
from handlers.settings import Settings

KINDS: Final = "handlers.worker:kinds"
PROMPT: Final = frozenset({deployment.KIND})  #: kinds of short jobs that somebody waits for


def work(settings: Settings | None = None) -> None:
    """Be a worker until SIGTERM or SIGINT: finish the job in hand within `drain_s`, or give it back."""
    here = start(settings)
    try:
        serve(here.jobs, KINDS, PROMPT)
    finally:
        here.close()


def serve(jobs: Jobs, kinds: str, prompt: Collection[str]) -> None:
    """Take up *jobs* and sweep after them until told to stop.

    Args:
        jobs: Of the store.
        kinds: What `Stable` takes.
        prompt: Kinds of jobs that are run beside a long one.
    """
    supervisor = supervise(jobs, kinds, new_name(), Bell())
    aside = Aside(jobs.database, prompt, supervisor, lambda bell: supervise(jobs, kinds, supervisor.name, bell))
    stop = threading.Event()
    messenger = Messenger(jobs, Remote(jobs.settings.networks).post)
    orphans = Orphans(jobs.database, jobs.blobs, Assets(jobs.database, jobs.blobs))
    parts = {
        "sweeper": Sweeper(jobs).run,
        "messenger": messenger.run,
        "orphans": orphans.run,
        "leftovers": Leftovers(jobs.settings, jobs.database).run,
    }
    for name, part in parts.items():
        threading.Thread(target=part, args=(stop,), name=name, daemon=True).start()
    aside.start()
    try:
        jobs.queue.work(supervisor.name, supervisor.run, supervisor.bell)
    finally:
        stop.set()
        aside.close()
        supervisor.stable.close()


def run(job_id: str) -> None:
    """Run one job, if it is still there to be had."""
    own_supervisor().run(job_id)


@functools.cache
def own_supervisor() -> Supervisor:
    """Return the supervisor of this process."""
    return supervise(services().jobs, KINDS, new_name(), Bell())


def new_name() -> str:
    """Return a name that no other worker has."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"


def supervise(jobs: Jobs, kinds: str, name: str, bell: Bell) -> Supervisor:
    """Return a supervisor with processes at hand."""
    return Supervisor(name, bell, Stable(jobs.settings, kinds), jobs, Leftovers(jobs.settings, jobs.database).clear)


def kinds(settings: Settings) -> Mapping[str, Handler]:
    """Import what jobs need and return what does those of each kind; called where jobs are forked.

    A job of an operation that comes though no API here runs operations imports what it needs itself.
    """
    here = start(settings)
    operations = here.operations.catalogue.preload() if settings.runs_operations else ()
    for module in (*operations, *workflow.PRELOAD):
        importlib.import_module(module)
    return job_kinds()
