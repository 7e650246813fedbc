"""Predictions of whole tables: small ones at once, large ones as jobs, in constant memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from handlers.errors import Fault, InputInvalid, Unavailable
from handlers.models.audit import asked_by_job
from handlers.models.features import Columns
from handlers.models.predict import Predictor
from handlers.models.reading import Piece, Table, read_table
from handlers.models.writing import columns, open_writer
from handlers.storage.blobs import Blobs

KIND: Final = "batch"
SMALL_BYTES: Final = 1 << 20  #: of a table that is answered at once
TRIES: Final = 5  #: of one piece, while its host is started again
PAUSE_S: Final = 1.0

Report = Callable[[float, str], None]


class Batches:
    """Predicts tables."""

    def __init__(self, predictor: Predictor, blobs: Blobs) -> None:
        """Ask *predictor*; tables of jobs lie in *blobs*."""
        self._predictor = predictor
        self._blobs = blobs

    def predict(self, endpoint_id: str, source: Path, kind: str, target: Path, output: str, report: Report) -> int:
        """Write the predictions of a table to a file, and return how many rows there are.

        Args:
            endpoint_id: Of the endpoint that is asked.
            source: The table.
            kind: Its format.
            target: Where the predictions go.
            output: Their format.
            report: Told how far it has come, in percent and in words.

        Raises:
            NotFound, Conflict, Unavailable: The endpoint cannot be asked.
            Unprocessable: The table cannot be read, or the predictions have no types.
            InputInvalid: Its columns are not the model's inputs, or a value is of the wrong type.
        """
        rows = 0
        with source.open("rb") as file:
            table = read_table(file, kind)
            with closing(open_writer(target, output)) as writer:
                for piece, done in self._answers(endpoint_id, table):
                    writer.write([columns(result) for result in piece])
                    rows += len(piece)
                    report(99 * done, f"{rows} rows")
        return rows

    def work(self, job: Any, context: Any) -> dict[str, Any]:
        """Predict the table of a job; called in a worker."""
        inputs = job.inputs
        source = self._blobs.local(inputs["blob"], context.directory)
        target = context.directory / "predictions"
        with asked_by_job(job.id, job.owner):
            rows = self.predict(job.subject, source, inputs["format"], target, inputs["output"], context)
        blob = context.keep(target, "predictions")
        return {"rows": rows, "blob": blob, "size": target.stat().st_size, "output": inputs["output"]}

    def _answers(self, endpoint_id: str, table: Table) -> Iterator[tuple[Sequence[Mapping[str, Any]], float]]:
        """Give the predictions of each piece, and how much of the table that is."""
        end = time.monotonic() + self._predictor.settings.predict_timeout_s
        ready = self._predictor.serving(endpoint_id, end)
        taken, before = ready.shape.columns(table.columns), 0
        for piece, done in table.pieces():
            rows = [row_of(taken, row, before + number) for number, row in enumerate(piece, 1)]
            before += len(piece)
            size = ready.step or len(rows)
            parts = (rows[start : start + size] for start in range(0, len(rows), size or 1))
            yield [answer for part in parts for answer in self._asked(endpoint_id, part)], done

    def _asked(self, endpoint_id: str, rows: list[list[Any]]) -> Sequence[Mapping[str, Any]]:
        """Return the predictions of some rows; a host that ends meanwhile is started again."""
        for left in reversed(range(TRIES)):
            try:
                return self._predictor.predict_rows(
                    endpoint_id,
                    lambda shape: rows,  # noqa: ARG005 - they are made
                    only_counts=True,
                )
            except Unavailable:
                if not left:
                    raise
                time.sleep(PAUSE_S)
        raise AssertionError("the last try returns or raises")


def row_of(taken: Columns, row: Piece | tuple[Any, ...], number: int) -> list[Any]:
    """Return a row of a table as the model takes it.

    Raises:
        InputInvalid: A value is of the wrong type.
    """
    try:
        return taken(row)
    except InputInvalid as problem:
        faults = [Fault("body", f"/{number}", f"In row {number}, {fault.detail}") for fault in problem.faults]
        raise InputInvalid(faults=faults) from None
