"""PMML's built-in functions that are supported; an argument that is missing makes the result missing."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

MOST_CHARACTERS: Final = 1_000_000


def mean(*values: float) -> float:
    """Return the mean."""
    return sum(values) / len(values)


def text(value: Any) -> str:
    """Return a text, not too long."""
    return str(value)[:MOST_CHARACTERS]


def substring(value: Any, start: float, length: float) -> str:
    """Return a part of a text; its characters are counted from 1."""
    return text(value)[int(start) - 1 : int(start) - 1 + int(length)]


def power(base: float, exponent: float) -> float:
    """Return a power of real numbers."""
    return math.pow(base, exponent)


def is_in(value: Any, *others: Any) -> bool:
    """Tell whether a value is among others."""
    return value in others


FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "min": min,
    "max": max,
    "sum": lambda *values: sum(values),
    "avg": mean,
    "product": lambda *values: math.prod(values),
    "log10": math.log10,
    "ln": math.log,
    "ln1p": math.log1p,
    "exp": math.exp,
    "expm1": math.expm1,
    "sqrt": math.sqrt,
    "abs": abs,
    "pow": power,
    "threshold": lambda value, bound: int(value > bound),
    "floor": math.floor,
    "ceil": math.ceil,
    "round": lambda value: math.floor(value + 0.5),
    "rint": round,
    "modulo": operator.mod,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "asin": math.asin,
    "acos": math.acos,
    "atan": math.atan,
    "atan2": math.atan2,
    "sinh": math.sinh,
    "cosh": math.cosh,
    "tanh": math.tanh,
    "equal": operator.eq,
    "notEqual": operator.ne,
    "lessThan": operator.lt,
    "lessOrEqual": operator.le,
    "greaterThan": operator.gt,
    "greaterOrEqual": operator.ge,
    "isMissing": lambda value: value is None,
    "isNotMissing": lambda value: value is not None,
    "isIn": is_in,
    "isNotIn": lambda value, *others: value not in others,
    "and": lambda *values: False if False in values else (None if None in values else True),
    "or": lambda *values: True if True in values else (None if None in values else False),
    "not": operator.not_,
    "uppercase": lambda value: text(value).upper(),
    "lowercase": lambda value: text(value).lower(),
    "trimBlanks": lambda value: text(value).strip(),
    "stringLength": lambda value: len(text(value)),
    "concat": lambda *values: text("".join(map(text, values))),
    "substring": substring,
}
