"""MiningModel: several models, and what is made of what they say.

Source: PMML 4.4, MiningModel, "Segmentation".
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from handlers.models.pmml.elements import Element
from handlers.models.pmml.errors import wrong
from handlers.models.pmml.forest import Forest, suits
from handlers.models.pmml.outcome import NOTHING, Body, Evaluate, EvaluateAll, Goal, Outcome, likeliest
from handlers.models.pmml.predicates import PREDICATES, Predicate, always
from handlers.models.pmml.scope import Row
from handlers.models.pmml.tree import Tree

VOTES: Final = ("majorityVote", "weightedMajorityVote")
MEANS: Final = ("average", "weightedAverage")
CHOSEN: Final = ("selectFirst", "selectAll", "modelChain")
TREATMENTS: Final = ("continue", "skipSegment", "returnMissing")

Said = Sequence[tuple["Segment", Outcome]]


@dataclass(frozen=True, eq=False)
class Segment:
    """A model in a model, and when it is asked."""

    name: str
    weight: float
    test: Predicate
    body: Body
    tree: Tree | None = None  #: where it is nothing but a tree


def segment_model(element: Element) -> Element:
    """Return the model in a Segment.

    Raises:
        Unreadable: There is not exactly one.
    """
    found = [child for child in element.children if child.tag not in PREDICATES]
    if len(found) != 1:
        raise wrong(element, "There must be one model in it.")
    return found[0]


def weighted_mean(numbers: Sequence[float], weights: Sequence[float]) -> float | None:
    """Return the mean of numbers with weights; None where these add up to nothing."""
    whole = sum(weights)
    return sum(number * weight for number, weight in zip(numbers, weights, strict=True)) / whole if whole else None


def weighted_median(numbers: Sequence[float], weights: Sequence[float]) -> float | None:
    """Return the least number that, with those below it, has half of the weight or more; None: there is no weight."""
    half, below = sum(weights) / 2.0, 0.0
    for number, weight in sorted(zip(numbers, weights, strict=True)):
        below += weight
        if below >= half > 0.0:
            return number
    return None


#: What is made of numbers and their weights.
NUMBERS: Final[Mapping[str, Callable[[Sequence[float], Sequence[float]], float | None]]] = {
    "average": lambda numbers, _weights: statistics.fmean(numbers),
    "weightedAverage": weighted_mean,
    "median": lambda numbers, _weights: statistics.median(numbers),
    "weightedMedian": weighted_median,
    "max": lambda numbers, _weights: max(numbers),
    "sum": lambda numbers, _weights: sum(numbers),
    "weightedSum": lambda numbers, weights: sum(a * b for a, b in zip(numbers, weights, strict=True)),
}


def evaluator(segmentation: Element, segments: Sequence[Segment], goal: Goal, *, keep: bool) -> Body:
    """Return what asks segments and puts together what they say; *keep* it by segment, too.

    Raises:
        Unreadable: The method is none that is evaluated for this kind of prediction.
    """
    method = segmentation.choice("multipleModelMethod", (*CHOSEN, *VOTES, *NUMBERS))
    combine = CHOICES.get(method) or combination(segmentation, method, goal)

    def finish(said: Said) -> Outcome:
        found = combine(said) if said else NOTHING
        return replace(found, segments={one.name: outcome for one, outcome in said}) if keep else found

    def evaluate(row: Row) -> Outcome:
        return finish([(one, one.body.one(row)) for one in segments if one.test(row)])

    def evaluate_first(row: Row) -> Outcome:
        one = next((one for one in segments if one.test(row)), None)
        return NOTHING if one is None else replace(finish([(one, one.body.one(row))]), entity=one.name)

    if method == "selectFirst":
        return Body(evaluate_first)
    trees = [one.tree for one in segments if one.test is always and suits(one.tree)]
    if method in (*VOTES, *NUMBERS) and len(trees) == len(segments) and not keep:
        return Body(evaluate, through_forest(segments, evaluate, finish, method, goal))
    return Body(evaluate, lambda rows: [finish(said) for said in asked(segments, rows)])


def asked(segments: Sequence[Segment], rows: Sequence[Row]) -> list[list[tuple[Segment, Outcome]]]:
    """Return what segments say, each asked for all rows at once, in their order, since some may build on others."""
    said: list[list[tuple[Segment, Outcome]]] = [[] for _ in rows]
    for one in segments:
        chosen = [place for place, row in enumerate(rows) if one.test(row)]
        for place, outcome in zip(chosen, one.body.all([rows[place] for place in chosen]), strict=True):
            said[place].append((one, outcome))
    return said


def through_forest(
    segments: Sequence[Segment], alone: Evaluate, finish: Callable[[Said], Outcome], method: str, goal: Goal
) -> EvaluateAll:
    """Return what asks segments that are all trees, each for all rows at once."""
    forest = Forest([one.tree for one in segments if one.tree is not None])
    own = [one.weight for one in segments]
    weights = own if method.startswith("weighted") else [1.0] * len(segments)

    def ends(at: Any) -> list[Outcome]:
        if not goal.classifies:
            reckon, values = NUMBERS[method], forest.values
            return [Outcome(reckon([values[place] for place in places], own)) for places in at.tolist()]
        if method in MEANS and forest.classes and sum(weights):
            return forest.mean_shares(at, weights)
        return [finish(list(zip(segments, said, strict=True))) for said in forest.outcomes[at].tolist()]

    def evaluate(rows: Sequence[Row]) -> list[Outcome]:
        at, plain = forest.walk(rows)
        return [found if fits else alone(row) for row, fits, found in zip(rows, plain, ends(at), strict=True)]

    return evaluate


def combination(segmentation: Element, method: str, goal: Goal) -> Callable[[Said], Outcome]:
    """Return what makes one outcome of many, once it was looked at those that are missing."""
    treatment = segmentation.choice("missingPredictionTreatment", TREATMENTS, "continue")
    limit = segmentation.number("missingThreshold", 1.0)
    if goal.classifies and method not in (*VOTES, *MEANS, "max"):
        raise wrong(segmentation, f"multipleModelMethod={method!r} is not evaluated for classification.")
    if not goal.classifies and method in VOTES:
        raise wrong(segmentation, f"multipleModelMethod={method!r} is for classification alone.")
    weighted = method.startswith("weighted")
    if method in VOTES:
        reckon = voting(weighted)
    elif goal.classifies:
        reckon = surest if method == "max" else mean_chances(weighted)
    else:
        reckon = number_of(method)

    def combine(said: Said) -> Outcome:
        known = [one for one in said if one[1].value is not None]
        if len(known) == len(said):
            return reckon(said)
        if treatment == "returnMissing" or (treatment == "continue" and method not in VOTES):
            return NOTHING
        if weight_of(known, weighted) < (1.0 - limit) * weight_of(said, weighted):
            return NOTHING
        return reckon(known if treatment == "skipSegment" else said) if known else NOTHING

    return combine


def weight_of(said: Said, weighted: bool) -> float:
    """Return how much segments weigh together."""
    return sum(one.weight for one, _ in said) if weighted else float(len(said))


def voting(weighted: bool) -> Callable[[Said], Outcome]:
    """Return what counts the votes for each class; the share of the votes is the probability of a class."""

    def reckon(said: Said) -> Outcome:
        votes: dict[Any, float] = {}
        for one, outcome in said:
            votes[outcome.value] = votes.get(outcome.value, 0.0) + (one.weight if weighted else 1.0)
        return of_votes(votes)

    return reckon


def of_votes(votes: Mapping[Any, float]) -> Outcome:
    """Return what was voted for, unless most votes say nothing."""
    whole = sum(votes.values())
    best = likeliest(votes)
    if best is None or not whole:
        return NOTHING
    shares = {value: count / whole for value, count in votes.items() if value is not None}
    return Outcome(best, shares, shares)


def mean_chances(weighted: bool) -> Callable[[Said], Outcome]:
    """Return what takes the mean of the probabilities of each class."""

    def reckon(said: Said) -> Outcome:
        total: dict[Any, float] = {}
        whole = 0.0
        for one, outcome in said:
            weight = one.weight if weighted else 1.0
            whole += weight
            for value, chance in outcome.probabilities.items():
                total[value] = total.get(value, 0.0) + (chance * weight if weighted else chance)
        if not whole or not total:
            return NOTHING
        chances = {value: chance / whole for value, chance in total.items()}
        return Outcome(likeliest(chances), chances, chances)

    return reckon


def surest(said: Said) -> Outcome:
    """Return what the segment says that gives its class the largest probability; of several, the mean."""
    largest = [max(outcome.probabilities.values(), default=0.0) for _, outcome in said]
    most = max(largest)
    return mean_chances(weighted=False)([one for one, chance in zip(said, largest, strict=True) if chance == most])


def number_of(method: str) -> Callable[[Said], Outcome]:
    """Return what makes one number of many."""
    reckon = NUMBERS[method]

    def combine(said: Said) -> Outcome:
        return Outcome(reckon([outcome.value for _, outcome in said], [one.weight for one, _ in said]))

    return combine


def last(said: Said) -> Outcome:
    """Return what the last model of a chain says."""
    return said[-1][1]


def together(said: Said) -> Outcome:
    """Return all that was said, in a list."""
    return Outcome([outcome.value for _, outcome in said])


CHOICES: Final[Mapping[str, Callable[[Said], Outcome]]] = {
    "selectFirst": last,
    "selectAll": together,
    "modelChain": last,
}
