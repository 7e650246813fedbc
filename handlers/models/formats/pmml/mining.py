"""Models of models: how the verdicts of segments become one."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Final
from xml.etree.ElementTree import Element

from handlers.models.formats.base import CannotLoad
from handlers.models.formats.pmml.predicates import Predicate, predicate_of
from handlers.models.formats.pmml.scope import Scope, text_of
from handlers.models.formats.pmml.verdict import Evaluator, Verdict, averaged, best_of, shares
from handlers.models.formats.pmml.xml import child, number, required

Said = Sequence[tuple[Verdict, float]]  #: verdicts that are known, and the weights of their segments
Build = Callable[[Element], tuple[Evaluator, Callable[[Verdict, Scope], None]]]


def mining(element: Element, build: Build) -> Evaluator:
    """Return what evaluates a <MiningModel>; *build* makes the models inside, and what hands on their outputs.

    Raises:
        CannotLoad: It combines models in a way that is not supported.
    """
    inner = child(element, "Segmentation")
    method = required(inner, "multipleModelMethod")
    segments = [segment(one, build) for one in inner.findall("Segment")]
    if method in ("modelChain", "selectFirst"):
        return in_turn(segments, only_first=method == "selectFirst")
    if method not in METHODS:
        raise CannotLoad(f"Models are combined by {method[:50]!r}, which is not supported.")
    classifies = required(element, "functionName") == "classification"
    combine = (VOTES if classifies else METHODS)[method]

    def evaluate(scope: Scope) -> Verdict:
        said = [(model(scope), weight) for holds, model, _, weight in segments if holds(scope)]
        known = [(verdict, weight) for verdict, weight in said if verdict.value is not None]
        return combine(known) if known else Verdict()

    return evaluate


Segment = tuple[Predicate, Evaluator, Callable[[Verdict, Scope], None], float]


def segment(element: Element, build: Build) -> Segment:
    """Return when a segment counts, its model, what hands on its outputs, and its weight."""
    model, hand_on = build(element)
    return predicate_of(element), model, hand_on, number(element, "weight", 1.0)


def in_turn(segments: Sequence[Segment], *, only_first: bool) -> Evaluator:
    """Return what asks one model after the other, each knowing what those before it have said; the last one counts."""

    def evaluate(scope: Scope) -> Verdict:
        verdict = Verdict()
        for holds, model, hand_on, _ in segments:
            if holds(scope):
                verdict = model(scope)
                hand_on(verdict, scope)
                if only_first:
                    break
        return verdict

    return evaluate


def numbers(said: Said) -> list[float]:
    """Return the numbers that were said."""
    return [verdict.value for verdict, _ in said]


def weighted(said: Said) -> float:
    """Return the weighted mean."""
    total: float = sum(verdict.value * weight for verdict, weight in said)
    return total / sum(weight for _, weight in said)


def mean_probability(said: Said, *, weigh: bool) -> Verdict:
    """Return the class that is most likely on average."""
    return best_of(averaged((verdict.probabilities, weight if weigh else 1.0) for verdict, weight in said))


def vote(said: Said, *, weigh: bool) -> Verdict:
    """Return the class that most say."""
    votes: dict[str, float] = {}
    for verdict, weight in said:
        for one in verdict.probabilities:
            votes.setdefault(one, 0.0)
        name = text_of(verdict.value)
        votes[name] = votes.get(name, 0.0) + (weight if weigh else 1.0)
    return best_of(shares(votes))


METHODS: Final[Mapping[str, Callable[[Said], Verdict]]] = {
    "average": lambda said: Verdict(value=statistics.fmean(numbers(said))),
    "weightedAverage": lambda said: Verdict(value=weighted(said)),
    "median": lambda said: Verdict(value=statistics.median(numbers(said))),
    "sum": lambda said: Verdict(value=sum(numbers(said))),
    "weightedSum": lambda said: Verdict(value=sum(verdict.value * weight for verdict, weight in said)),
    "max": lambda said: Verdict(value=max(numbers(said))),
    "majorityVote": lambda said: vote(said, weigh=False),
    "weightedMajorityVote": lambda said: vote(said, weigh=True),
}
VOTES: Final[Mapping[str, Callable[[Said], Verdict]]] = {
    **METHODS,
    "average": lambda said: mean_probability(said, weigh=False),
    "weightedAverage": lambda said: mean_probability(said, weigh=True),
}
