"""NaiveBayesModel. Source: PMML 4.4, NaiveBayes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from handlers.models.pmml.elements import Element
from handlers.models.pmml.errors import wrong
from handlers.models.pmml.expressions import expression_in
from handlers.models.pmml.kinds import CASTS, literal
from handlers.models.pmml.links import softmax
from handlers.models.pmml.outcome import NOTHING, Evaluate, Goal, Outcome, likeliest
from handlers.models.pmml.scope import Row, Scope

#: From a row to the logarithm of how likely each class makes one of its values; None where that is missing.
Likely = Callable[[Row], Mapping[Any, float] | None]


def compile_bayes(element: Element, scope: Scope, goal: Goal) -> Evaluate:
    """Return what multiplies likelihoods, as logarithms, for the product of many may be less than any float.

    Raises:
        Unreadable: It has a part that is not evaluated.
    """
    threshold = element.number("threshold")
    output = element.need("BayesOutput")
    priors = counts_in(output.need("TargetValueCounts"), goal)
    inputs = element.need("BayesInputs")
    inputs.only("BayesInput")
    parts = [likely(one, scope, goal, threshold) for one in inputs.children]
    start = {value: logarithm(count) for value, count in priors.items()}

    def evaluate(row: Row) -> Outcome:
        total = dict(start)
        for part in parts:
            found = part(row)
            if found is not None:
                for value in total:
                    total[value] += found.get(value, logarithm(threshold))
        if max(total.values(), default=-math.inf) == -math.inf:
            return NOTHING
        chances = dict(zip(total, softmax(list(total.values())), strict=True))
        return Outcome(likeliest(chances), chances, chances)

    return evaluate


def logarithm(value: float) -> float:
    """Return the natural logarithm, that of 0 as well."""
    return math.log(value) if value > 0 else -math.inf


def counts_in(element: Element, goal: Goal) -> dict[Any, float]:
    """Return how many records there are of each class."""
    element.only("TargetValueCount")
    found = {literal(one, one.text_of("value"), goal.kind): one.number("count") for one in element.children}
    if any(count < 0 for count in found.values()):
        raise wrong(element, "A count is below 0.")
    return found


def likely(element: Element, scope: Scope, goal: Goal, threshold: float) -> Likely:
    """Return what looks up how likely a BayesInput is."""
    element.only("TargetValueStats", "PairCounts", "DerivedField")
    statistics = element.first("TargetValueStats")
    field = scope.of(element, "fieldName")
    if statistics is not None:
        return continuous(statistics, field.slot, goal, threshold)
    derived = element.first("DerivedField")
    value_of = expression_in(derived, scope) if derived is not None else None
    kind = derived.choice("dataType", tuple(CASTS)) if derived is not None else field.kind
    slot = field.slot
    table = discrete(element, kind, goal, threshold)

    def evaluate(row: Row) -> Mapping[Any, float] | None:
        value = row[slot] if value_of is None else value_of(row)
        return None if value is None else table.get(value)

    return evaluate


def discrete(element: Element, kind: str, goal: Goal, threshold: float) -> dict[Any, dict[Any, float]]:
    """Return for each value of a field the logarithms of its shares among the records of each class."""
    pairs = {
        literal(one, one.text_of("value"), kind): counts_in(one.need("TargetValueCounts"), goal)
        for one in element.all("PairCounts")
    }
    totals: dict[Any, float] = {}
    for counts in pairs.values():
        for value, count in counts.items():
            totals[value] = totals.get(value, 0.0) + count
    return {
        one: {
            value: logarithm(count / totals[value] if count else threshold) if totals[value] else logarithm(threshold)
            for value, count in counts.items()
        }
        for one, counts in pairs.items()
    }


def continuous(element: Element, slot: int, goal: Goal, threshold: float) -> Likely:
    """Return what evaluates the distribution of a number in each class."""
    element.only("TargetValueStat")
    found = {}
    for one in element.children:
        distribution = one.need("GaussianDistribution", "PoissonDistribution")
        mean = distribution.number("mean")
        variance = distribution.number("variance", 0.0)
        if distribution.tag == "GaussianDistribution" and variance <= 0.0:
            raise wrong(distribution, "The variance is not above 0.")
        found[literal(one, one.text_of("value"), goal.kind)] = (distribution.tag, mean, variance)
    least = logarithm(threshold)

    def evaluate(row: Row) -> Mapping[Any, float] | None:
        value = row[slot]
        if value is None:
            return None
        return {one: max(density(value, *each), least) for one, each in found.items()}

    return evaluate


def density(value: float, kind: str, mean: float, variance: float) -> float:
    """Return the logarithm of a density."""
    if kind == "GaussianDistribution":
        return -0.5 * (math.log(2.0 * math.pi * variance) + (value - mean) ** 2 / variance)
    if value < 0 or mean <= 0:
        return -math.inf
    return value * math.log(mean) - mean - math.lgamma(value + 1.0)
