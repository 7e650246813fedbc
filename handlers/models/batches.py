"""Predictions of whole tables: small ones at once, large ones as jobs, in constant memory."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from handlers.errors import Fault, InputInvalid, TooLarge, Unavailable
from handlers.models.audit import asked_by_job
from handlers.models.features import Columns, Shape
from handlers.models.pieces import Piece
from handlers.models.predict import Predictor
from handlers.models.reading import Table, read_table
from handlers.models.writing import columns, open_writer
from handlers.storage.blobs import Blobs

KIND: Final = "batch"
SMALL_BYTES: Final = 1 << 20  #: of a table that is answered at once
UNPACKED_BYTES: Final = 32 << 20  #: of such a table, where it says how many that will be
SMALL_ROWS: Final = 50_000
TRIES: Final = 5  #: of one piece, while its host is started again; a web thread does not wait for that
PAUSE_S: Final = 1.0


class Header(NamedTuple):
    """What is known of the columns of a table."""

    names: Sequence[str]
    kinds: Sequence[str | None]  #: types of those that neither the model nor the table has one for


class Longer(Exception):
    """A table is not answered at once: it has too many rows, or that takes too long."""


Report = Callable[[float, str], None]


class Batches:
    """Predicts tables."""

    def __init__(self, predictor: Predictor, blobs: Blobs) -> None:
        """Ask *predictor*; tables of jobs lie in *blobs*."""
        self._predictor = predictor
        self._settings = predictor.settings
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
            TooLarge: The table has more rows than one may have.
            Unprocessable: The table cannot be read, or the predictions have no types.
            InputInvalid: Its columns are not the model's inputs, or a value is of the wrong type.
        """
        with self._opened(source, kind) as table:
            return self._written(endpoint_id, table, target, output, report)

    def at_once(self, endpoint_id: str, source: Path, kind: str, target: Path, output: str) -> bool:
        """Write the predictions of a small table to a file; tell whether it was small, and they came in time.

        Args:
            endpoint_id: Of the endpoint that is asked.
            source: The table.
            kind: Its format.
            target: Where the predictions go.
            output: Their format.

        Raises:
            As for `predict`.
        """
        end = time.monotonic() + self._settings.predict_timeout_s
        with self._opened(source, kind) as table:
            if (table.rows or 0) > SMALL_ROWS or table.size > UNPACKED_BYTES:
                return False
            try:
                self._written(endpoint_id, table, target, output, lambda *_: None, end)
            except Longer:
                return False
        return True

    def check(self, source: Path, kind: str) -> None:
        """Refuse a table that is too large, as far as it can be told without reading it.

        Raises:
            TooLarge: It is.
            Unprocessable: It is no table.
        """
        if kind == "parquet":  # which alone says so
            with self._opened(source, kind):
                pass

    def work(self, job: Any, context: Any) -> dict[str, Any]:
        """Predict the table of a job; called in a worker."""
        inputs = job.inputs
        source = self._blobs.local(inputs["blob"], context.directory)
        target = context.directory / "predictions"
        with asked_by_job(job.id, job.owner):
            rows = self.predict(job.subject, source, inputs["format"], target, inputs["output"], context)
        blob = context.keep(target, "predictions")
        return {"rows": rows, "blob": blob, "size": target.stat().st_size, "output": inputs["output"]}

    @contextmanager
    def _opened(self, source: Path, kind: str) -> Iterator[Table]:
        """Open a table that is not too large."""
        with source.open("rb") as file:
            table = read_table(file, kind)
            self._check_rows(table.rows or 0)
            if table.size > self._settings.table_bytes:
                raise TooLarge(f"The table has {table.size} bytes, unpacked; {self._settings.table_bytes} are allowed.")
            yield table

    def _check_rows(self, rows: int) -> None:
        """Refuse more rows than one table may have."""
        if rows > self._settings.table_rows:
            raise TooLarge(f"The table has {rows} rows or more; {self._settings.table_rows} are allowed.")

    def _written(
        self, endpoint_id: str, table: Table, target: Path, output: str, report: Report, end: float | None = None
    ) -> int:
        """Write the predictions of a table, and return how many there are."""
        rows = 0
        with closing(open_writer(target, output, lambda: self._outputs(endpoint_id))) as writer:
            for piece, done in self._answers(endpoint_id, table, end):
                writer.write([columns(result) for result in piece])
                rows += len(piece)
                report(99 * done, f"{rows} rows")
        return rows

    def _answers(
        self, endpoint_id: str, table: Table, end: float | None
    ) -> Iterator[tuple[Sequence[Mapping[str, Any]], float]]:
        """Give the predictions of each piece, and how much of the table that is.

        Raises:
            Longer: *end* is set, and the table has too many rows, or it takes too long, to be answered at once.
        """
        if not table.columns:  # of JSON that lists nothing
            return
        soon = end or time.monotonic() + self._settings.predict_timeout_s
        ready = self._predictor.fitting(endpoint_id, lambda shape: shape.columns(table.columns), soon)
        # Only these columns are read. Should a model of another server want others meanwhile, they are missing.
        found = ready.shape.columns(table.columns)
        used = found.used
        kinds = dict(zip(found.untyped, table.kinds(found.untyped), strict=True))
        header = Header([table.columns[place] for place in used], [kinds.get(place) for place in used])
        before = 0
        for piece, done in table.pieces(used):
            size = ready.step or len(piece)
            self._check_rows(before + len(piece))
            answers: list[Mapping[str, Any]] = []
            for start in range(0, len(piece), size or 1):
                if end is not None and (before + len(piece) > SMALL_ROWS or time.monotonic() > end):
                    raise Longer
                answers += self._asked(endpoint_id, header, piece[start : start + size], before + start, end)
            before += len(piece)
            yield answers, done

    def _outputs(self, endpoint_id: str) -> Sequence[str]:
        """Return the names of what the model gives, as far as they are known without asking it."""
        known = self._predictor.registry.endpoint(endpoint_id).known or {}
        return list(known.get("output_schema") or ("predictions",))

    def _asked(
        self, endpoint_id: str, header: Header, piece: Sequence[Any], before: int, end: float | None
    ) -> Sequence[Mapping[str, Any]]:
        """Return the predictions of rows that follow *before* others; a host that ends meanwhile is started again."""

        def rows(shape: Shape) -> list[list[Any]]:
            taken = shape.columns(header.names, header.kinds)
            return [row_of(taken, row, before + number) for number, row in enumerate(piece, 1)]

        for left in reversed(range(TRIES if end is None else 1)):
            try:
                return self._predictor.predict_rows(endpoint_id, rows, only_counts=True, end=end)
            except Unavailable:
                if not left:
                    raise
                time.sleep(PAUSE_S)
            except InputInvalid as problem:
                raise InputInvalid(faults=[in_table(fault, before) for fault in problem.faults]) from None
        raise AssertionError("the last try returns or raises")


def in_table(fault: Fault, before: int) -> Fault:
    """Return a fault of one of several rows as one of a table, in which *before* others come first."""
    if fault.row is None:
        return fault
    number = before + fault.row + 1
    return Fault("body", f"/{number}", f"In row {number}: {fault.detail}")


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


def as_json(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Return a table as JSON, also where a number has more than 64 bits, which orjson does not write.

    Raises:
        InputInvalid: A text is none that UTF-8 has.
    """
    try:
        return json.dumps(rows, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise InputInvalid(faults=[Fault("body", "", f"A text is none: {error.reason}.")]) from None
