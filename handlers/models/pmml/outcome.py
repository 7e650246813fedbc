"""What a model says of a row, before it is put into words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from handlers.models.pmml.scope import Field, Row


@dataclass(slots=True)
class Outcome:
    """A prediction and what is known of it; those of trees are made once and shared, so none is ever changed."""

    value: Any = None  #: None: the model says nothing
    probabilities: Mapping[Any, float] = field(default_factory=dict)
    confidences: Mapping[Any, float] = field(default_factory=dict)
    entity: str | None = None  #: id of a node, a rule, a cluster
    entities: Sequence[str] = ()  #: of all rules that fired or clusters, the best first
    affinities: Mapping[str, float] = field(default_factory=dict)  #: by id of a cluster
    reasons: Sequence[str] = ()  #: the most important first
    segments: Mapping[str, Outcome] = field(default_factory=dict)  #: by id


NOTHING = Outcome()
Evaluate = Callable[[Row], Outcome]
EvaluateAll = Callable[[Sequence[Row]], list[Outcome]]


@dataclass(frozen=True)
class Body:
    """What a model is without what stands around it: it evaluates a row, and perhaps faster, many at once."""

    one: Evaluate
    many: EvaluateAll | None = None

    def all(self, rows: Sequence[Row]) -> list[Outcome]:
        """Return what it says of each row."""
        return self.many(rows) if self.many is not None else [self.one(row) for row in rows]


@dataclass(frozen=True)
class Goal:
    """What a model predicts."""

    function: str  #: `classification`, `regression` or `clustering`
    field: Field | None  #: None: the file does not name it

    @property
    def classifies(self) -> bool:
        """Tell whether it says a class."""
        return self.function == "classification"

    @property
    def kind(self) -> str:
        """Return the type of what it says: of a class that of the field, else numbers, whatever the field has."""
        if not self.classifies:
            return "double" if self.function == "regression" else "string"
        return self.field.kind if self.field is not None else "string"


def likeliest(chances: Mapping[Any, float]) -> Any:
    """Return what has the largest number, of equals the first; None where there is none."""
    return max(chances, key=chances.__getitem__, default=None)
