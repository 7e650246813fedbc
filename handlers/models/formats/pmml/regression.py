"""Regression models: linear, and classifications by them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final
from xml.etree.ElementTree import Element

from handlers.models.formats.base import CannotLoad
from handlers.models.formats.pmml.scope import Scope, same
from handlers.models.formats.pmml.verdict import Evaluator, Verdict, best_of, shares
from handlers.models.formats.pmml.xml import number, required

Sum = Callable[[Scope], float | None]


def logistic(value: float) -> float:
    """Return the logistic function, also of numbers far from 0."""
    return 1 / (1 + math.exp(-value)) if value >= 0 else math.exp(value) / (1 + math.exp(value))


LINKS: Final[Mapping[str, Callable[[float], float]]] = {
    "none": lambda value: value,
    "simplemax": lambda value: value,
    "logit": logistic,
    "softmax": logistic,
    "exp": math.exp,
    "probit": lambda value: 0.5 * math.erfc(-value / math.sqrt(2)),
    "cloglog": lambda value: 1 - math.exp(-math.exp(value)),
    "loglog": lambda value: math.exp(-math.exp(-value)),
    "cauchit": lambda value: 0.5 + math.atan(value) / math.pi,
}


def regression(element: Element) -> Evaluator:
    """Return what evaluates a <RegressionModel>.

    Raises:
        CannotLoad: It is normalized in a way that is not known, or has no table.
    """
    method = element.get("normalizationMethod", "none")
    if method not in LINKS:
        raise CannotLoad(f"The normalization {method[:50]!r} is not supported.")
    tables = element.findall("RegressionTable")
    if not tables:
        raise CannotLoad("A regression has a table.")
    sums = [table(one) for one in tables]
    if required(element, "functionName") != "classification":
        return number_of(sums[0], LINKS[method])
    names = [required(one, "targetCategory") for one in tables]

    def evaluate(scope: Scope) -> Verdict:
        found = [work(scope) for work in sums]
        if None in found:
            return Verdict()
        return best_of(normalized(dict(zip(names, [one or 0.0 for one in found], strict=True)), method))

    return evaluate


def number_of(work: Sum, link: Callable[[float], float]) -> Evaluator:
    """Return what says a number."""

    def evaluate(scope: Scope) -> Verdict:
        found = work(scope)
        return Verdict(value=None if found is None else link(found))

    return evaluate


def normalized(values: Mapping[str, float], method: str) -> dict[str, float]:
    """Return the values of the tables as probabilities; of two classes the second has what the first leaves."""
    if method == "simplemax":
        return shares(values)
    if method == "softmax":
        most = max(values.values())
        return shares({one: math.exp(value - most) for one, value in values.items()})
    linked = {one: LINKS[method](value) for one, value in values.items()}
    if len(linked) == 2 or method == "none":
        *others, last = linked
        return {**{one: linked[one] for one in others}, last: 1 - math.fsum(linked[one] for one in others)}
    return shares(linked)


def table(element: Element) -> Sum:
    """Return the sum of a <RegressionTable>; None where a number that it needs is missing."""
    intercept = number(element, "intercept", 0.0)
    numeric = [
        (required(one, "name"), number(one, "exponent", 1.0), number(one, "coefficient"))
        for one in element.findall("NumericPredictor")
    ]
    categories = [
        (required(one, "name"), required(one, "value"), number(one, "coefficient"))
        for one in element.findall("CategoricalPredictor")
    ]
    terms = [
        ([required(inner, "field") for inner in one.findall("FieldRef")], number(one, "coefficient"))
        for one in element.findall("PredictorTerm")
    ]

    def work(scope: Scope) -> float | None:
        total = intercept
        for name, exponent, coefficient in numeric:
            value = scope.get(name)
            if value is None:
                return None
            total += coefficient * (value if exponent == 1 else math.pow(value, exponent))
        for name, text, coefficient in categories:
            value = scope.get(name)
            if value is not None and same(value, text):
                total += coefficient
        for names, coefficient in terms:
            factors = [scope.get(name) for name in names]
            if None in factors:
                return None
            total += coefficient * math.prod(factors)
        return total

    return work
