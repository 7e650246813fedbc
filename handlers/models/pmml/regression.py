"""RegressionModel. Source: PMML 4.4, Regression."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, Final

from handlers.models.pmml.elements import Element
from handlers.models.pmml.errors import wrong
from handlers.models.pmml.kinds import literal
from handlers.models.pmml.links import LINKS, simplemax, softmax
from handlers.models.pmml.outcome import NOTHING, Evaluate, Goal, Outcome, likeliest
from handlers.models.pmml.scope import Expression, Row, Scope

METHODS: Final = ("none", "simplemax", "softmax", *LINKS)
PREDICTORS: Final = ("NumericPredictor", "CategoricalPredictor", "PredictorTerm")


def compile_regression(element: Element, scope: Scope, goal: Goal) -> Evaluate:
    """Return what evaluates regression tables.

    Raises:
        Unreadable: It has a part that is not evaluated.
    """
    tables = list(element.all("RegressionTable"))
    method = element.choice("normalizationMethod", METHODS, "none")
    if not tables:
        raise wrong(element, "There is no RegressionTable in it.")
    formulas = [formula(table, scope) for table in tables]
    if goal.classifies:
        classes = [literal(table, table.text_of("targetCategory"), goal.kind) for table in tables]
        ordinal = goal.field is not None and goal.field.optype == "ordinal"
        if len(classes) > 2 and method in LINKS and method != "logit" and not ordinal:
            raise wrong(element, f"normalizationMethod={method!r} is for two categories, or ordinal ones.")
        return classifier(classes, formulas, method, ordinal=ordinal)
    if len(tables) != 1:
        raise wrong(element, "A regression has one RegressionTable.")
    if method == "simplemax":
        raise wrong(element, "normalizationMethod='simplemax' is for classification alone.")
    return regressor(formulas[0], method)


def regressor(value_of: Expression, method: str) -> Evaluate:
    """Return what gives one number; softmax of one number means the logistic function."""
    inverse = None if method == "none" else LINKS["logit" if method == "softmax" else method]

    def evaluate(row: Row) -> Outcome:
        value = value_of(row)
        if value is None:
            return NOTHING
        return Outcome(value if inverse is None else inverse(value))

    return evaluate


def classifier(classes: Sequence[Any], formulas: Sequence[Expression], method: str, *, ordinal: bool) -> Evaluate:
    """Return what gives a probability for each class."""

    def evaluate(row: Row) -> Outcome:
        values = [value_of(row) for value_of in formulas]
        if None in values:
            return NOTHING
        found = dict(zip(classes, chances(values, method, ordinal=ordinal), strict=True))
        return Outcome(likeliest(found), found, found)

    return evaluate


def chances(values: list[float], method: str, *, ordinal: bool) -> list[float]:
    """Return the probabilities that the values of regression tables, in their order, stand for.

    The specification has no logit of more than two categories; those who write it mean one against the rest.
    """
    if method == "softmax":
        return softmax(values)
    if method == "simplemax":
        return simplemax(values)
    inverse = LINKS.get(method)
    found = values if inverse is None else [inverse(value) for value in values]
    if ordinal:
        steps = [0.0, *found[:-1], 1.0]
        return [after - before for before, after in itertools.pairwise(steps)]
    if len(found) == 2:
        first = min(max(found[0], 0.0), 1.0)
        return [first, 1.0 - first]
    return [*found[:-1], 1.0 - sum(found[:-1])] if inverse is None else simplemax(found)


def formula(table: Element, scope: Scope) -> Expression:
    """Return what adds up a RegressionTable; None where a number is missing."""
    table.only(*PREDICTORS)
    intercept = table.number("intercept")
    terms = [TERMS[one.tag](one, scope) for one in table.children]

    def evaluate(row: Row) -> float | None:
        total = intercept
        for term in terms:
            value = term(row)
            if value is None:
                return None
            total += value
        return total

    return evaluate


def numeric(element: Element, scope: Scope) -> Expression:
    """Return a number times its coefficient."""
    field = scope.of(element, "name")
    if not field.numeric and field.kind != "boolean":
        raise wrong(element, f"{field.name[:100]!r} has no numbers.")
    slot, factor, exponent = field.slot, element.number("coefficient"), element.number("exponent", 1.0)
    if exponent == 1.0:
        return lambda row: None if (value := row[slot]) is None else factor * value
    return lambda row: None if (value := row[slot]) is None else factor * math.pow(value, exponent)


def categorical(element: Element, scope: Scope) -> Expression:
    """Return a coefficient where a field has a certain value; a missing value counts as another."""
    field = scope.of(element, "name")
    slot, factor = field.slot, element.number("coefficient")
    value = literal(element, element.text_of("value"), field.kind)
    return lambda row: factor if row[slot] == value else 0.0


def interaction(element: Element, scope: Scope) -> Expression:
    """Return the product of several fields times a coefficient."""
    element.only("FieldRef")
    slots = [scope.of(one).slot for one in element.children]
    factor = element.number("coefficient")

    def evaluate(row: Row) -> float | None:
        product = factor
        for slot in slots:
            value = row[slot]
            if value is None:
                return None
            product *= value
        return product

    return evaluate


TERMS: Final = {"NumericPredictor": numeric, "CategoricalPredictor": categorical, "PredictorTerm": interaction}
