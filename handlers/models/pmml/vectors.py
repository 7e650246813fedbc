"""SupportVectorMachineModel. Source: PMML 4.4, SupportVectorMachine."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from handlers.models.pmml.arrays import numbers_in
from handlers.models.pmml.elements import Element
from handlers.models.pmml.errors import wrong
from handlers.models.pmml.kinds import literal
from handlers.models.pmml.outcome import NOTHING, Evaluate, Goal, Outcome, likeliest
from handlers.models.pmml.regression import categorical
from handlers.models.pmml.scope import Expression, Row, Scope

KERNELS: Final = ("LinearKernelType", "PolynomialKernelType", "RadialBasisKernelType", "SigmoidKernelType")

Vector = Sequence[float]
Kernel = Callable[[Vector, Vector], float]


@dataclass(frozen=True)
class Machine:
    """A SupportVectorMachine: what it adds up, and which of two categories its sign means."""

    vectors: Sequence[tuple[Vector, float]]
    constant: float
    category: Any
    other: Any
    threshold: float

    def value(self, vector: Vector, kernel: Kernel) -> float:
        """Return its decision function."""
        return self.constant + sum(factor * kernel(vector, one) for one, factor in self.vectors)


def compile_machines(element: Element, scope: Scope, goal: Goal) -> Evaluate:
    """Return what evaluates support vector machines.

    Raises:
        Unreadable: It has a part that is not evaluated.
    """
    kernel = kernel_of(element.need(*KERNELS))
    dictionary = element.need("VectorDictionary")
    fields = [component(one, scope) for one in dictionary.need("VectorFields").children]
    known = {one.text_of("id"): vector_of(one, len(fields)) for one in dictionary.all("VectorInstance")}
    machines = [machine(one, element, known, len(fields), goal) for one in element.all("SupportVectorMachine")]
    decide = decision(element, machines, goal)

    def evaluate(row: Row) -> Outcome:
        vector = [value_of(row) for value_of in fields]
        if None in vector:
            return NOTHING
        return decide([one.value(vector, kernel) for one in machines])

    return evaluate


def component(element: Element, scope: Scope) -> Expression:
    """Return what gives a component of the vector."""
    if element.tag == "CategoricalPredictor":
        return categorical(element, scope)
    if element.tag != "FieldRef":
        raise wrong(element, "this is not evaluated in VectorFields.")
    slot = scope.of(element).slot
    return lambda row: row[slot]


def vector_of(element: Element, count: int) -> Vector:
    """Return a VectorInstance."""
    found = numbers_in(element.need("REAL-SparseArray", "Array"))
    if len(found) != count:
        raise wrong(element, f"There are {len(found)} numbers, not {count}.")
    return found


def machine(element: Element, model: Element, known: dict[str, Vector], count: int, goal: Goal) -> Machine:
    """Return a SupportVectorMachine."""
    vectors: list[Vector]
    coefficients = element.need("Coefficients")
    factors: Vector = [one.number("value", 0.0) for one in coefficients.all("Coefficient")]
    if model.choice("svmRepresentation", ("SupportVectors", "Coefficients"), "SupportVectors") == "Coefficients":
        if model.first("LinearKernelType") is None:
            raise wrong(model, "svmRepresentation='Coefficients' is for the linear kernel alone.")
        # The coefficients are a vector themselves, for the kernel is their inner product with the input.
        vectors, factors = [factors], [1.0] * (len(factors) == count)
    else:
        vectors = [support(one, known) for one in element.need("SupportVectors").all("SupportVector")]
    if len(vectors) != len(factors):
        raise wrong(coefficients, f"There are {len(factors)} coefficients, not {len(vectors)}.")
    other = element.get("alternateTargetCategory", model.get("alternateBinaryTargetCategory"))
    return Machine(
        list(zip(vectors, factors, strict=True)),
        coefficients.number("absoluteValue", 0.0),
        literal(element, element.text_of("targetCategory"), goal.kind) if goal.classifies else None,
        literal(element, other, goal.kind) if goal.classifies and other else None,
        element.number("threshold", model.number("threshold", 0.0)),
    )


def support(element: Element, known: dict[str, Vector]) -> Vector:
    """Return the vector that a SupportVector names."""
    name = element.text_of("vectorId")
    if name not in known:
        raise wrong(element, f"There is no vector {name[:100]!r}.")
    return known[name]


def dot(left: Vector, right: Vector) -> float:
    """Return the inner product of two vectors."""
    return sum(a * b for a, b in zip(left, right, strict=True))


def kernel_of(element: Element) -> Kernel:
    """Return a kernel."""
    gamma, constant = element.number("gamma", 1.0), element.number("coef0", 1.0)
    degree = element.number("degree", 1.0)
    if element.tag == "LinearKernelType":
        return dot
    if element.tag == "PolynomialKernelType":
        return lambda left, right: math.pow(gamma * dot(left, right) + constant, degree)
    if element.tag == "SigmoidKernelType":
        return lambda left, right: math.tanh(gamma * dot(left, right) + constant)
    return lambda left, right: math.exp(-gamma * sum((a - b) ** 2 for a, b in zip(left, right, strict=True)))


def decision(element: Element, machines: Sequence[Machine], goal: Goal) -> Callable[[list[float]], Outcome]:
    """Return what makes a prediction of the values of all machines."""
    if not goal.classifies:
        if len(machines) != 1:
            raise wrong(element, "A regression has one SupportVectorMachine.")
        return lambda values: Outcome(values[0])
    method = element.choice("classificationMethod", ("OneAgainstAll", "OneAgainstOne"), "OneAgainstAll")
    if method == "OneAgainstOne" or (len(machines) == 1 and machines[0].other is not None):
        if any(one.other is None for one in machines):
            raise wrong(element, "A SupportVectorMachine has no alternateTargetCategory.")
        return lambda values: voted(machines, values)
    sign = 1.0 if element.flag("maxWins", False) else -1.0
    return lambda values: Outcome(
        likeliest({one.category: sign * value for one, value in zip(machines, values, strict=True)})
    )


def voted(machines: Sequence[Machine], values: Sequence[float]) -> Outcome:
    """Return the category that most machines are for, and the shares of their votes.

    Below its threshold a machine is for its own category.
    """
    votes: dict[Any, int] = {}
    for one in machines:
        votes.setdefault(one.category, 0)
        votes.setdefault(one.other, 0)
    for one, value in zip(machines, values, strict=True):
        votes[one.category if value < one.threshold else one.other] += 1
    shares = {category: count / len(machines) for category, count in votes.items()}
    return Outcome(likeliest(votes), shares, shares)
