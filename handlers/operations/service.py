"""Invoke: run an operation at once, or as a job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handlers.errors import JobNotFound, NotFinished
from handlers.jobs.runner import Context
from handlers.jobs.service import Job, Jobs
from handlers.jobs.tables import ENDED
from handlers.operations.catalogue import Catalogue
from handlers.operations.pool import Pool
from handlers.operations.runner import Runner
from handlers.settings import Settings
from handlers.wire import Caller

KIND = "invoke"
POLL_S = 1  # what a caller who asks too early is told to wait


class Operations:
    """What can be invoked, and how."""

    def __init__(self, catalogue: Catalogue, runner: Runner, jobs: Jobs, settings: Settings) -> None:
        """Run operations with *runner*, in processes of our own or as *jobs*."""
        self.catalogue = catalogue
        self.runner = runner
        self.jobs = jobs
        self.pool = Pool(settings)

    def run(self, name: str, inputs: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        """Run an operation now and return its outputs.

        Raises:
            Problem: An asset may not be read, the run failed, or took too long.
        """
        self.runner.admit(name, inputs, caller)
        return self.pool.run(name, inputs, caller)

    def submit(self, name: str, inputs: Mapping[str, Any], caller: Caller) -> Job:
        """Store a run as a job and return it.

        Raises:
            Problem: An asset may not be read, or too many jobs wait.
        """
        self.runner.admit(name, inputs, caller)
        work = {"inputs": dict(inputs), "scopes": sorted(caller.scopes)}
        return self.jobs.submit(KIND, name, work, owner=caller.name)

    def status(self, name: str, job_id: str, caller: Caller) -> Job:
        """Return a job of this operation.

        Raises:
            JobNotFound: There is none with this id that is this caller's.
            JobExpired: It was here, and its time is over.
        """
        job = self.jobs.read(job_id, owner=caller.name, all_owners=caller.may("manage"))
        if (job.kind, job.subject) != (KIND, name):
            raise JobNotFound(f"There is no job {job_id} of the operation {name}.")
        return job

    def result(self, name: str, job_id: str, caller: Caller) -> Job:
        """Return a job of this operation that has ended.

        Raises:
            NotFinished: It has not.
            JobNotFound, JobExpired: As for `status`.
        """
        job = self.status(name, job_id, caller)
        if job.status not in ENDED:
            raise NotFinished(
                f"The job is {job.status} ({job.progress} %); ask again later.", headers={"Retry-After": str(POLL_S)}
            )
        return job

    def work(self, job: Job, context: Context) -> dict[str, Any]:
        """Do a job; called in a worker.

        Raises:
            Problem: What the operation raised.
        """
        # What an earlier attempt stored and nobody was told of would otherwise stay for ever.
        self.runner.assets.remove_of_job(job.id)
        caller = Caller(name=job.owner, scopes=frozenset(job.inputs["scopes"]))
        return self.runner.run(
            job.subject, job.inputs["inputs"], caller=caller, directory=context.directory, report=context, job=job.id
        )
