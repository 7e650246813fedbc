"""Put model files into service: store, have it tried by a job, wait a little for what comes of it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol

from sqlalchemy import Connection

from handlers.errors import Fault, NotFound, Problem, SandboxUnavailable, Unavailable, Unprocessable
from handlers.models.declared import difference
from handlers.models.hosts import Hosts
from handlers.models.process import Plan, Processes
from handlers.models.records import Endpoint, Model, new_id, new_model
from handlers.models.registry import Registry
from handlers.models.sniffing import HEAD_BYTES, by_extension, plausible, sniffed, stem_of
from handlers.models.tables import State
from handlers.models.trial import try_kept, try_model
from handlers.settings import Settings
from handlers.storage.blobs import Blobs
from handlers.storage.files import copied
from handlers.storage.sql import now

KIND: Final = "model"
AUTO: Final = "auto"
NO_NAME: Final = "model"
LATER: Final = {"Retry-After": "60"}  #: when somebody may have mended what kept a file from being tried


class Upload(Protocol):
    """A file that has come in."""

    @property
    def filename(self) -> str:
        """Its name, which may be empty."""

    @property
    def file(self) -> BinaryIO:
        """Its bytes, from their beginning."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What was sent: a file, and how it is to be fed."""

    upload: Upload
    filename: str = ""  #: where the upload has none
    format: str | None = None
    takes: str = AUTO
    gives: str = AUTO

    @property
    def name(self) -> str:
        """What the file is called."""
        return self.upload.filename or self.filename


class Trials(Protocol):
    """The jobs that try model files; what a job is else, models do not know."""

    def submit(self, subject: str, inputs: Mapping[str, Any], beside: Callable[[Connection, str], None]) -> str:
        """Store a job, and in the same transaction what is beside it, which is told its id; return that.

        Raises:
            Unavailable: It would not be done before long; what is beside it may be stored all the same.
        """

    def wait_a_little(self, job_id: str) -> None:
        """Wait for the end of a job that was just submitted, if there is a seat to wait in."""

    def wait(self, job_id: str, within_s: float) -> None:
        """Wait for a job's end, so many seconds at most, in a seat that the caller has."""

    def fault(self) -> str:
        """Say why no file can be tried at the moment; nothing where it can."""

    def lost(self, job_id: str) -> str | None:
        """Return why a job has ended without a word about its endpoint; None: it has not ended, or with one."""


