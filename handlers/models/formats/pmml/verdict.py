"""What a model says of one row, before it is written out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from handlers.models.formats.pmml.scope import Scope, Value


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A prediction; None where the model cannot tell."""

    value: Value = None
    probabilities: Mapping[str, float] = field(default_factory=dict)  #: by class, as the document writes it
    confidence: float | None = None
    reasons: Sequence[str] = ()  #: the most important first


class Evaluator(Protocol):
    """A model of some kind."""

    def __call__(self, scope: Scope) -> Verdict:
        """Return what it says of the values of *scope*."""


def best_of(probabilities: Mapping[str, float], **more: Any) -> Verdict:
    """Return the verdict for the most likely class; the first of those that are as likely."""
    if not probabilities:
        return Verdict(**more)
    best = max(probabilities, key=lambda one: probabilities[one])
    return Verdict(value=best, probabilities=probabilities, **more)


def shares(weights: Mapping[str, float]) -> dict[str, float]:
    """Return weights as parts of their sum."""
    total = math.fsum(weights.values())
    return {one: weight / total for one, weight in weights.items()} if total else {}


def averaged(parts: Iterable[tuple[Mapping[str, float], float]]) -> dict[str, float]:
    """Return the weighted mean of probabilities."""
    found: dict[str, float] = {}
    total = 0.0
    for probabilities, weight in parts:
        total += weight
        for one, probability in probabilities.items():
            found[one] = found.get(one, 0.0) + weight * probability
    return {one: weight / total for one, weight in found.items()} if total else {}
