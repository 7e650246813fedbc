"""GeneralRegressionModel, without Cox regression. Source: PMML 4.4, GeneralRegression."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

from handlers.models.pmml import categories
from handlers.models.pmml.elements import Element
from handlers.models.pmml.errors import wrong
from handlers.models.pmml.kinds import literal
from handlers.models.pmml.links import LINKS, exp
from handlers.models.pmml.outcome import NOTHING, Evaluate, Goal, Outcome
from handlers.models.pmml.scope import Expression, Row, Scope

TYPES: Final = ("regression", "generalLinear", "multinomialLogistic", "ordinalMultinomial", "generalizedLinear")


def compile_general(element: Element, scope: Scope, goal: Goal) -> Evaluate:
    """Return what evaluates a general regression.

    Raises:
        Unreadable: It is of a type, or has a part, that is not evaluated.
    """
    kind = element.choice("modelType", TYPES)
    products = cells(element, scope)
    offset, trials = beside(element, scope, "offset", 0.0), beside(element, scope, "trials", 1.0)
    if goal.classifies:
        return classified(element, products, offset, goal, kind)
    betas = betas_of(element.need("ParamMatrix"), products)
    if set(betas) - {""}:
        raise wrong(element, "A regression has one target.")
    inverse = linked(element) if kind == "generalizedLinear" else identity
    value_of = total(betas.get("", []), products)

    def evaluate(row: Row) -> Outcome:
        value, more, times = value_of(row), offset(row), trials(row)
        if value is None or more is None or times is None:
            return NOTHING
        return Outcome(inverse(value + more) * times)

    return evaluate


def beside(element: Element, scope: Scope, name: str, default: float) -> Expression:
    """Return the offset or the trials: a number, or a field that holds it."""
    if f"{name}Variable" in element.attributes:
        slot = scope.of(element, f"{name}Variable").slot
        return lambda row: row[slot]
    value = element.number(f"{name}Value", default)
    return lambda _row: value


def identity(value: float) -> float:
    """Return a number as it is."""
    return value


def linked(element: Element) -> Callable[[float], float]:
    """Return the inverse of a link function."""
    power = element.number("linkParameter", 1.0)
    links: dict[str, Callable[[float], float]] = {
        "identity": identity,
        "log": exp,
        "logc": lambda value: 1.0 - exp(value),
        "negbin": lambda value: 1.0 / (power * (exp(-value) - 1.0)),
        "oddspower": lambda value: (
            LINKS["logit"](value) if power == 0.0 else 1.0 / (1.0 + math.pow(1.0 + power * value, -1.0 / power))
        ),
        "power": lambda value: exp(value) if power == 0.0 else math.pow(value, 1.0 / power),
        **{name: LINKS[name] for name in categories.CUMULATIVE},
    }
    name = element.choice("linkFunction", tuple(links))
    if name in ("negbin", "oddspower", "power"):
        element.number("linkParameter")
    return links[name]


def cells(element: Element, scope: Scope) -> dict[str, Expression]:
    """Return for each parameter the product that it is multiplied with; None where a value is missing."""
    factors = names_in(element.first("FactorList"))
    found: dict[str, list[Expression]] = {}
    for parameter in element.need("ParameterList").all("Parameter"):
        found[parameter.text_of("name")] = []
    for cell in element.need("PPMatrix").all("PPCell"):
        name = cell.text_of("parameterName")
        if name not in found:
            raise wrong(cell, f"There is no parameter {name[:100]!r}.")
        predictor = cell.text_of("predictorName")
        found[name].append(factor(cell, scope) if predictor in factors else covariate(cell, scope))
    return {name: product(parts) for name, parts in found.items()}


def names_in(element: Element | None) -> set[str]:
    """Return the names of predictors in a list."""
    if element is None:
        return set()
    element.only("Predictor")
    for one in element.children:
        one.only("Categories")
    return {one.text_of("name") for one in element.children}


def factor(cell: Element, scope: Scope) -> Expression:
    """Return 1 where a field has the value of a cell, else 0."""
    field = scope.of(cell, "predictorName")
    slot, value = field.slot, literal(cell, cell.text_of("value"), field.kind)
    return lambda row: None if (found := row[slot]) is None else float(found == value)


def covariate(cell: Element, scope: Scope) -> Expression:
    """Return a number to the power that stands in a cell."""
    slot, exponent = scope.of(cell, "predictorName").slot, cell.number("value")
    if exponent == 1.0:
        return lambda row: row[slot]
    return lambda row: None if (found := row[slot]) is None else math.pow(found, exponent)


def product(parts: Sequence[Expression]) -> Expression:
    """Return the product of expressions; of none, 1."""

    def evaluate(row: Row) -> float | None:
        value = 1.0
        for part in parts:
            found = part(row)
            if found is None:
                return None
            value *= found
        return value

    return evaluate


def betas_of(matrix: Element, products: dict[str, Expression]) -> dict[str, list[tuple[str, float]]]:
    """Return for each target category the parameters and what they are multiplied with."""
    matrix.only("PCell")
    found: dict[str, list[tuple[str, float]]] = {}
    for cell in matrix.children:
        name = cell.text_of("parameterName")
        if name not in products:
            raise wrong(cell, f"There is no parameter {name[:100]!r}.")
        found.setdefault(cell.get("targetCategory"), []).append((name, cell.number("beta")))
    return found


def total(betas: Sequence[tuple[str, float]], products: dict[str, Expression]) -> Expression:
    """Return the sum of parameters; None where a value is missing."""
    terms = [(products[name], beta) for name, beta in betas]

    def evaluate(row: Row) -> float | None:
        value = 0.0
        for term, beta in terms:
            found = term(row)
            if found is None:
                return None
            value += beta * found
        return value

    return evaluate


def classified(
    element: Element, products: dict[str, Expression], offset: Expression, goal: Goal, kind: str
) -> Evaluate:
    """Return what gives a probability for each category."""
    betas = betas_of(element.need("ParamMatrix"), products)
    common = betas.pop("", [])
    named = list(betas)
    if not betas and kind != "generalizedLinear":
        raise wrong(element, "There is no targetCategory in the ParamMatrix.")
    classes = categories.in_order(element, named, goal)
    formulas = [total([*common, *betas[name]], products) for name in named] or [total(common, products)]
    if kind == "multinomialLogistic":
        chances: categories.Chances = categories.multinomial
    elif kind == "ordinalMultinomial":
        chances = categories.cumulative(element)
    elif kind == "generalizedLinear" and len(classes) == 2:
        chances = categories.binary(linked(element))
    else:
        raise wrong(element, f"modelType={kind!r} is not evaluated for these categories.")
    return categories.classifier(classes, formulas, offset, chances)
