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
from handlers.models.pmml.document import Document
from handlers.models.pmml.errors import Invalid, Unreadable
from handlers.models.pmml.kinds import TYPES, as_text
from handlers.models.pmml.outcome import Outcome

BATCH: Final = 4  #: rows from which on they are evaluated together
SAID: Final = ("predictedValue", "predictedDisplayValue", "clusterId")
KINDS: Final = ("Scorecard", "RuleSetModel")  #: those that modelType of the API has a word for
WORDS: Final[Mapping[str, str]] = {"int64": "integer", "float64": "number", "bool": "boolean", "str": "string"}


class PmmlModel:
    """A PMML file; its answers have the names of its outputs, or where it names none, those that are usual."""

    def __init__(self, document: Document, *, gives: str = "auto") -> None:
        """Answer with a document, in the output structure *gives* of the API."""
        self.document = document
        self.gives = gives
        field = document.model.goal.field
        self.classes: Sequence[Any] = field.values if field is not None else ()
        self.target = f"predicted_{field.name}" if field is not None else "predicted"
        # Some exporters name the probabilities alone, and leave it to the target to have the prediction.
        self.adds = not any(one.feature in SAID for one in document.outputs)

    def describe(self) -> dict[str, Any]:
        """Return what is known of it."""
        features = self.document.features()
        known: dict[str, Any] = {
            "kind": self.document.kind if self.document.kind in KINDS else "other",
            "named": True,
            "features": features,
            "input_schema": base.input_schema(features),
            "output_schema": self._outputs() if self.gives in base.NAMED else {"predictions": {}},
        }
        return known | ({"name": self.document.name} if self.document.name else {})

    def _outputs(self) -> dict[str, Any]:
        """Return what a result looks like."""
        outputs = self.document.outputs
        goal = self.document.model.goal
        found = {self.target: {"type": WORDS[TYPES[goal.kind]]}} if self.adds else {}
        if outputs:
            return found | {one.field.name: {"type": WORDS[TYPES[one.field.kind]]} for one in outputs}
        classes = self.classes if goal.classifies else ()
        return found | {f"probability_{as_text(one)}": {"type": "number"} for one in classes[:1000]}

    def class_fields(self) -> list[str] | None:
        """Return the names of the answers that are the probabilities of the classes, in order; None: there are none."""
        if not self.classes or not self.document.model.goal.classifies:
            return None
        if not self.document.outputs:
            return [f"probability_{as_text(one)}" for one in self.classes]
        said = {one.value: one.field.name for one in self.document.outputs if one.feature == "probability"}
        found = [said.get(as_text(one)) for one in self.classes]
        return [name for name in found if name] if all(found) else None

    def predict(self, rows: Sequence[Row]) -> list[Result]:
        """Return the outputs of each row by their names, or what is predicted and the probability of each class."""
        if any(len(row) != len(self.document.inputs) for row in rows):
            raise CannotPredict(f"The model takes {len(self.document.inputs)} inputs.")
        try:
            found = self.document.evaluate_all(rows) if len(rows) >= BATCH else map(self.document.evaluate, rows)
            return [base.record_in(self._answer(outcome, outputs), self.gives) for outcome, outputs in found]
        except Invalid as error:
            raise CannotPredict(str(error)) from error
        except (ArithmeticError, ValueError, TypeError) as error:
            raise CannotPredict(f"What it computes has no value: {str(error)[:200]}") from error

    def _answer(self, outcome: Outcome, outputs: Mapping[str, Any]) -> Result:
        """Return one answer."""
        if self.document.outputs:
            found = {self.target: plain(outcome.value)} if self.adds else {}
            return found | {name: plain(value) for name, value in outputs.items()}
        found = {self.target: plain(outcome.value)}
        chances, sure = outcome.probabilities, outcome.confidences.get(outcome.value)
        if chances:
            found |= {f"probability_{as_text(one)}": chances.get(one, 0.0) for one in self.classes or chances}
        elif sure is not None:
            found["confidence"] = sure
        return found | {f"reason_code_{rank}": reason for rank, reason in enumerate(outcome.reasons, 1)}


def read_pmml(path: Path, *, gives: str = "auto") -> PmmlModel:
    """Return the model that a file holds, which answers in the output structure *gives* of the API.

    Raises:
        CannotLoad: It is no PMML, or asks for what is not evaluated.
    """
    try:
        with uncollected():
            return PmmlModel(Document(path.read_bytes()), gives=gives)
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
