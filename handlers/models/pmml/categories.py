"""Categories of a GeneralRegressionModel. Source: PMML 4.4, GeneralRegression, "Scoring Algorithm"."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from handlers.models.pmml.elements import Element
from handlers.models.pmml.errors import wrong
from handlers.models.pmml.kinds import literal
from handlers.models.pmml.links import LINKS, softmax
from handlers.models.pmml.outcome import NOTHING, Evaluate, Goal, Outcome, likeliest
from handlers.models.pmml.scope import Expression, Row

CUMULATIVE = ("logit", "probit", "cloglog", "loglog", "cauchit")

Chances = Callable[[list[float]], list[float]]


def classifier(
    classes: Sequence[Any], formulas: Sequence[Expression], offset: Expression, chances_of: Chances
) -> Evaluate:
    """Return what gives a probability for each class; there is a formula for all of them but the last."""

    def evaluate(row: Row) -> Outcome:
        values, more = [value_of(row) for value_of in formulas], offset(row)
        if more is None or None in values:
            return NOTHING
        found = dict(zip(classes, chances_of([value + more for value in values]), strict=True))
        return Outcome(likeliest(found), found, found)

    return evaluate


def in_order(element: Element, named: Sequence[str], goal: Goal) -> list[Any]:
    """Return the categories, first those that have parameters, and last the one that has none.

    Raises:
        Unreadable: It is not clear which that is.
    """
    known = goal.field.values if goal.field is not None else ()
    own = [literal(element, name, goal.kind) for name in named]
    if "targetReferenceCategory" in element.attributes:
        reference = literal(element, element.get("targetReferenceCategory"), goal.kind)
        own = own or [value for value in known if value != reference]
    else:
        others = [value for value in known if value not in own]
        if not others:
            raise wrong(element, "The attribute targetReferenceCategory is missing.")
        reference = others[-1]
        own = own or others[:-1]
    if reference in own or not own:
        raise wrong(element, "The categories and their parameters do not agree.")
    return [*own, reference]


def multinomial(values: list[float]) -> list[float]:
    """Return the probabilities of categories, the last of which has the value 0."""
    return softmax([*values, 0.0])


def cumulative(element: Element) -> Chances:
    """Return what makes probabilities of those that a category or one before it is right."""
    inverse = LINKS[element.choice("cumulativeLink", CUMULATIVE)]

    def chances(values: list[float]) -> list[float]:
        steps = [0.0, *(inverse(value) for value in values), 1.0]
        return [after - before for before, after in itertools.pairwise(steps)]

    return chances


def binary(inverse: Callable[[float], float]) -> Chances:
    """Return what makes probabilities of two categories."""

    def chances(values: list[float]) -> list[float]:
        first = inverse(values[0])
        return [first, 1.0 - first]

    return chances
