"""PMML files: nothing of them is code, and they say what they take and what they give."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, time
from pathlib import Path
from typing import Any, Final

from handlers.models.formats import base
from handlers.models.formats.base import CannotLoad, CannotPredict, Result, Row
from handlers.models.pmml.document import Absent, Document
from handlers.models.pmml.errors import Unreadable
from handlers.models.pmml.kinds import TYPES
from handlers.models.pmml.outcome import Outcome

BATCH: Final = 4  #: rows from which on they are evaluated together
KINDS: Final = ("Scorecard", "RuleSetModel")  #: those that modelType of the API has a word for
WORDS: Final[Mapping[str, str]] = {"int64": "integer", "float64": "number", "bool": "boolean", "str": "string"}


class PmmlModel:
    """A PMML file; its answers have the names of its outputs, or where it names none, those of the other formats."""

    def __init__(self, document: Document) -> None:
        """Answer with a document."""
        self.document = document
        field = document.model.goal.field
        self.classes: Sequence[Any] = field.values if field is not None else ()

    def describe(self) -> dict[str, Any]:
        """Return what is known of it."""
        features = self.document.features()
        known: dict[str, Any] = {
            "kind": self.document.kind if self.document.kind in KINDS else "other",
            "named": True,
            "features": features,
            "input_schema": base.input_schema(features),
            "output_schema": self._outputs(),
        }
        return known | ({"name": self.document.name} if self.document.name else {})

    def _outputs(self) -> dict[str, Any]:
        """Return what a result looks like."""
        outputs = self.document.outputs
        if outputs:
            return {one.field.name: {"type": WORDS[TYPES[one.field.kind]]} for one in outputs}
        goal = self.document.model.goal
        found: dict[str, Any] = {"predictions": {"type": WORDS[TYPES[goal.kind]]}}
        if goal.classifies:
            found["scores"] = {"type": "array", "items": {"type": "number"}}
        return found

    def predict(self, rows: Sequence[Row]) -> list[Result]:
        """Return the outputs of each row by their names, or `predictions` and `scores`."""
        if any(len(row) != len(self.document.inputs) for row in rows):
            raise CannotPredict(f"The model takes {len(self.document.inputs)} inputs.")
        try:
            found = self.document.evaluate_all(rows) if len(rows) >= BATCH else map(self.document.evaluate, rows)
            return [self._answer(outcome, outputs) for outcome, outputs in found]
        except Absent as error:
            names = ", ".join(repr(name[:100]) for name in error.names[:20])
            raise CannotPredict(f"It says nothing without these inputs: {names}.") from error
        except (ArithmeticError, ValueError, TypeError) as error:
            raise CannotPredict(f"What it computes has no value: {str(error)[:200]}") from error

    def _answer(self, outcome: Outcome, outputs: Mapping[str, Any]) -> Result:
        """Return one answer."""
        if self.document.outputs:
            return {name: plain(value) for name, value in outputs.items()}
        return {"predictions": plain(outcome.value)} | self._scores(outcome)

    def _scores(self, outcome: Outcome) -> dict[str, Any]:
        """Return the probabilities in the order of the classes, where there are any."""
        chances = outcome.probabilities
        if not chances:
            return {}
        return {"scores": [chances.get(one, 0.0) for one in self.classes or chances]}


def read_pmml(path: Path) -> PmmlModel:
    """Return the model that a file holds.

    Raises:
        CannotLoad: It is no PMML, or asks for what is not evaluated.
    """
    try:
        with uncollected():
            return PmmlModel(Document(path.read_bytes()))
    except Unreadable as error:
        raise CannotLoad(str(error)) from error


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep the garbage collector from looking at the many small objects of a model, now and later: there is no garbage.

    A file of 300,000 elements is read in a third of the time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()


def plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    return value.isoformat() if isinstance(value, date | time) else value
