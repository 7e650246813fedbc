"""Predicates: true, false, or None where a value that they need is missing."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from xml.etree.ElementTree import Element

from handlers.models.formats.base import CannotLoad
from handlers.models.formats.pmml.scope import Scope, same
from handlers.models.formats.pmml.xml import child, required

Predicate = Callable[[Scope], bool | None]

NAMES: Final = ("SimplePredicate", "CompoundPredicate", "SimpleSetPredicate", "True", "False")
ORDERS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "lessThan": operator.lt,
    "lessOrEqual": operator.le,
    "greaterThan": operator.gt,
    "greaterOrEqual": operator.ge,
}
WORD: Final = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')


def predicate_of(element: Element) -> Predicate:
    """Return the predicate among the children of an element.

    Raises:
        CannotLoad: There is none.
    """
    for inner in element:
        if inner.tag in NAMES:
            return predicate(inner)
    raise CannotLoad(f"<{element.tag}> has no predicate.")


def predicate(element: Element) -> Predicate:
    """Return what an element asks for.

    Raises:
        CannotLoad: It is no predicate.
    """
    if element.tag == "True":
        return lambda _: True
    if element.tag == "False":
        return lambda _: False
    if element.tag == "SimplePredicate":
        return simple(required(element, "field"), required(element, "operator"), element.get("value"))
    if element.tag == "SimpleSetPredicate":
        return among(element)
    parts = [predicate(inner) for inner in element if inner.tag in NAMES]
    kind = required(element, "booleanOperator")
    if kind not in COMPOUNDS or not parts:
        raise CannotLoad(f"A compound predicate is {kind[:50]!r}, which is not known.")
    combine = COMPOUNDS[kind]
    return lambda scope: combine(parts, scope)


def simple(field: str, kind: str, value: str | None) -> Predicate:
    """Return a comparison of a field with a value."""
    if kind == "isMissing":
        return lambda scope: scope.get(field) is None
    if kind == "isNotMissing":
        return lambda scope: scope.get(field) is not None
    if value is None:
        raise CannotLoad("A simple predicate has no value.")
    if kind in ("equal", "notEqual"):
        return equality(field, value, wanted=kind == "equal")
    if kind not in ORDERS:
        raise CannotLoad(f"A simple predicate is {kind[:50]!r}, which is not known.")
    return order(field, value, ORDERS[kind])


def equality(field: str, text: str, *, wanted: bool) -> Predicate:
    """Return whether a field has a value, or has not."""

    def holds(scope: Scope) -> bool | None:
        found = scope.get(field)
        return None if found is None else same(found, text) is wanted

    return holds


def order(field: str, text: str, compare: Callable[[Any, Any], bool]) -> Predicate:
    """Return whether a field is less or more than a value; texts are compared as texts."""
    try:
        bound: float | str = float(text)
    except ValueError:
        bound = text

    def holds(scope: Scope) -> bool | None:
        found = scope.get(field)
        if found is None:
            return None
        if isinstance(found, str) == isinstance(bound, str):
            return compare(found, bound)
        return compare(str(found), text)

    return holds


def among(element: Element) -> Predicate:
    """Return whether a field is in a list, or is not."""
    field, wanted = required(element, "field"), element.get("booleanOperator") != "isNotIn"
    words = array(child(element, "Array"))

    def holds(scope: Scope) -> bool | None:
        found = scope.get(field)
        return None if found is None else any(same(found, word) for word in words) is wanted

    return holds


def array(element: Element) -> list[str]:
    """Return the words of an <Array>."""
    found = WORD.finditer(element.text or "")
    return [match[2] if match[1] is None else re.sub(r"\\(.)", r"\1", match[1]) for match in found]


def all_of(parts: Sequence[Predicate], scope: Scope) -> bool | None:
    """Return whether all hold."""
    found = [part(scope) for part in parts]
    return False if False in found else (None if None in found else True)


def any_of(parts: Sequence[Predicate], scope: Scope) -> bool | None:
    """Return whether one holds."""
    found = [part(scope) for part in parts]
    return True if True in found else (None if None in found else False)


def odd(parts: Sequence[Predicate], scope: Scope) -> bool | None:
    """Return whether an odd number of them holds."""
    found = [part(scope) for part in parts]
    return None if None in found else found.count(True) % 2 == 1


def first_known(parts: Sequence[Predicate], scope: Scope) -> bool | None:
    """Return the first that can be told."""
    return next((found for part in parts if (found := part(scope)) is not None), None)


COMPOUNDS: Final[Mapping[str, Callable[[Sequence[Predicate], Scope], bool | None]]] = {
    "and": all_of,
    "or": any_of,
    "xor": odd,
    "surrogate": first_known,
}
