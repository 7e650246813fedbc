"""Expressions from which fields are derived."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from xml.etree.ElementTree import Element

from handlers.models.formats.base import CannotLoad
from handlers.models.formats.pmml.functions import FUNCTIONS
from handlers.models.formats.pmml.scope import Expression, Scope, cast, same, typed
from handlers.models.formats.pmml.xml import number, required

NAMES: Final = (
    *("Constant", "FieldRef", "NormContinuous", "NormDiscrete", "Discretize", "MapValues", "Apply"),
    *("Aggregate", "TextIndex", "Lag"),
)


def derived_fields(element: Element | None) -> dict[str, Expression]:
    """Return the derived fields of a dictionary, by name."""
    if element is None:
        return {}
    if element.find("DefineFunction") is not None:
        raise CannotLoad("The model defines functions of its own, which are not supported.")
    return {required(one, "name"): field(one) for one in element.iter("DerivedField")}


def field(element: Element) -> Expression:
    """Return what gives a derived field its value."""
    work, kind = expression_of(element), element.get("dataType")
    return lambda scope: cast(work(scope), kind)


def expression_of(element: Element) -> Expression:
    """Return the expression among the children of an element.

    Raises:
        CannotLoad: There is none that is known.
    """
    found = next((inner for inner in element if inner.tag in NAMES), None)
    if found is None:
        raise CannotLoad(f"<{element.tag}> has no expression.")
    return expression(found)


def expression(element: Element) -> Expression:
    """Return what an element works out.

    Raises:
        CannotLoad: It is of a kind that is not supported.
    """
    build = BUILDERS.get(element.tag)
    if build is None:
        raise CannotLoad(f"Expressions of the kind <{element.tag}> are not supported.")
    found: Expression = build(element)
    return found


def constant(element: Element) -> Expression:
    """Return a value of the document."""
    text = element.text or ""
    value = typed(text, element.get("dataType")) if element.get("dataType") else guessed(text)
    return lambda _: value


def guessed(text: str) -> Any:
    """Return a text as a number if it is one."""
    try:
        found = float(text)
    except ValueError:
        return text
    return int(found) if found.is_integer() and "." not in text else found


def reference(element: Element) -> Expression:
    """Return the value of a field."""
    name, missing = required(element, "field"), element.get("mapMissingTo")
    if missing is None:
        return lambda scope: scope.get(name)
    replacement = guessed(missing)
    return lambda scope: replacement if scope.get(name) is None else scope.get(name)


def norm_continuous(element: Element) -> Expression:
    """Return a value on the line through given points."""
    name = required(element, "field")
    missing = element.get("mapMissingTo")
    points = sorted((number(one, "orig"), number(one, "norm")) for one in element.iter("LinearNorm"))
    if len(points) < 2:
        raise CannotLoad("<NormContinuous> needs two points.")
    outliers = element.get("outliers", "asIs")

    def work(scope: Scope) -> Any:
        found = scope.get(name)
        if found is None:
            return float(missing) if missing is not None else None
        if not points[0][0] <= found <= points[-1][0]:
            if outliers == "asMissingValues":
                return float(missing) if missing is not None else None
            if outliers == "asExtremeValues":
                return points[0][1] if found < points[0][0] else points[-1][1]
        at = next((at for at in range(1, len(points) - 1) if found <= points[at][0]), len(points) - 1)
        (x0, y0), (x1, y1) = points[at - 1], points[at]
        return y0 + (found - x0) / (x1 - x0) * (y1 - y0) if x1 != x0 else y0

    return work


def norm_discrete(element: Element) -> Expression:
    """Return 1 where a field has a value, and 0 where it has another."""
    name, text, missing = required(element, "field"), required(element, "value"), element.get("mapMissingTo")

    def work(scope: Scope) -> Any:
        found = scope.get(name)
        if found is None:
            return float(missing) if missing is not None else None
        return 1.0 if same(found, text) else 0.0

    return work


def discretize(element: Element) -> Expression:
    """Return the value of the interval that a field lies in."""
    name = required(element, "field")
    kind = element.get("dataType")
    missing, default = typed(element.get("mapMissingTo"), kind), typed(element.get("defaultValue"), kind)
    bins = []
    for one in element.iter("DiscretizeBin"):
        interval = next(one.iter("Interval"))
        low, high = number(interval, "leftMargin", -1e308), number(interval, "rightMargin", 1e308)
        bins.append((required(interval, "closure"), low, high, typed(required(one, "binValue"), kind)))

    def work(scope: Scope) -> Any:
        found = scope.get(name)
        if found is None:
            return missing
        return next((value for closure, low, high, value in bins if inside(found, closure, low, high)), default)

    return work


def inside(value: float, closure: str, low: float, high: float) -> bool:
    """Tell whether a number is in an interval."""
    left = value >= low if closure.startswith("closed") else value > low
    return left and (value <= high if closure.endswith("Closed") else value < high)


def map_values(element: Element) -> Expression:
    """Return what a table has for the values of fields."""
    output, kind = required(element, "outputColumn"), element.get("dataType")
    missing, default = typed(element.get("mapMissingTo"), kind), typed(element.get("defaultValue"), kind)
    pairs = [(required(one, "column"), required(one, "field")) for one in element.iter("FieldColumnPair")]
    table = [{cell.tag: cell.text or "" for cell in row} for row in element.iter("row")]
    if not table:
        raise CannotLoad("<MapValues> is supported with an <InlineTable> only.")

    def work(scope: Scope) -> Any:
        given = [(column, scope.get(name)) for column, name in pairs]
        if any(value is None for _, value in given):
            return missing
        rows = (row for row in table if all(same(value, row.get(column, "")) for column, value in given))
        row = next(rows, None)
        return default if row is None else typed(row.get(output), kind)

    return work


def apply(element: Element) -> Expression:
    """Return what a function makes of expressions."""
    name = required(element, "function")
    function = FUNCTIONS.get(name)
    arguments = [expression(inner) for inner in element if inner.tag in NAMES]
    missing, default = element.get("mapMissingTo"), element.get("defaultValue")
    if name == "if":
        return condition(arguments)
    if function is None:
        raise CannotLoad(f"The function {name[:50]!r} is not supported.")
    takes_missing = name in ("isMissing", "isNotMissing", "and", "or")

    def work(scope: Scope) -> Any:
        values = [argument(scope) for argument in arguments]
        if None in values and not takes_missing:
            return guessed(missing) if missing is not None else None
        try:
            found = function(*values)
        except (ArithmeticError, ValueError, TypeError):
            found = None
        return guessed(default) if found is None and default is not None else found

    return work


def condition(arguments: list[Expression]) -> Expression:
    """Return the second or the third expression, as the first is true or false."""
    if len(arguments) not in (2, 3):
        raise CannotLoad("The function 'if' takes two or three arguments.")

    def work(scope: Scope) -> Any:
        holds = arguments[0](scope)
        if holds is None:
            return None
        if holds:
            return arguments[1](scope)
        return arguments[2](scope) if len(arguments) == 3 else None

    return work


BUILDERS: Final[Mapping[str, Any]] = {
    "Constant": constant,
    "FieldRef": reference,
    "NormContinuous": norm_continuous,
    "NormDiscrete": norm_discrete,
    "Discretize": discretize,
    "MapValues": map_values,
    "Apply": apply,
}
