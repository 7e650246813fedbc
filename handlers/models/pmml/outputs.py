"""Output: under which names a model's predictions are given. Source: PMML 4.4, Output."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from handlers.models.pmml.elements import Element
from handlers.models.pmml.errors import wrong
from handlers.models.pmml.expressions import expression_in
from handlers.models.pmml.kinds import CASTS, literal
from handlers.models.pmml.mining import OPTYPES
from handlers.models.pmml.outcome import Goal, Outcome, likeliest
from handlers.models.pmml.scope import Expression, Field, Row, Scope

Say = Callable[[Row, Outcome], Any]
COMPUTED: Final = ("transformedValue", "decision")
NUMBERS: Final = ("probability", "confidence", "affinity", "clusterAffinity", "entityAffinity")
TEXTS: Final = ("entityId", "clusterId", "reasonCode", "warning")
FEATURES: Final = ("predictedValue", "predictedDisplayValue", *COMPUTED, *NUMBERS, *TEXTS)


@dataclass(frozen=True)
class Output:
    """An OutputField: its place in the row, and what it says."""

    field: Field
    feature: str
    final: bool
    say: Say
    value: str = ""  #: the class that it is about, as it is written; empty: the one that is predicted


def outputs_of(model: Element, scope: Scope, goal: Goal) -> list[Output]:
    """Return the output fields of a model; each can be named by those after it.

    Raises:
        Unreadable: One is not evaluated.
    """
    output = model.first("Output")
    if output is None:
        return []
    output.only("OutputField")
    return [output_field(one, scope, goal) for one in output.children]


def output_field(element: Element, scope: Scope, goal: Goal) -> Output:
    """Return an OutputField."""
    feature = element.choice("feature", FEATURES, "predictedValue")
    if element.flag("isMultiValued", False):
        raise wrong(element, "isMultiValued is not evaluated.")
    say = SAYINGS[feature](element, goal) if feature in SAYINGS else saying_number(element, feature, goal)
    if feature in COMPUTED:
        say = computed(expression_in(element, scope))
    if "segmentId" in element.attributes:
        say = of_segment(element.get("segmentId"), say)
    kind = element.choice("dataType", tuple(CASTS), kind_of(feature, goal))
    optype = element.choice("optype", OPTYPES, "continuous" if feature in NUMBERS else "categorical")
    field = scope.add(element.text_of("name"), kind, optype)
    return Output(field, feature, element.flag("isFinalResult", True), cast_to(field, say), element.get("value"))


def kind_of(feature: str, goal: Goal) -> str:
    """Return the type of an output for which the file names none."""
    if feature in NUMBERS:
        return "double"
    return goal.kind if feature.startswith("predicted") else "string"


def cast_to(field: Field, say: Say) -> Say:
    """Return what says a value in the type of its field."""
    cast = field.cast

    def evaluate(row: Row, outcome: Outcome) -> Any:
        value = say(row, outcome)
        return None if value is None else cast(value)

    return evaluate


def computed(evaluate: Expression) -> Say:
    """Return what is computed of other fields."""
    return lambda row, _outcome: evaluate(row)


def of_segment(segment: str, say: Say) -> Say:
    """Return what one of a model's segments says."""

    def evaluate(row: Row, outcome: Outcome) -> Any:
        found = outcome.segments.get(segment)
        return None if found is None else say(row, found)

    return evaluate


def saying_value(_element: Element, _goal: Goal) -> Say:
    """Return the prediction itself."""
    return lambda _row, outcome: outcome.value


def saying_entity(element: Element, _goal: Goal) -> Say:
    """Return the id of the node, rule or cluster of a certain rank."""
    rank = rank_of(element)

    def evaluate(_row: Row, outcome: Outcome) -> Any:
        if rank == 0:
            return outcome.entity
        return outcome.entities[rank] if rank < len(outcome.entities) else None

    return evaluate


def saying_reason(element: Element, _goal: Goal) -> Say:
    """Return the reason of a certain rank."""
    rank = rank_of(element)
    return lambda _row, outcome: outcome.reasons[rank] if rank < len(outcome.reasons) else None


def saying_number(element: Element, feature: str, goal: Goal) -> Say:
    """Return a number that belongs to the class or the cluster that the element names, else to that predicted."""
    wanted: Any = None
    if "value" in element.attributes:
        kind = goal.kind if feature in ("probability", "confidence") else "string"
        wanted = literal(element, element.get("value"), kind)

    def evaluate(_row: Row, outcome: Outcome) -> Any:
        known: Mapping[Any, float] = {
            "probability": outcome.probabilities,
            "confidence": outcome.confidences,
        }.get(feature, outcome.affinities)
        of_predicted = outcome.entity if feature in NUMBERS[2:] else outcome.value
        if wanted is None:
            return known.get(likeliest(known) if of_predicted not in known else of_predicted)
        return known.get(wanted, 0.0 if known and feature == "probability" else None)

    return evaluate


def silent(_element: Element, _goal: Goal) -> Say:
    """Return nothing: a model of ours has no warnings."""
    return lambda _row, _outcome: None


def rank_of(element: Element) -> int:
    """Return which of several is meant, from 0."""
    rank = int(element.number("rank", 1.0))
    if rank < 1:
        raise wrong(element, "ranks begin at 1.")
    return rank - 1


SAYINGS: Final[Mapping[str, Callable[[Element, Goal], Say]]] = {
    "predictedValue": saying_value,
    "predictedDisplayValue": saying_value,
    "transformedValue": silent,
    "decision": silent,
    "entityId": saying_entity,
    "clusterId": saying_entity,
    "reasonCode": saying_reason,
    "warning": silent,
}
