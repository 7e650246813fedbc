"""The pipeline of this server: its configuration, and who runs it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Final

from handlers.errors import Fault, InputInvalid, NotBuilt, NotFound, TooLarge, Unavailable
from handlers.models.hosts import Hosts
from handlers.models.process import Plan
from handlers.models.waits import RETRY
from handlers.observability import count_prediction
from handlers.pipelines import messages
from handlers.pipelines.config import Configuration, read_configuration
from handlers.pipelines.copies import kept_apart
from handlers.pipelines.faults import Refused, Unusable
from handlers.pipelines.words import JSON, SCHEMA, Wish
from handlers.settings import Settings

PROGRAM: Final = "handlers.pipelines.host"
NAME: Final = "pipeline"  #: by which it is counted

CONTENT_TYPES: Final = frozenset({"application/json", "application/octet-stream", "application/zip"})

Part = tuple[str, bytes]


@dataclass(frozen=True)
class Answer:
    """What a pipeline says."""

    body: bytes
    content_type: str


class Pipelines:
    """What controllers ask for the pipeline."""

    def __init__(self, settings: Settings, hosts: Hosts) -> None:
        """Read nothing yet; the pipeline runs in one of *hosts*."""
        self.settings = settings
        self._hosts = hosts

    @cached_property
    def configuration(self) -> Configuration:
        """What this server is set to run.

        Raises:
            NotFound: Nothing.
            Unavailable: The configuration has faults.
        """
        if self.settings.konduit is None:
            raise NotFound("No pipeline is loaded: SEAMARK_KONDUIT names no configuration.")
        try:
            return read_configuration(self.settings.konduit)
        except Unusable as unusable:
            raise Unavailable(f"The pipeline cannot be loaded: {unusable}") from unusable

    @cached_property
    def plan(self) -> Plan:
        """What the host is told."""
        folder = kept_apart(self.configuration, self.settings)
        return Plan(endpoint=f"{NAME}-{folder.name}", folder=str(folder), program=PROGRAM)

    def ask(self, wish: Wish, parts: Sequence[Part]) -> Answer:
        """Run the pipeline on what has come.

        Args:
            wish: How it is to be read and answered.
            parts: Name and bytes of each part of an upload; for JSON one without a name.

        Raises:
            NotFound: There is no pipeline.
            InputInvalid: It does not take this.
            TooLarge: It is more than a pipeline is given at once, or the answer is.
            Unavailable: It cannot be loaded, has died over it, or does not answer in time.
        """
        wish_taken(self.configuration, wish)
        check_room(sum(len(data) for _, data in parts))
        head = asdict(wish) | {"parts": [(name, len(data)) for name, data in parts]}
        begun, outcome = time.monotonic(), "failed"
        try:
            found, body = self._exchange(messages.pack(head, *(data for _, data in parts)))
            if "refused" in found:
                outcome = "InputInvalid"
                part = "body" if wish.comes in (JSON, SCHEMA) else "form"
                place, words = str(found.get("place", ""))[:2000], str(found["refused"])[:2000]
                raise InputInvalid(faults=[Fault(part, place, words)])
            if (kind := str(found.get("type"))) not in CONTENT_TYPES:  # a page, say, which browsers would run
                raise self._stray()
            outcome = "answered"
            return Answer(bytes(body), kind)
        finally:
            count_prediction(NAME, outcome, time.monotonic() - begun, None)

    def known(self) -> dict[str, Any]:
        """Return what there is to know of the pipeline once it is loaded.

        Raises:
            Unavailable: It cannot be loaded.
        """
        known: dict[str, Any] = self._exchange(messages.pack({"describe": True}))[0]["known"]
        return known

    def _exchange(self, message: bytes) -> tuple[dict[str, Any], memoryview]:
        """Ask the host."""
        (answer,) = self._hosts.exchange(self.plan, [message], self.settings.predict_timeout_s)
        try:
            head, body = messages.unpack(answer)
        except ValueError as error:
            raise self._stray() from error
        if "unloaded" in head:
            self._hosts.stop(self.plan.endpoint)
            raise Unavailable(f"The pipeline cannot be loaded: {str(head['unloaded'])[:2000]}", headers=RETRY)
        return head, body

    def _stray(self) -> Unavailable:
        """Stop a host that says what none would say by itself; return what its caller is told."""
        self._hosts.stop(self.plan.endpoint)
        return Unavailable("The process of the pipeline does not keep to what was agreed.", headers=RETRY)


def check_room(size: int) -> None:
    """See that a pipeline can be given so many bytes at once.

    Raises:
        TooLarge: It cannot.
    """
    if size > messages.ROOM_BYTES:
        raise TooLarge(f"A pipeline is given {messages.ROOM_BYTES} bytes at once at most.")


def wish_taken(configuration: Configuration, wish: Wish) -> None:
    """See that the pipeline takes what is sent, and can be answered so.

    Raises:
        NotFound: There is no pipeline.
        InputInvalid: It does not, or cannot.
        NotBuilt: Nobody can.
    """
    if not configuration.steps:
        raise NotFound("The configuration has no step: it is one of a large array.")
    if wish.kind == "RCNN":
        raise NotBuilt("Objects of RCNN are a word of the API that no server has ever made anything of.")
    try:
        configuration.check(wish.comes, wish.kind, wish.goes)
        if wish.bare and len(configuration.output_names) > 1:
            raise Refused("The pipeline has several outputs; only a map of them can be answered.", "shape")
    except Refused as refused:
        part = "query" if refused.place == "shape" else "path"
        raise InputInvalid(faults=[Fault(part, refused.place, str(refused))]) from None
