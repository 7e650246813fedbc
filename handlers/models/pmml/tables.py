"""Expressions that look a value up: in lines, bins, or tables. Source: PMML 4.4, Transformations."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from typing import Any, Final

from handlers.models.pmml.arrays import rows_in
from handlers.models.pmml.elements import Element
from handlers.models.pmml.errors import wrong
from handlers.models.pmml.kinds import CASTS, literal
from handlers.models.pmml.mining import interval
from handlers.models.pmml.scope import Expression, Row, Scope

OUTLIERS: Final = ("asIs", "asMissingValues", "asExtremeValues")


def norm_continuous(element: Element, scope: Scope) -> Expression:
    """Return a function that is made of lines."""
    element.only("LinearNorm")
    slot = scope.of(element).slot
    points = [(one.number("orig"), one.number("norm")) for one in element.children]
    places = [place for place, _ in points]
    if len(points) < 2 or any(left >= right for left, right in itertools.pairwise(places)):
        raise wrong(element, "There must be two LinearNorm or more, each with a larger orig.")
    missing = element.maybe_number("mapMissingTo")
    outliers = element.choice("outliers", OUTLIERS, "asIs")

    def evaluate(row: Row) -> float | None:
        value = row[slot]
        if value is None:
            return missing
        if outliers != "asIs" and not places[0] <= value <= places[-1]:
            if outliers == "asMissingValues":
                return missing
            return points[0][1] if value < places[0] else points[-1][1]
        at = min(max(bisect_right(places, value), 1), len(places) - 1)
        (left, low), (right, high) = points[at - 1], points[at]
        return float(low + (value - left) / (right - left) * (high - low))

    return evaluate


def norm_discrete(element: Element, scope: Scope) -> Expression:
    """Return 1 where a field has a certain value, else 0."""
    field = scope.of(element)
    slot = field.slot
    element.choice("method", ("indicator",), "indicator")
    value = literal(element, element.text_of("value"), field.kind)
    missing = element.maybe_number("mapMissingTo")
    return lambda row: missing if row[slot] is None else (1.0 if row[slot] == value else 0.0)


def discretize(element: Element, scope: Scope) -> Expression:
    """Return the bin into which a number falls."""
    element.only("DiscretizeBin")
    slot = scope.of(element).slot
    kind = element.choice("dataType", tuple(CASTS), "string")
    bins = [(interval(one.need("Interval")), literal(one, one.text_of("binValue"), kind)) for one in element.children]
    missing, default = maybe(element, "mapMissingTo", kind), maybe(element, "defaultValue", kind)

    def evaluate(row: Row) -> Any:
        value = row[slot]
        if value is None:
            return missing
        return next((found for test, found in bins if test(value)), default)

    return evaluate


def map_values(element: Element, scope: Scope) -> Expression:
    """Return what a table holds in one column where others have the values of fields."""
    element.only("FieldColumnPair", "InlineTable")
    kind = element.choice("dataType", tuple(CASTS), "string")
    pairs = [(scope.of(one), one.text_of("column")) for one in element.all("FieldColumnPair")]
    output = element.text_of("outputColumn")
    table: dict[tuple[Any, ...], Any] = {}
    inline = element.need("InlineTable")
    for cells in rows_in(inline):
        if output not in cells or any(column not in cells for _, column in pairs):
            raise wrong(inline, "A row lacks one of the columns.")
        key = tuple(literal(inline, cells[column], field.kind) for field, column in pairs)
        table.setdefault(key, literal(inline, cells[output], kind))
    slots = [field.slot for field, _ in pairs]
    missing, default = maybe(element, "mapMissingTo", kind), maybe(element, "defaultValue", kind)

    def evaluate(row: Row) -> Any:
        key = tuple(row[slot] for slot in slots)
        return missing if None in key else table.get(key, default)

    return evaluate


def maybe(element: Element, attribute: str, kind: str) -> Any:
    """Return the value that an attribute holds; None: it is not there."""
    return literal(element, element.get(attribute), kind) if attribute in element.attributes else None
