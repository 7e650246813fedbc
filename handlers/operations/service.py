"""Invoke: run an operation at once, or as a job."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from handlers.errors import AddressRefused, Fault, InputInvalid, JobNotFound, NotFinished, OperationNotFound
from handlers.files.remote import Remote
from handlers.jobs.keys import key_of
from handlers.jobs.runner import Context
from handlers.jobs.service import Job, Jobs
from handlers.jobs.tables import ENDED
from handlers.operations.catalogue import Catalogue
from handlers.operations.descriptions import Description, Descriptions
from handlers.operations.pool import Pool
from handlers.operations.runner import Runner
from handlers.settings import Settings
from handlers.spec.schemas import Checker, Schemas
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
        self.remote = Remote(settings.networks)
        self._checkers: dict[str, Checker] = {}

    @cached_property
    def descriptions(self) -> Descriptions:
        """The metadata of the operations."""
        return Descriptions(self.catalogue)

    def find(self, word: str, mode: str) -> Description:
        """Return the operation that has *word* for its name or its id, if it can be invoked in this mode.

        Raises:
            OperationNotFound: There is none.
        """
        found = self.descriptions.find(word)
        if found is None:
            raise OperationNotFound(f"There is no operation {word[:100]!r}.")
        if mode not in found.modes:
            raise OperationNotFound(f"The operation {found.operation} cannot be invoked {mode}.")
        return found

    def check(self, name: str, inputs: Any, place: str = "") -> None:
        """Refuse inputs that the operation's spec does not let through.

        Args:
            name: The operation.
            inputs: A JSON value.
            place: Where in the body the inputs stand, as a JSON Pointer.

        Raises:
            InputInvalid: With each place that is wrong.
        """
        if name not in self._checkers:
            document = self.catalogue.read(name).document
            self._checkers[name] = Schemas(document).compile({"$ref": "#/components/schemas/Inputs"})
        if not self._checkers[name].valid(inputs):
            faults = self._checkers[name].faults(inputs, "body")
            raise InputInvalid(faults=[Fault("body", place + fault.place, fault.detail) for fault in faults])

    def run(self, name: str, inputs: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        """Run an operation now and return its outputs.

        Raises:
            Problem: An asset may not be read, the run failed, or took too long.
        """
        self.runner.admit(name, inputs, caller)
        return self.pool.run(name, inputs, caller)

    def submit(
        self,
        name: str,
        inputs: Mapping[str, Any],
        caller: Caller,
        *,
        key: str | None = None,
        callback: str | None = None,
    ) -> Job:
        """Store a run as a job and return it.

        Args:
            name: The operation.
            inputs: As its spec has them.
            caller: Whose job it will be.
            key: Idempotency-Key: with the same one, and the same request, there is one job.
            callback: URL to call when the job has ended.

        Raises:
            Problem: An asset may not be read, too many jobs wait, the key is that of another request, or the URL may
                not be called.
        """
        if callback is not None:
            self.check_callback(callback)
        self.runner.admit(name, inputs, caller)
        work = {"inputs": dict(inputs), "scopes": sorted(caller.scopes)}
        remembered = key_of(caller.name, key, [name, work["inputs"], callback]) if key is not None else None
        return self.jobs.submit(KIND, name, work, owner=caller.name, key=remembered, callback=callback)

    def check_callback(self, url: str) -> None:
        """Refuse a URL that is none, or leads to what only this machine can reach.

        Raises:
            InputInvalid: With the place.
        """
        try:
            self.remote.check(url)
        except AddressRefused as refused:
            raise InputInvalid(faults=[Fault("query", "callbackUrl", refused.detail)]) from refused

    def status(self, name: str | None, job_id: str, caller: Caller) -> Job:
        """Return a job of this operation, or of any where none is named.

        Raises:
            JobNotFound: There is none with this id that is this caller's.
            JobExpired: It was here, and its time is over.
        """
        job = self.jobs.read(job_id, owner=caller.name, all_owners=caller.may("manage"))
        if job.kind != KIND or name not in (None, job.subject):
            raise JobNotFound(f"There is no job {job_id} of {f'the operation {name}' if name else 'an operation'}.")
        return job

    def result(self, name: str | None, job_id: str, caller: Caller) -> Job:
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

    def cancel(self, name: str | None, job_id: str, caller: Caller) -> Job:
        """End a job of this operation; cancelling it twice is no error.

        Raises:
            AlreadyFinished: It has succeeded or failed.
            JobNotFound, JobExpired: As for `status`.
        """
        job = self.status(name, job_id, caller)
        return self.jobs.cancel(job.id, all_owners=True)

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
