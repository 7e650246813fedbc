"""What is told of a compute job: where it stands, in the contract's words or in those of operator-service.

Source:
    The API documents of Ocean Provider and Brizo: the table of statuses, 1 to 8. They forget the failures, which have
    the numbers from 31 here; 31 and 32 are operator-service's own.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final

from handlers.jobs.records import Job
from handlers.jobs.tables import Status


class Stage(enum.IntEnum):
    """Where a compute job stands."""

    STARTED = 1
    CONFIGURING = 2
    RUNNING = 3
    FILTERING = 4
    PUBLISHING = 5
    COMPLETED = 6
    STOPPED = 7
    DELETED = 8
    NO_DATA = 31
    NO_ALGORITHM = 32
    ALGORITHM_FAILED = 33
    REJECTED = 34
    NOT_PUBLISHED = 35


TEXTS: Final[Mapping[Stage, str]] = {
    Stage.STARTED: "Job started",
    Stage.CONFIGURING: "Configuring volumes",
    Stage.RUNNING: "Running algorithm",
    Stage.FILTERING: "Filtering results",
    Stage.PUBLISHING: "Publishing results",
    Stage.COMPLETED: "Job completed",
    Stage.STOPPED: "Job stopped",
    Stage.DELETED: "Job deleted successfully",
    Stage.NO_DATA: "Data provisioning failed",
    Stage.NO_ALGORITHM: "Algorithm provisioning failed",
    Stage.ALGORITHM_FAILED: "Algorithm failed",
    Stage.REJECTED: "Results rejected",
    Stage.NOT_PUBLISHED: "Publishing failed",
}
STAGES: Final = {text: stage for stage, text in TEXTS.items()}

#: How a job failed that was in a stage when something went wrong that is not the algorithm's fault.
FAILURES: Final[Mapping[Stage, Stage]] = {
    Stage.STARTED: Stage.NO_DATA,
    Stage.CONFIGURING: Stage.NO_DATA,
    Stage.RUNNING: Stage.ALGORITHM_FAILED,
    Stage.FILTERING: Stage.REJECTED,
    Stage.PUBLISHING: Stage.NOT_PUBLISHED,
}

#: The numbers of operator-service. Its clients wait for 70, or for 31 or 32: whatever has ended has one of these.
OPERATOR: Final[Mapping[Stage, int]] = {
    Stage.STARTED: 10,
    Stage.CONFIGURING: 20,
    Stage.RUNNING: 40,
    Stage.FILTERING: 50,
    Stage.PUBLISHING: 60,
    Stage.COMPLETED: 70,
    Stage.STOPPED: 70,
    Stage.DELETED: 70,
    Stage.NO_DATA: 31,
    Stage.NO_ALGORITHM: 32,
    Stage.ALGORITHM_FAILED: 32,
    Stage.REJECTED: 32,
    Stage.NOT_PUBLISHED: 32,
}
OPERATOR_TEXTS: Final[Mapping[Stage, str]] = {**TEXTS, Stage.COMPLETED: "Job finished"}


def stage_of(job: Job, *, deleted: bool = False) -> Stage:
    """Return where a compute job stands; the job's row says it all, but for whether its owner has deleted it."""
    if deleted:
        return Stage.DELETED
    match job.status:
        case Status.SCHEDULED:
            return Stage.STARTED
        case Status.RUNNING:
            return STAGES.get(job.message, Stage.STARTED)
        case Status.CANCELLED:
            return Stage.STOPPED
        case Status.SUCCEEDED:
            return Stage(job.results["status"])
    return FAILURES.get(STAGES.get(job.message, Stage.STARTED), Stage.NO_DATA)
