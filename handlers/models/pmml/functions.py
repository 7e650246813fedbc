"""The built-in functions of Apply. Source: PMML 4.4, Functions.

A function whose name is in `LENIENT` is called with what is missing, too; of the others the result is missing then.
"""

from __future__ import annotations

import math
import operator
import re
import statistics
from collections.abc import Callable, Mapping
from typing import Any, Final

from handlers.models.pmml.kinds import as_text, number_of
from handlers.models.pmml.links import normal

Function = Callable[..., Any]

LARGEST: Final = 1 << 63  #: of whole numbers; larger ones become floats
TEXT_CHARACTERS: Final = 1 << 16
PRINTF: Final = re.compile(r"[^%]*%[-+ 0#]?\d{0,2}(?:\.\d{1,2})?([dieEfFgG])[^%]*")


def alike(left: Any, right: Any) -> tuple[Any, Any]:
    """Return two values so that they can be compared: as texts if one is a text."""
    if isinstance(left, str) != isinstance(right, str):
        return as_text(left), as_text(right)
    return left, right


def compare(test: Callable[[Any, Any], bool]) -> Function:
    """Return a comparison."""
    return lambda left, right: test(*alike(left, right))


def arithmetic(reckon: Callable[[Any, Any], Any]) -> Function:
    """Return a function of two numbers; texts would be joined or repeated, and whole numbers grow without end."""

    def evaluate(left: Any, right: Any) -> Any:
        if isinstance(left, str) or isinstance(right, str):
            raise TypeError("a text is no number")
        found = reckon(left, right)
        return float(found) if type(found) is int and abs(found) > LARGEST else found

    return evaluate


def joined(*texts: Any) -> str:
    """Return texts one behind the other.

    Raises:
        ValueError: They are too long.
    """
    found = "".join(as_text(text) for text in texts)
    if len(found) > TEXT_CHARACTERS:
        raise ValueError("the text is too long")
    return found


def aggregate(reckon: Callable[[list[Any]], Any]) -> Function:
    """Return a function of all values that are not missing."""

    def evaluate(*values: Any) -> Any:
        known = [value for value in values if value is not None]
        return reckon(known) if known else None

    return evaluate


def conjunction(*values: Any) -> bool | None:
    """Return `and` of truth values, some of which may be unknown."""
    return False if False in values else (None if None in values else True)


def disjunction(*values: Any) -> bool | None:
    """Return `or` of truth values, some of which may be unknown."""
    return True if True in values else (None if None in values else False)


def divided(left: Any, right: Any) -> Any:
    """Return a quotient; nothing where one divides by 0."""
    return left / right if right else None


def modulo(left: Any, right: Any) -> Any:
    """Return the rest of a division, with the sign of the divisor."""
    return left - right * math.floor(left / right) if right else None


def whole(value: float) -> int:
    """Return the nearest whole number, of two the larger."""
    return math.floor(value + 0.5)


def substring(text: Any, start: Any, length: Any) -> str:
    """Return so many characters from a place, counted from 1."""
    begin = max(int(start), 1) - 1
    return as_text(text)[begin : begin + max(int(length), 0)]


def formatted(value: Any, pattern: Any) -> str:
    """Return a number in a format of printf that writes one number.

    Raises:
        ValueError: It is no such format.
    """
    text = as_text(pattern)
    found = PRINTF.fullmatch(text)
    if found is None:
        raise ValueError(f"{text[:100]!r} formats no number.")
    return text % (int(value) if found[1] in "di" else number_of(value))


