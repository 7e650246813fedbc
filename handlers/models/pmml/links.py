"""From the value of a formula to a probability. Source: PMML 4.4, Regression, "normalizationMethod"."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final

LARGEST: Final = 700.0  #: exp of more is no float


def exp(value: float) -> float:
    """Return e to the power of *value*, infinity where no float is so large."""
    return math.exp(value) if value <= LARGEST else math.inf


def logistic(value: float) -> float:
    """Return the logistic function, of far negative values as well."""
    return 1.0 / (1.0 + exp(-value))


def normal(value: float) -> float:
    """Return the distribution function of the standard normal distribution."""
    return 0.5 * math.erfc(-value / math.sqrt(2.0))


#: Inverse link functions by their names.
LINKS: Final[Mapping[str, Callable[[float], float]]] = {
    "logit": logistic,
    "probit": normal,
    "cloglog": lambda value: -math.expm1(-exp(value)),
    "loglog": lambda value: math.exp(-exp(-value)),
    "cauchit": lambda value: 0.5 + math.atan(value) / math.pi,
    "exp": exp,
}


def softmax(values: Sequence[float]) -> list[float]:
    """Return numbers that add up to 1, in the proportion of e to their powers."""
    most = max(values)
    powers = [math.exp(value - most) for value in values]
    whole = sum(powers)
    return [power / whole for power in powers]


def simplemax(values: Sequence[float]) -> list[float]:
    """Return numbers that add up to 1, in their own proportion."""
    whole = sum(values)
    return [value / whole for value in values] if whole else [1.0 / len(values)] * len(values)
