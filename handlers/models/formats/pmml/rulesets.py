"""Rule sets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final
from xml.etree.ElementTree import Element

from handlers.models.formats.base import CannotLoad
from handlers.models.formats.pmml.predicates import Predicate, predicate_of
from handlers.models.formats.pmml.scope import Scope
from handlers.models.formats.pmml.verdict import Evaluator, Verdict
from handlers.models.formats.pmml.xml import child, number, required

Rule = tuple[Predicate, str, float, float]  #: when, the score, its weight, its confidence


def ruleset(element: Element) -> Evaluator:
    """Return what evaluates a <RuleSetModel>.

    Raises:
        CannotLoad: It chooses among rules in a way that is not known.
    """
    inner = child(element, "RuleSet")
    method = required(child(inner, "RuleSelectionMethod"), "criterion")
    if method not in METHODS:
        raise CannotLoad(f"Rules are selected by {method[:50]!r}, which is not known.")
    choose, rules = METHODS[method], list(rules_in(inner, []))
    default = inner.get("defaultScore")
    confidence = number(inner, "defaultConfidence") if inner.get("defaultConfidence") else None

    def evaluate(scope: Scope) -> Verdict:
        fired = [rule for rule in rules if rule[0](scope)]
        return choose(fired) if fired else Verdict(value=default, confidence=confidence)

    return evaluate


def rules_in(element: Element, conditions: Sequence[Predicate]) -> Iterator[Rule]:
    """Give the simple rules below an element; those of a compound rule hold only where that does."""
    for one in element:
        if one.tag == "SimpleRule":
            holds = both([*conditions, predicate_of(one)])
            yield holds, required(one, "score"), number(one, "weight", 1.0), number(one, "confidence", 1.0)
        elif one.tag == "CompoundRule":
            yield from rules_in(one, [*conditions, predicate_of(one)])


def both(parts: Sequence[Predicate]) -> Predicate:
    """Return whether all hold."""
    return parts[0] if len(parts) == 1 else lambda scope: all(part(scope) for part in parts)


def first(fired: Sequence[Rule]) -> Verdict:
    """Return what the first rule says."""
    return Verdict(value=fired[0][1], confidence=fired[0][3])


def heaviest(fired: Sequence[Rule]) -> Verdict:
    """Return what the rule with the largest weight says."""
    best = max(fired, key=lambda rule: rule[2])
    return Verdict(value=best[1], confidence=best[3])


def heaviest_sum(fired: Sequence[Rule]) -> Verdict:
    """Return the score whose rules have the largest weight together; it is as sure as their mean."""
    totals: dict[str, float] = {}
    for _, score, weight, _ in fired:
        totals[score] = totals.get(score, 0.0) + weight
    best = max(totals, key=lambda score: totals[score])
    return Verdict(value=best, confidence=totals[best] / len(fired))


METHODS: Final[Mapping[str, Callable[[Sequence[Rule]], Verdict]]] = {
    "firstHit": first,
    "weightedMax": heaviest,
    "weightedSum": heaviest_sum,
}
