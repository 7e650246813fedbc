"""Tree models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from xml.etree.ElementTree import Element

from handlers.models.formats.base import CannotLoad
from handlers.models.formats.pmml.predicates import Predicate, predicate_of
from handlers.models.formats.pmml.scope import Scope
from handlers.models.formats.pmml.verdict import Evaluator, Verdict, shares
from handlers.models.formats.pmml.xml import number, required

STRATEGIES: Final = ("none", "defaultChild", "lastPrediction", "nullPrediction")


@dataclass
class Node:
    """One node."""

    holds: Predicate
    verdict: Verdict | None  #: None where it has no score of its own
    default: str | None
    name: str | None
    children: Sequence[Node] = field(default_factory=list)


def tree(element: Element) -> Evaluator:
    """Return what evaluates a <TreeModel>.

    Raises:
        CannotLoad: It does with missing values what is not supported.
    """
    strategy = element.get("missingValueStrategy", "none")
    if strategy not in STRATEGIES:
        raise CannotLoad(f"The strategy {strategy[:50]!r} for missing values is not supported.")
    last = element.get("noTrueChildStrategy") == "returnLastPrediction"
    classifies = required(element, "functionName") == "classification"
    roots = element.findall("Node")
    if len(roots) != 1:
        raise CannotLoad("A tree has one root.")
    root = node(roots[0], classifies)

    def evaluate(scope: Scope) -> Verdict:
        if root.holds(scope) is not True:
            return Verdict()
        at, said = root, root.verdict
        while at.children:
            following = step(at, scope, strategy)
            if following is None:
                return (said or Verdict()) if last or stays(at, scope, strategy) else Verdict()
            at, said = following, following.verdict or said
        return at.verdict or said or Verdict()

    return evaluate


def step(at: Node, scope: Scope, strategy: str) -> Node | None:
    """Return the child to go on with; None: there is none."""
    for one in at.children:
        found = one.holds(scope)
        if found:
            return one
        if found is None and strategy != "none":
            if strategy != "defaultChild":
                return None
            return next((other for other in at.children if other.name == at.default), None)
    return None


def stays(at: Node, scope: Scope, strategy: str) -> bool:
    """Tell whether a missing value ends the way here, with what was said last."""
    return strategy == "lastPrediction" and any(one.holds(scope) is None for one in at.children)


def node(element: Element, classifies: bool) -> Node:
    """Return a node with all below it."""
    return Node(
        holds=predicate_of(element),
        verdict=verdict_of(element, classifies),
        default=element.get("defaultChild"),
        name=element.get("id"),
        children=[node(one, classifies) for one in element.findall("Node")],
    )


def verdict_of(element: Element, classifies: bool) -> Verdict | None:
    """Return what a node says; None where it has no score."""
    found = element.findall("ScoreDistribution")
    score = element.get("score")
    if score is None and not found:
        return None
    if not classifies:
        return Verdict(value=float(score) if score is not None else None)
    if all(one.get("probability") for one in found):
        probabilities = {required(one, "value"): number(one, "probability") for one in found}
    else:
        probabilities = shares({required(one, "value"): number(one, "recordCount") for one in found})
    if score is None:
        score = max(probabilities, key=lambda one: probabilities[one])
    confidence = next(
        (number(one, "confidence") for one in found if one.get("confidence") and one.get("value") == score), None
    )
    return Verdict(value=score, probabilities=probabilities or {score: 1.0}, confidence=confidence)
