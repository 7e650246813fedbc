"""Stage 3, running the algorithm: its command, its environment, and how it ended.

Source:
    operator-engine 1.0.0: the entrypoint with `$ALGO` replaced, under `sh -c`; the variables DIDS, TRANSFORMATION_DID,
    VOLUME, LOGS, INPUTS, OUTPUTS and secret; output and errors in logs/algorithm.log.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from handlers.compute.statuses import Stage
from handlers.compute.words import Container
from handlers.compute.work import ALGORITHM, VOLUME, StageFailed, Work, digits_of

PLACEHOLDER: Final = "$ALGO"


@dataclass(frozen=True, kw_only=True)
class Program:
    """An algorithm that is ready to run."""

    job: str  #: id and attempt of the job
    container: Container
    command: str  #: for `sh -c`
    environment: Mapping[str, str]
    volume: Path  #: what it sees as /data
    log: Path  #: where its output and its errors go
    network: bool
    time_s: float  #: how long it may run
    heard: Callable[[bytes], None]  #: is given what goes to the log while it runs


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a program ended."""

    exit_code: int | None  #: None: it was ended
    reason: str = ""  #: why it was ended, or could not be begun, in a sentence


class Runtime(Protocol):
    """Runs strangers' programs apart."""

    def run(self, program: Program) -> Ending:
        """Run a program to its end, within its bounds, and leave nothing of it behind.

        Raises:
            StageFailed: Its image cannot be had.
            Unavailable: Nothing can be run apart here.
        """


class Running:
    """Runs the algorithms of jobs."""

    def __init__(self, runtime: Runtime, *, time_s: float) -> None:
        """Run them with *runtime*, none longer than *time_s* seconds."""
        self._runtime = runtime
        self._time_s = time_s

    def __call__(self, work: Work, heard: Callable[[bytes], None]) -> None:
        """Run the algorithm of a job; *heard* is given what it prints, while it runs.

        Raises:
            StageFailed: It failed, or was ended; the log says more.
        """
        ending = self._runtime.run(program_of(work, self._time_s, heard))
        if ending.exit_code != 0:
            reason = ending.reason or f"The algorithm ended with the exit code {ending.exit_code}."
            raise StageFailed(Stage.ALGORITHM_FAILED, reason)


def program_of(work: Work, time_s: float, heard: Callable[[bytes], None]) -> Program:
    """Return the algorithm of a job, ready to run."""
    return Program(
        job=f"{work.job.id}-{work.job.attempt}",
        container=work.container,
        command=work.container.entrypoint.replace(PLACEHOLDER, f"{VOLUME}/{ALGORITHM}"),
        environment=environment_of(work),
        volume=work.volume,
        log=work.log,
        network=work.network,
        time_s=time_s,
        heard=heard,
    )


def environment_of(work: Work) -> dict[str, str]:
    """Return the variables that an algorithm is told by where its data is."""
    algorithm = work.algorithm
    return {
        "DIDS": json.dumps([digits_of(entry["did"]) for entry in work.data]),
        "TRANSFORMATION_DID": "" if algorithm is None else digits_of(algorithm["did"]),
        "VOLUME": VOLUME,
        "LOGS": f"{VOLUME}/logs",
        "INPUTS": f"{VOLUME}/inputs",
        "OUTPUTS": f"{VOLUME}/outputs",
        "secret": secrets.token_hex(16),
    }