class Deployment:
    """Takes in model files."""

    def __init__(self, registry: Registry, blobs: Blobs, settings: Settings, hosts: Hosts, trials: Trials) -> None:
        """Keep files in *blobs*; *trials* try them, in one of *hosts* where this machine has any."""
        self.registry = registry
        self.blobs = blobs
        self.settings = settings
        self.processes = Processes(settings)
        self._hosts = hosts
        self._trials = trials

    def add_model(self, wish: Wish) -> Model:
        """Store a file as a new model with an endpoint.

        Raises:
            Unprocessable: It is no model that can be loaded; nothing is kept.
            Unavailable: It cannot be tried, and the server is at fault; nothing is kept.
        """
        model = new_model({"name": stem_of(wish.name) or NO_NAME})
        endpoint = self._deploy(wish, model, is_new=True)
        if endpoint.status is State.FAILED:
            self.registry.remove_model(model.id)
            raise self._refused(endpoint)
        return self.registry.model(model.id)

    def add_endpoint(self, model_id: str, wish: Wish) -> Endpoint:
        """Store a file of a model as a further endpoint of it.

        Raises:
            NotFound: There is no such model.
            Unprocessable: It is no model that can be loaded; nothing is kept.
            Unavailable: It cannot be tried, and the server is at fault; nothing is kept.
        """
        endpoint = self._deploy(wish, self.registry.model(model_id), is_new=False)
        if endpoint.status is State.FAILED:
            self.registry.remove_endpoint(endpoint.id)
            raise self._refused(endpoint)
        return endpoint

    def work(self, job: Any, context: Any) -> dict[str, Any]:
        """Try the file of an endpoint; called in a worker."""
        endpoint = self.registry.endpoint(job.subject)
        model = self.registry.model(endpoint.model)
        try:
            known = self._try(plan_of(endpoint, model), context)
            self._check(model, known)
        except Unprocessable as problem:
            self._hosts.stop(endpoint.id)
            self.registry.fail(endpoint, problem.detail)
            return {"status": State.FAILED.value, "reason": problem.detail}
        if job.inputs.get("new") and (name := known.get("name")):
            self.registry.rename(model, name)
        self.registry.settle(endpoint, known)
        return {"status": State.IN_SERVICE.value}

    def _check(self, model: Model, known: Mapping[str, Any]) -> None:
        """Refuse a file that can be loaded, and is not what its model says, or may not say what it should.

        Raises:
            Unprocessable: It is refused.
        """
        if words := difference(model.input_schema or (), known):
            raise Unprocessable(f"The model's input_schema does not fit the file. {words}"[:2000])
        if (writer := known.get("writer")) and not self.settings.model_other_versions:
            raise Unprocessable(
                f"{writer}, has written the model: what it says may be wrong, and nobody would notice. Save it again "
                "with the version of this server, or as ONNX or PMML; SEAMARK_MODEL_OTHER_VERSIONS takes it anyway."
            )

    def _try(self, plan: Plan, context: Any) -> Mapping[str, Any]:
        """Load a model, and return what that has shown."""
        known = try_kept(self._hosts, plan)
        if known is not None:
            return known
        file = self.blobs.local(plan.blob, context.directory)
        try:
            return try_model(self.processes, plan, file, logging_to(context))
        except SandboxUnavailable as problem:
            from handlers.sandbox.probe import advised

            raise advised(problem) from problem

    def _refused(self, endpoint: Endpoint) -> Problem:
        """Return the error for a file that was tried in vain: it cannot be loaded, or this server cannot load any."""
        why = self._trials.lost(endpoint.job) if endpoint.job else None
        if why is not None:
            return Unavailable(f"The model could not be tried. {why}", headers=LATER)
        return Unprocessable(endpoint.problem or "The model cannot be loaded.")

    def _deploy(self, wish: Wish, model: Model, *, is_new: bool) -> Endpoint:
        """Store a file and its endpoint, and have it tried; return the endpoint as it stands after a while."""
        endpoint = self._stored(wish, model, is_new=is_new)

        def beside(connection: Connection, job: str) -> None:
            if not is_new:
                self.registry.demand(connection, model.id)
            self.registry.add_endpoint(connection, replace(endpoint, job=job), model if is_new else None)

        try:
            self._hosts.ready()
            job = self._trials.submit(endpoint.id, {"new": is_new}, beside)
        except Exception:
            self._withdraw(endpoint, is_new=is_new)
            raise
        self.registry.changed()
        self._trials.wait_a_little(job)
        return self.registry.endpoint(endpoint.id)

    def _stored(self, wish: Wish, model: Model, *, is_new: bool) -> Endpoint:
        """Store a file, and return the endpoint that it is to be, of which nobody knows yet."""
        endpoint_id = new_id()
        blob = f"models/{endpoint_id}"
        with tempfile.TemporaryDirectory(prefix="seamark-upload-") as directory:
            path = Path(directory) / "file"
            size, digest = copied(wish.upload.file, path)
            with path.open("rb") as file:
                kind = self._format(wish, file.read(HEAD_BYTES), is_new=is_new)
            self.blobs.put(blob, path)
        return Endpoint(
            id=endpoint_id,
            model=model.id,
            name=model.name,
            status=State.CREATING,
            about=model.about,
            links=None,
            deployed=now(),
            format=kind,
            takes=wish.takes,
            gives=wish.gives,
            blob=blob,
            size=size,
            sha256=digest,
            known=None,
            problem=None,
            job=None,
        )

    def _withdraw(self, endpoint: Endpoint, *, is_new: bool) -> None:
        """Remove all that was stored of an endpoint, and of its model where that is new too."""
        self.blobs.remove(endpoint.blob)
        with suppress(NotFound):  # it had not come to that
            if is_new:
                self.registry.remove_model(endpoint.model)
            else:
                self.registry.remove_endpoint(endpoint.id)

    def _format(self, wish: Wish, head: bytes, *, is_new: bool) -> str:
        """Return the format of a file: of a new model its name goes before what is said, else what is said.

        Raises:
            Unprocessable: It has none that is known, or one that is not taken here.
        """
        named = by_extension(wish.name)
        said = (named, wish.format) if is_new else (wish.format, named)
        found = next(filter(None, (*said, sniffed(head))), None)
        if not head:
            raise Unprocessable("The file is empty.")
        if found is None:
            raise Unprocessable(f"Model is not supported: {wish.name[:200]}")
        if found not in self.settings.formats:
            words = f"This server takes no files of the format {found}; it takes {', '.join(self.settings.formats)}."
            raise Unprocessable(words, faults=[Fault("form", "/format", words)])
        if not plausible(found, head):
            words = f"Can not deserialize model binary: it does not begin as a {found} file does."
            other = is_new and named and wish.format not in (None, named)
            raise Unprocessable(f"{words} The file's name goes before `format`." if other else words)
        return found


def plan_of(endpoint: Endpoint, model: Model) -> Plan:
    """Return how the host of an endpoint loads its model."""
    declared = sorted(model.input_schema or (), key=lambda feature: feature["order"])
    return Plan(
        endpoint=endpoint.id,
        blob=endpoint.blob,
        format=endpoint.format,
        takes=endpoint.takes,
        gives=endpoint.gives,
        names=[feature["name"] for feature in declared] or None,
    )


def logging_to(context: Any) -> Callable[[bytes], None]:
    """Return what writes what a host prints into a job's log."""

    def hear(data: bytes) -> None:
        for line in data.decode(errors="replace").splitlines():
            context.log(line)

    return hear


def known_of(endpoint: Endpoint) -> Mapping[str, Any]:
    """Return what loading the file of an endpoint has shown; nothing where it was not loaded yet."""
    return endpoint.known or {}
