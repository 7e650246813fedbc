"""What a compute job knows between its stages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from handlers.assets.did import PREFIX, canonical
from handlers.compute.statuses import Stage
from handlers.compute.words import Container, Output
from handlers.jobs.records import Job

VOLUME: Final = "/data"  #: where the algorithm finds all of it
FOLDERS: Final = ("inputs", "ddos", "transformations", "outputs", "logs")
ALGORITHM: Final = "transformations/algorithm"
LOG: Final = "logs/algorithm.log"


@dataclass(frozen=True, kw_only=True)
class Work:
    """A job that is being done."""

    job: Job
    volume: Path  #: what the algorithm sees as /data

    @property
    def data(self) -> list[Mapping[str, Any]]:
        """The assets to compute on: DID and userdata of each."""
        return [self.job.inputs["data"], *self.job.inputs["more"]]

    @property
    def algorithm(self) -> Mapping[str, Any] | None:
        """The published algorithm; None: one was brought along."""
        found: Mapping[str, Any] | None = self.job.inputs["algorithm"]
        return found

    @property
    def raw(self) -> Mapping[str, Any]:
        """The algorithm that was brought along: address and code."""
        found: Mapping[str, Any] = self.job.inputs["raw"]
        return found

    @property
    def container(self) -> Container:
        """In what the algorithm runs."""
        return Container(**self.job.inputs["container"])

    @property
    def output(self) -> Output:
        """What becomes of the results."""
        return Output(**self.job.inputs["output"])

    @property
    def network(self) -> bool:
        """Whether the algorithm may use the network."""
        return bool(self.job.inputs["network"])

    @property
    def log(self) -> Path:
        """The algorithm's log."""
        return self.volume / LOG

    def folder(self, name: str) -> Path:
        """Return one of the folders of the volume."""
        return self.volume / name


class StageFailed(Exception):
    """A stage could not do its part, and the job ends with this."""

    def __init__(self, stage: Stage, reason: str) -> None:
        """End in *stage*, for *reason*: a sentence for the job's owner."""
        super().__init__(reason)
        self.stage = stage
        self.reason = reason


def digits_of(did: str) -> str:
    """Return a DID as the volume names it: without what all of them begin with."""
    return canonical(did).removeprefix(PREFIX)
