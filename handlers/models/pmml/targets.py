"""Targets: what is done to a prediction. Source: PMML 4.4, Targets."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from handlers.models.pmml.elements import Element
from handlers.models.pmml.functions import whole
from handlers.models.pmml.kinds import literal
from handlers.models.pmml.outcome import Body, Goal, Outcome, likeliest

CAST: Final[Mapping[str, Callable[[float], int]]] = {"round": whole, "ceiling": math.ceil, "floor": math.floor}


def with_targets(model: Element, goal: Goal, body: Body) -> Body:
    """Return a model that does with its predictions what its Targets say.

    Raises:
        Unreadable: They say what is not evaluated.
    """
    targets = model.first("Targets")
    target = targets.first("Target") if targets is not None else None
    if targets is None or target is None:
        return body
    targets.only("Target")
    target.only("TargetValue")
    change = classified(target, goal) if goal.classifies else rescaled(target)

    return Body(
        one=lambda row: change(body.one(row)),
        many=lambda rows: [change(outcome) for outcome in body.all(rows)],
    )


def classified(target: Element, goal: Goal) -> Callable[[Outcome], Outcome]:
    """Return what puts prior probabilities where a model says nothing."""
    priors = {
        literal(one, one.text_of("value"), goal.kind): one.number("priorProbability")
        for one in target.all("TargetValue")
        if "priorProbability" in one.attributes
    }
    prior = Outcome(likeliest(priors), priors, priors)
    return lambda outcome: prior if outcome.value is None and priors else outcome


def rescaled(target: Element) -> Callable[[Outcome], Outcome]:
    """Return what bounds a number, multiplies it, adds to it and makes it whole, in this order."""
    low, high = target.number("min", -math.inf), target.number("max", math.inf)
    factor, constant = target.number("rescaleFactor", 1.0), target.number("rescaleConstant", 0.0)
    cast = CAST[target.choice("castInteger", tuple(CAST))] if "castInteger" in target.attributes else None
    defaults = [one.number("defaultValue") for one in target.all("TargetValue") if "defaultValue" in one.attributes]

    def change(outcome: Outcome) -> Outcome:
        value: Any = outcome.value
        if value is None:
            return replace(outcome, value=defaults[0]) if defaults else outcome
        value = min(max(value, low), high) * factor + constant
        return replace(outcome, value=value if cast is None else cast(value))

    return change