LENIENT: Final[Mapping[str, tuple[Function, int, int]]] = {
    "isMissing": (lambda value: value is None, 1, 1),
    "isNotMissing": (lambda value: value is not None, 1, 1),
    "isValid": (lambda value: value is not None, 1, 1),
    "isNotValid": (lambda value: value is None, 1, 1),
    "and": (conjunction, 2, 99),
    "or": (disjunction, 2, 99),
    "min": (aggregate(min), 1, 99999),
    "max": (aggregate(max), 1, 99999),
    "sum": (aggregate(sum), 1, 99999),
    "avg": (aggregate(statistics.fmean), 1, 99999),
    "median": (aggregate(statistics.median), 1, 99999),
    "product": (aggregate(math.prod), 1, 99999),
}
#: With how many arguments each may be called.
STRICT: Final[Mapping[str, tuple[Function, int, int]]] = {
    "+": (arithmetic(operator.add), 2, 2),
    "-": (arithmetic(operator.sub), 2, 2),
    "*": (arithmetic(operator.mul), 2, 2),
    "/": (divided, 2, 2),
    "modulo": (modulo, 2, 2),
    "x-modulo": (modulo, 2, 2),
    "log10": (math.log10, 1, 1),
    "x-log10": (math.log10, 1, 1),
    "ln": (math.log, 1, 1),
    "ln1p": (math.log1p, 1, 1),
    "x-ln1p": (math.log1p, 1, 1),
    "sqrt": (math.sqrt, 1, 1),
    "abs": (abs, 1, 1),
    "exp": (math.exp, 1, 1),
    "expm1": (math.expm1, 1, 1),
    "x-expm1": (math.expm1, 1, 1),
    "pow": (math.pow, 2, 2),
    "threshold": (lambda value, limit: 1 if value > limit else 0, 2, 2),
    "floor": (math.floor, 1, 1),
    "ceil": (math.ceil, 1, 1),
    "round": (whole, 1, 1),
    "rint": (round, 1, 1),
    "x-rint": (round, 1, 1),
    "sin": (math.sin, 1, 1),
    "cos": (math.cos, 1, 1),
    "tan": (math.tan, 1, 1),
    "asin": (math.asin, 1, 1),
    "acos": (math.acos, 1, 1),
    "atan": (math.atan, 1, 1),
    "atan2": (math.atan2, 2, 2),
    "sinh": (math.sinh, 1, 1),
    "cosh": (math.cosh, 1, 1),
    "tanh": (math.tanh, 1, 1),
    "hypot": (math.hypot, 2, 2),
    "equal": (compare(operator.eq), 2, 2),
    "notEqual": (compare(operator.ne), 2, 2),
    "lessThan": (compare(operator.lt), 2, 2),
    "lessOrEqual": (compare(operator.le), 2, 2),
    "greaterThan": (compare(operator.gt), 2, 2),
    "greaterOrEqual": (compare(operator.ge), 2, 2),
    "not": (operator.not_, 1, 1),
    "isIn": (lambda value, *others: any(operator.eq(*alike(value, other)) for other in others), 2, 99999),
    "isNotIn": (lambda value, *others: not any(operator.eq(*alike(value, other)) for other in others), 2, 99999),
    "uppercase": (lambda text: as_text(text).upper(), 1, 1),
    "lowercase": (lambda text: as_text(text).lower(), 1, 1),
    "stringLength": (lambda text: len(as_text(text)), 1, 1),
    "substring": (substring, 3, 3),
    "trimBlanks": (lambda text: as_text(text).strip(" "), 1, 1),
    "concat": (joined, 2, 99999),
    "formatNumber": (formatted, 2, 2),
    "stdNormalCDF": (normal, 1, 1),
    "normalCDF": (lambda value, mean, deviation: normal((value - mean) / deviation), 3, 3),
    "normalPDF": (lambda value, mean, deviation: statistics.NormalDist(mean, deviation).pdf(value), 3, 3),
    "stdNormalPDF": (statistics.NormalDist().pdf, 1, 1),
    "normalIDF": (lambda chance, mean, deviation: statistics.NormalDist(mean, deviation).inv_cdf(chance), 3, 3),
    "stdNormalIDF": (statistics.NormalDist().inv_cdf, 1, 1),
}
