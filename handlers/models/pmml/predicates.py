"""Predicates: true, false, or unknown where a value is missing (None).

Source: PMML 4.4, TreeModel, "Predicates".
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from handlers.models.pmml.arrays import words_in
from handlers.models.pmml.elements import Element
from handlers.models.pmml.errors import wrong
from handlers.models.pmml.kinds import literal
from handlers.models.pmml.scope import Field, Row, Scope

Predicate = Callable[[Row], bool | None]


@dataclass(frozen=True, slots=True)
class Split:
    """A SimplePredicate that compares a number with a limit."""

    slot: int
    sign: str
    limit: float


PREDICATES: Final = ("SimplePredicate", "CompoundPredicate", "SimpleSetPredicate", "True", "False")
ORDERED: Final = ("lessThan", "lessOrEqual", "greaterThan", "greaterOrEqual")
COMPARE: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "equal": operator.eq,
    "notEqual": operator.ne,
    "lessThan": operator.lt,
    "lessOrEqual": operator.le,
    "greaterThan": operator.gt,
    "greaterOrEqual": operator.ge,
}


def predicate_in(element: Element, scope: Scope) -> Predicate:
    """Return the predicate that stands in an element.

    Raises:
        Unreadable: There is none, or one that is not evaluated.
    """
    return compiled(element.need(*PREDICATES), scope)


def compiled(element: Element, scope: Scope) -> Predicate:
    """Return a predicate that evaluates a row."""
    if element.tag == "SimplePredicate":
        return simple(element, scope)
    if element.tag == "CompoundPredicate":
        return compound(element, scope)
    if element.tag == "SimpleSetPredicate":
        return simple_set(element, scope)
    return always if element.tag == "True" else never


def always(_row: Row) -> bool:
    """Return true."""
    return True


def never(_row: Row) -> bool:
    """Return false."""
    return False


def simple(element: Element, scope: Scope) -> Predicate:
    """Return a comparison of a field with a constant."""
    field = scope.of(element)
    slot = field.slot
    sign = element.choice("operator", (*COMPARE, "isMissing", "isNotMissing"))
    if sign == "isMissing":
        return lambda row: row[slot] is None
    if sign == "isNotMissing":
        return lambda row: row[slot] is not None
    limit = literal(element, element.text_of("value"), field.kind)
    if field.optype == "ordinal" and field.values and sign not in ("equal", "notEqual"):
        return by_rank(element, field, sign, limit)
    return comparison(slot, sign, limit)


def split_of(element: Element, scope: Scope) -> Split | None:
    """Return what a predicate compares; None: it is no comparison of a number."""
    if element.tag != "SimplePredicate" or element.get("operator") not in ORDERED:
        return None
    field = scope.of(element)
    if not field.numeric or field.optype == "ordinal":
        return None
    limit = literal(element, element.text_of("value"), field.kind)
    return Split(field.slot, element.get("operator"), float(limit))


def comparison(slot: int, sign: str, limit: Any) -> Predicate:
    """Return a comparison; those that nearly all trees have stand there in full, since a call costs time."""
    if sign == "lessOrEqual":
        return lambda row: None if (value := row[slot]) is None else value <= limit
    if sign == "greaterThan":
        return lambda row: None if (value := row[slot]) is None else value > limit
    if sign == "equal":
        return lambda row: None if (value := row[slot]) is None else value == limit
    compare = COMPARE[sign]
    return lambda row: None if (value := row[slot]) is None else compare(value, limit)


def by_rank(element: Element, field: Field, sign: str, limit: Any) -> Predicate:
    """Return a comparison of values in the order in which the field lists them; unknown for one that it does not."""
    ranks = {value: rank for rank, value in enumerate(field.values)}
    if limit not in ranks:
        raise wrong(element, f"{field.name[:100]!r} has no value {str(limit)[:100]!r}.")
    compare, bound, slot = COMPARE[sign], ranks[limit], field.slot
    return lambda row: None if (rank := ranks.get(row[slot])) is None else compare(rank, bound)


def simple_set(element: Element, scope: Scope) -> Predicate:
    """Return whether a field has one of some values."""
    field = scope.of(element)
    slot = field.slot
    array = element.need("Array")
    members = frozenset(literal(array, word, field.kind) for word in words_in(array))
    if element.choice("booleanOperator", ("isIn", "isNotIn")) == "isIn":
        return lambda row: None if (value := row[slot]) is None else value in members
    return lambda row: None if (value := row[slot]) is None else value not in members


def compound(element: Element, scope: Scope) -> Predicate:
    """Return predicates put together."""
    element.only(*PREDICATES)
    parts = [compiled(child, scope) for child in element.children]
    if not parts:
        raise wrong(element, "There is no predicate in it.")
    return JOINED[element.choice("booleanOperator", tuple(JOINED))](parts)


def all_of(parts: Sequence[Predicate]) -> Predicate:
    """Return `and`: false where one is, else unknown where one is."""

    def evaluate(row: Row) -> bool | None:
        verdict: bool | None = True
        for part in parts:
            found = part(row)
            if found is None:
                verdict = None
            elif not found:
                return False
        return verdict

    return evaluate


def any_of(parts: Sequence[Predicate]) -> Predicate:
    """Return `or`: true where one is, else unknown where one is."""

    def evaluate(row: Row) -> bool | None:
        verdict: bool | None = False
        for part in parts:
            found = part(row)
            if found is None:
                verdict = None
            elif found:
                return True
        return verdict

    return evaluate


def odd_of(parts: Sequence[Predicate]) -> Predicate:
    """Return `xor`: true where an odd number is, unknown where one is."""

    def evaluate(row: Row) -> bool | None:
        verdict = False
        for part in parts:
            found = part(row)
            if found is None:
                return None
            verdict ^= found
        return verdict

    return evaluate


def first_known(parts: Sequence[Predicate]) -> Predicate:
    """Return `surrogate`: the first that is not unknown."""

    def evaluate(row: Row) -> bool | None:
        return next((found for part in parts if (found := part(row)) is not None), None)

    return evaluate


JOINED: Final[Mapping[str, Callable[[Sequence[Predicate]], Predicate]]] = {
    "and": all_of,
    "or": any_of,
    "xor": odd_of,
    "surrogate": first_known,
}
