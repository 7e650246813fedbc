"""What callers are told of compute jobs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from handlers.compute import logs
from handlers.compute.records import BRIZO, ComputeJob
from handlers.compute.results import Links
from handlers.compute.statuses import OPERATOR, OPERATOR_TEXTS, TEXTS, Stage
from handlers.jobs.words import as_text


@dataclass(frozen=True)
class Dialect:
    """The words in which jobs are told of."""

    operator: bool  #: the numbers of operator-service, rather than those of the contract
    unix: bool  #: times in Unix seconds, rather than ISO 8601

    def status(self, stage: Stage) -> tuple[int, str]:
        """Return where a job stands, as a number and in words."""
        return (OPERATOR[stage], OPERATOR_TEXTS[stage]) if self.operator else (int(stage), TEXTS[stage])

    def time(self, moment: datetime | None) -> str | int | None:
        """Return a time."""
        if self.unix or self.operator:
            return None if moment is None else int(moment.timestamp())
        return as_text(None if moment is None else moment.replace(microsecond=0))


class Documents:
    """Tells of jobs."""

    def __init__(self, dialect: Dialect, links: Links) -> None:
        """Speak *dialect*; owners get the addresses that *links* makes."""
        self._dialect = dialect
        self._links = links

    def all(self, jobs: Iterable[ComputeJob], address: str, *, owner: bool) -> list[dict[str, Any]]:
        """Return what is told of jobs, newest first.

        Args:
            jobs: Which.
            address: Where results are fetched, without a query.
            owner: Whether it is told to their owner.
        """
        return [self._about(one) | (self._left_by(one, address) if owner else {}) for one in jobs]

    def _about(self, one: ComputeJob) -> dict[str, Any]:
        """Return what anybody may know who knows whose the job is."""
        status, text = self._dialect.status(one.stage)
        about: dict[str, Any] = {
            "owner": one.shown,
            "jobId": one.id,
            "dateCreated": self._dialect.time(one.job.created),
            "dateFinished": self._dialect.time(one.job.finished),
            "status": status,
            "statusText": text,
        }
        about |= {"agreementId": one.agreement} if one.door == BRIZO else {"documentId": one.document}
        return about | reason_of(one)

    def _left_by(self, one: ComputeJob, address: str) -> dict[str, Any]:
        """Return what only the owner may know: where the results are."""
        there = one.stage is not Stage.DELETED
        files = list(enumerate(one.files)) if there else []
        urls = {index: f"{address}?{self._links.query(one, index)}" for index, _ in files}
        outputs = [urls[index] for index, file in files if file["kind"] != logs.KIND]
        return {
            "algorithmLogUrl": next((urls[index] for index, file in files if file["kind"] == logs.KIND), ""),
            "resultsUrls": outputs,
            "resultsUrl": outputs,
            "resultsDid": one.outcome["did"] if there else "",
            "results": [
                {"filename": file["name"], "filesize": file["size"], "type": file["kind"]} for _, file in files
            ],
        }


def reason_of(one: ComputeJob) -> dict[str, Any]:
    """Return why a job failed, in a sentence; nothing if it did not."""
    problem: Mapping[str, Any] = one.job.problem or {}
    words = one.outcome["reason"] or problem.get("detail", "")
    return {"reason": words} if words else {}
