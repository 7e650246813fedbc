"""ClusteringModel with centers. Source: PMML 4.4, ClusteringModel."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from handlers.models.pmml.arrays import words_in
from handlers.models.pmml.elements import Element
from handlers.models.pmml.errors import wrong
from handlers.models.pmml.kinds import literal
from handlers.models.pmml.outcome import NOTHING, Evaluate, Goal, Outcome
from handlers.models.pmml.scope import Row, Scope

DISTANCES: Final = ("euclidean", "squaredEuclidean", "chebychev", "cityBlock", "minkowski")
SIMILARITIES: Final = ("simpleMatching", "jaccard", "tanimoto", "binarySimilarity")
#: Of how often both values are set, the first, the second, and neither, the weights above and below the line.
SHARES: Final[Mapping[str, tuple[Sequence[float], Sequence[float]]]] = {
    "simpleMatching": ((1, 0, 0, 1), (1, 1, 1, 1)),
    "jaccard": ((1, 0, 0, 0), (1, 1, 1, 0)),
    "tanimoto": ((1, 0, 0, 1), (1, 2, 2, 1)),
}
BINARY: Final = (("c11", "c10", "c01", "c00"), ("d11", "d10", "d01", "d00"))
COMPARE: Final = ("absDiff", "gaussSim", "delta", "equal")

#: From parts, that is the difference in each field and its weight, and what stands for missing ones, to a distance.
Measure = Callable[[Sequence[tuple[float, float]], float], float]


@dataclass(frozen=True)
class Axis:
    """A ClusteringField."""

    slot: int
    kind: str
    weight: float
    missing: float  #: how much it counts where it is not missing
    compare: Callable[[Any, Any], float]


def compile_clustering(element: Element, scope: Scope, _goal: Goal) -> Evaluate:
    """Return what finds the nearest cluster.

    Raises:
        Unreadable: It has a part that is not evaluated.
    """
    element.choice("modelClass", ("centerBased",))
    comparison = element.need("ComparisonMeasure")
    if comparison.choice("kind", ("distance", "similarity")) == "similarity":
        measure, sign = similarity(comparison), -1.0
    else:
        measure, sign = distance(comparison), 1.0
    axes = axes_of(element, scope, comparison)
    clusters = {one.get("id", str(place)): center(one, axes) for place, one in enumerate(element.all("Cluster"), 1)}
    whole = sum(axis.missing for axis in axes)

    def evaluate(row: Row) -> Outcome:
        known = [(place, axis) for place, axis in enumerate(axes) if row[axis.slot] is not None]
        present = sum(axis.missing for _, axis in known)
        if not present or not clusters:
            return NOTHING
        found = {
            name: measure(
                [(axis.compare(row[axis.slot], values[place]), axis.weight) for place, axis in known], whole / present
            )
            for name, values in clusters.items()
        }
        ranked = sorted(found, key=lambda name: sign * found[name])
        return Outcome(ranked[0], entity=ranked[0], entities=ranked, affinities=found)

    return evaluate


def axes_of(element: Element, scope: Scope, comparison: Element) -> list[Axis]:
    """Return the fields that count."""
    fields = list(element.all("ClusteringField"))
    weights = element.first("MissingValueWeights")
    missing = [float(word) for word in words_in(weights.need("Array"))] if weights is not None else [1.0] * len(fields)
    if len(missing) != len(fields):
        raise wrong(element, "There is not a weight for each field.")
    default = comparison.get("compareFunction", "absDiff")
    found = []
    for one, weight in zip(fields, missing, strict=True):
        if not one.flag("isCenterField", True):
            raise wrong(one, "isCenterField='false' is not evaluated.")
        one.only()
        field = scope.of(one)
        name = one.choice("compareFunction", COMPARE, default)
        compare = comparing(one, name) if comparison.get("kind") == "distance" else both_of
        found.append(Axis(field.slot, field.kind, one.number("fieldWeight", 1.0), weight, compare))
    return found


def comparing(element: Element, name: str) -> Callable[[Any, Any], float]:
    """Return what tells how far two values of a field are from each other."""
    if name == "gaussSim":
        scale = element.number("similarityScale")
        if scale == 0.0:
            raise wrong(element, "similarityScale is 0.")
        return lambda left, right: math.exp(-math.log(2.0) * (left - right) ** 2 / scale**2)
    if name == "delta":
        return lambda left, right: float(left != right)
    if name == "equal":
        return lambda left, right: float(left == right)
    return lambda left, right: abs(left - right)


def center(element: Element, axes: Sequence[Axis]) -> list[Any]:
    """Return the values in the middle of a cluster."""
    element.only("Array", "KohonenMap", "Covariances")
    array = element.need("Array")
    words = words_in(array)
    if len(words) != len(axes):
        raise wrong(array, "There is not a value for each field.")
    return [literal(array, word, axis.kind) for word, axis in zip(words, axes, strict=True)]


def distance(element: Element) -> Measure:
    """Return a measure that is smaller for what is nearer."""
    one = element.need(*DISTANCES)
    if one.tag == "chebychev":
        return lambda parts, more: more * max(weight * part for part, weight in parts)
    if one.tag == "cityBlock":
        return lambda parts, more: more * sum(weight * part for part, weight in parts)
    if one.tag == "squaredEuclidean":
        return lambda parts, more: more * sum(weight * part * part for part, weight in parts)
    power = 2.0 if one.tag == "euclidean" else one.number("p-parameter")
    if power <= 0.0:
        raise wrong(one, "p-parameter is not above 0.")
    return lambda parts, more: math.pow(more * sum(weight * part**power for part, weight in parts), 1.0 / power)


def similarity(element: Element) -> Measure:
    """Return a measure of values that are 0 or 1, which is larger for what is nearer."""
    one = element.need(*SIMILARITIES)
    own = one.tag == "binarySimilarity"
    keep, drop = [[one.number(f"{name}-parameter") for name in names] for names in BINARY] if own else SHARES[one.tag]

    def measure(parts: Sequence[tuple[float, float]], _more: float) -> float:
        counts = [sum(part == kind for part, _ in parts) for kind in range(4)]
        whole = sum(weight * count for weight, count in zip(drop, counts, strict=True))
        return sum(weight * count for weight, count in zip(keep, counts, strict=True)) / whole if whole else 0.0

    return measure


def both_of(left: Any, right: Any) -> float:
    """Return which of two values are set: 0 both, 1 only the first, 2 only the second, 3 neither."""
    return float((not left) * 2 + (not right))
