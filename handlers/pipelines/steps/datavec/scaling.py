"""Actions that scale numbers, with constants that were learned from other data."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from handlers.pipelines.checks import Node
from handlers.pipelines.steps.datavec.actions import Compile, Do, each, there
from handlers.pipelines.steps.datavec.numbers import logarithm
from handlers.pipelines.steps.datavec.schema import NUMBERS, Schema


def normalizer(make: Callable[[Node], Callable[[float], float]], *, nan: float | None = 0.0) -> Compile:
    """Return an action that scales a column; NaN becomes *nan*, where DataVec has that so."""

    def compile_it(node: Node, schema: Schema) -> tuple[Schema, Do]:
        place = schema.place(node, "columnName")
        schema.of_kind(place, NUMBERS, node)
        compute = make(node)

        def scaled(value: Any) -> float:
            number = float(there(value))
            return nan if nan is not None and math.isnan(number) else compute(number)

        return schema.changed(place, kind="Double"), each(place, scaled)

    return compile_it


def min_max(node: Node) -> Callable[[float], float]:
    """Scale from one range to another."""
    least, most = node.number("min"), node.number("max")
    low, high = node.number("newMin", 0.0), node.number("newMax", 1.0)
    if least == most:
        node.stop("'min' and 'max' are the same.")
    ratio = (high - low) / (most - least)
    return lambda value: ratio * (value - least) + low


def standardize(node: Node) -> Callable[[float], float]:
    """Subtract the mean and divide by the standard deviation."""
    mean, deviation = node.number("mean"), node.number("stdev")
    if deviation == 0:
        node.stop("The standard deviation is 0.", "stdev")
    return lambda value: (value - mean) / deviation


def subtract_mean(node: Node) -> Callable[[float], float]:
    """Subtract the mean."""
    mean = node.number("mean")
    return lambda value: value - mean


def log2(node: Node) -> Callable[[float], float]:
    """Scale to the logarithm of how much a value is above the least, compared with the mean."""
    mean, least, scale = node.number("columnMean"), node.number("columnMin"), node.number("scalingFactor")
    if mean == least:
        node.stop("'columnMean' and 'columnMin' are the same.")
    logarithm_of = logarithm(math.log2)
    return lambda value: scale * logarithm_of((value - least) / (mean - least) + 1)


ACTIONS: Final[Mapping[str, Compile]] = {
    "MinMaxNormalizer": normalizer(min_max),
    "StandardizeNormalizer": normalizer(standardize),
    "SubtractMeanNormalizer": normalizer(subtract_mean, nan=None),
    "Log2Normalizer": normalizer(log2),
}
