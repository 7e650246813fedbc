"""Scorecard. Source: PMML 4.4, Scorecard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from handlers.models.pmml.elements import Element
from handlers.models.pmml.errors import wrong
from handlers.models.pmml.expressions import expression_in
from handlers.models.pmml.outcome import NOTHING, Evaluate, Goal, Outcome
from handlers.models.pmml.predicates import PREDICATES, Predicate, predicate_in
from handlers.models.pmml.scope import Expression, Row, Scope


@dataclass(frozen=True, eq=False)
class Attribute:
    """What a characteristic adds to the score where its predicate is true."""

    test: Predicate
    score: Expression
    reason: str
    baseline: float


def compile_scorecard(element: Element, scope: Scope, _goal: Goal) -> Evaluate:
    """Return what adds up a scorecard.

    Raises:
        Unreadable: It has a part that is not evaluated, or lacks a reason or a baseline that it needs.
    """
    initial = element.number("initialScore", 0.0)
    output = element.first("Output")
    asked = output is not None and any(one.get("feature") == "reasonCode" for one in output.children)
    reasoned = element.flag("useReasonCodes", True) and asked
    below = element.choice("reasonCodeAlgorithm", ("pointsAbove", "pointsBelow"), "pointsBelow") == "pointsBelow"
    listed = element.need("Characteristics")
    listed.only("Characteristic")
    cards = [attributes_of(one, element, scope, reasoned) for one in listed.children]

    def evaluate(row: Row) -> Outcome:
        total, points = initial, dict[str, float]()
        for card in cards:
            found = next((one for one in card if one.test(row)), None)
            score = found.score(row) if found is not None else None
            if found is None or score is None:
                return NOTHING
            total += score
            lost = found.baseline - score if below else score - found.baseline
            points[found.reason] = points.get(found.reason, 0.0) + lost
        return Outcome(total, reasons=ranked(points) if reasoned else ())

    return evaluate


def ranked(points: Mapping[str, float]) -> list[str]:
    """Return the reasons, the most important first; what was better than its baseline is no reason."""
    return sorted((reason for reason in points if points[reason] >= 0), key=points.__getitem__, reverse=True)


def attributes_of(element: Element, card: Element, scope: Scope, reasoned: bool) -> list[Attribute]:
    """Return the attributes of a Characteristic."""
    element.only("Attribute")
    baseline = element.number("baselineScore", card.number("baselineScore", 0.0))
    if reasoned and not {"baselineScore"} & (element.attributes.keys() | card.attributes.keys()):
        raise wrong(element, "The attribute baselineScore is missing.")
    found = []
    for one in element.children:
        one.only(*PREDICATES, "ComplexPartialScore")
        reason = one.get("reasonCode", element.get("reasonCode"))
        if reasoned and not reason:
            raise wrong(one, "The attribute reasonCode is missing.")
        found.append(Attribute(predicate_in(one, scope), partial_score(one, scope), reason, baseline))
    return found


def partial_score(element: Element, scope: Scope) -> Expression:
    """Return what computes the partial score of an Attribute."""
    computed = element.first("ComplexPartialScore")
    if computed is not None:
        return expression_in(computed, scope)
    score = element.number("partialScore")
    return lambda _row: score
