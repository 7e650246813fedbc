"""Scorecards."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from handlers.models.formats.pmml.expressions import expression_of
from handlers.models.formats.pmml.predicates import Predicate, predicate_of
from handlers.models.formats.pmml.scope import Expression, Scope
from handlers.models.formats.pmml.verdict import Evaluator, Verdict
from handlers.models.formats.pmml.xml import child, number

Attribute = tuple[Predicate, Expression, str]  #: when, how many points, and the reason


def scorecard(element: Element) -> Evaluator:
    """Return what evaluates a <Scorecard>: the sum of the points, and for which reasons some were lost."""
    initial = number(element, "initialScore", 0.0)
    wants_reasons = element.get("useReasonCodes", "true") == "true"
    above = element.get("reasonCodeAlgorithm") == "pointsAbove"
    characteristics = [
        (number(one, "baselineScore", number(element, "baselineScore", 0.0)), attributes(one))
        for one in child(element, "Characteristics").findall("Characteristic")
    ]

    def evaluate(scope: Scope) -> Verdict:
        total, lost = initial, []
        for baseline, choices in characteristics:
            found = next((one for one in choices if one[0](scope)), None)
            points = None if found is None else found[1](scope)
            if found is None or points is None:
                return Verdict()
            total += points
            lost.append((points - baseline if above else baseline - points, found[2]))
        ranked = sorted((one for one in lost if one[1]), key=lambda one: one[0], reverse=True)
        return Verdict(value=total, reasons=[reason for _, reason in ranked] if wants_reasons else ())

    return evaluate


def attributes(element: Element) -> Sequence[Attribute]:
    """Return the attributes of a <Characteristic>."""
    shared = element.get("reasonCode", "")
    return [(predicate_of(one), points(one), one.get("reasonCode", shared)) for one in element.findall("Attribute")]


def points(element: Element) -> Expression:
    """Return the points of an <Attribute>: a number, or what an expression works out."""
    inner = element.find("ComplexPartialScore")
    if inner is not None:
        return expression_of(inner)
    fixed = number(element, "partialScore")
    return lambda _: fixed
