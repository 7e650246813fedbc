"""NeuralNetwork. Source: PMML 4.4, NeuralNetwork."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from handlers.models.pmml.elements import Element
from handlers.models.pmml.errors import wrong
from handlers.models.pmml.expressions import expression_in
from handlers.models.pmml.kinds import literal
from handlers.models.pmml.links import exp, logistic, simplemax, softmax
from handlers.models.pmml.outcome import NOTHING, Evaluate, Goal, Outcome, likeliest
from handlers.models.pmml.scope import Row, Scope

ACTIVATIONS: Final[Mapping[str, Callable[[float], float]]] = {
    "logistic": logistic,
    "tanh": math.tanh,
    "identity": lambda value: value,
    "exponential": exp,
    "reciprocal": lambda value: 1.0 / value,
    "square": lambda value: value * value,
    "Gauss": lambda value: math.exp(-min(value * value, 700.0)),
    "sine": math.sin,
    "cosine": math.cos,
    "Elliott": lambda value: value / (1.0 + abs(value)),
    "arctan": lambda value: 2.0 * math.atan(value) / math.pi,
    "rectifier": lambda value: max(value, 0.0),
}
NORMALISE: Final[Mapping[str, Callable[[list[float]], list[float]]]] = {
    "none": list,
    "simplemax": simplemax,
    "softmax": softmax,
}

Values = dict[str, float]


@dataclass(frozen=True)
class Neuron:
    """A neuron: what it adds up."""

    name: str
    bias: float
    weights: list[tuple[str, float]]

    def value(self, known: Values) -> float:
        """Return the sum of what the neurons before it give."""
        return self.bias + sum(weight * known[source] for source, weight in self.weights)


@dataclass(frozen=True)
class Layer:
    """A layer of neurons."""

    neurons: list[Neuron]
    activate: Callable[[float], float]
    normalise: Callable[[list[float]], list[float]]

    def add(self, known: Values) -> None:
        """Put what its neurons give beside what those before them do."""
        found = self.normalise([self.activate(one.value(known)) for one in self.neurons])
        known.update(zip((one.name for one in self.neurons), found, strict=True))


def compile_network(element: Element, scope: Scope, goal: Goal) -> Evaluate:
    """Return what evaluates a neural network.

    Raises:
        Unreadable: It has a part that is not evaluated.
    """
    inputs = {
        one.text_of("id"): expression_in(one.need("DerivedField"), scope)
        for one in element.need("NeuralInputs").children
    }
    names = set(inputs)
    layers = [layer(one, element, names) for one in element.all("NeuralLayer")]
    say = outputs_of(element.need("NeuralOutputs"), names, goal)

    def evaluate(row: Row) -> Outcome:
        known: Values = {}
        for name, value_of in inputs.items():
            value = value_of(row)
            if value is None:
                return NOTHING
            known[name] = float(value)
        for one in layers:
            one.add(known)
        return say(known)

    return evaluate


def layer(element: Element, network: Element, names: set[str]) -> Layer:
    """Return a NeuralLayer; its neurons may use those in *names*, and are added to them."""
    element.only("Neuron")
    normal = element.choice("normalizationMethod", tuple(NORMALISE), network.get("normalizationMethod", "none"))
    function = element.get("activationFunction", network.get("activationFunction"))
    neurons = [neuron(one, names) for one in element.children]
    names.update(one.name for one in neurons)
    if function == "threshold":
        limit = element.number("threshold", network.number("threshold", 0.0))
        return Layer(neurons, lambda value: float(value > limit), NORMALISE[normal])
    if function not in ACTIVATIONS:
        raise wrong(element, f"activationFunction={function[:100]!r} is not evaluated.")
    return Layer(neurons, ACTIVATIONS[function], NORMALISE[normal])


def neuron(element: Element, names: set[str]) -> Neuron:
    """Return a Neuron."""
    element.only("Con")
    weights = []
    for one in element.children:
        source = one.text_of("from")
        if source not in names:
            raise wrong(one, f"There is no neuron {source[:100]!r} before it.")
        weights.append((source, one.number("weight")))
    return Neuron(element.text_of("id"), element.number("bias", 0.0), weights)


def outputs_of(element: Element, names: set[str], goal: Goal) -> Callable[[Values], Outcome]:
    """Return what makes an outcome of what the neurons give."""
    element.only("NeuralOutput")
    neurons, expressions = [], []
    for one in element.children:
        neurons.append(one.text_of("outputNeuron"))
        expressions.append(one.need("DerivedField").need("FieldRef", "NormContinuous", "NormDiscrete"))
        if neurons[-1] not in names:
            raise wrong(one, f"There is no neuron {neurons[-1][:100]!r}.")
    if goal.classifies:
        for one in expressions:
            if one.tag != "NormDiscrete":
                raise wrong(one, "this is not evaluated for a category.")
        return categories([literal(one, one.text_of("value"), goal.kind) for one in expressions], neurons)
    if len(neurons) != 1:
        raise wrong(element, "A regression has one NeuralOutput.")
    name, scale = neurons[0], unscaled(expressions[0])
    return lambda known: Outcome(scale(known[name]))


def categories(classes: list[Any], neurons: list[str]) -> Callable[[Values], Outcome]:
    """Return what takes the neuron that gives the most; of one neuron, the rest belongs to no category."""

    def say(known: Values) -> Outcome:
        found = dict(zip(classes, (known[name] for name in neurons), strict=True))
        return Outcome(likeliest(found), found, found)

    return say


def unscaled(element: Element) -> Callable[[float], float]:
    """Return what undoes a normalisation, so that a neuron's value becomes one of the target."""
    if element.tag == "FieldRef":
        return lambda value: value
    if element.tag == "NormDiscrete":
        raise wrong(element, "this is not evaluated for a number.")
    points = sorted((one.number("norm"), one.number("orig")) for one in element.all("LinearNorm"))
    if len(points) < 2 or any(left[0] == right[0] for left, right in itertools.pairwise(points)):
        raise wrong(element, "There must be two LinearNorm or more, each with another norm.")

    def value_of(norm: float) -> float:
        at = next((place for place in range(1, len(points) - 1) if norm < points[place][0]), len(points) - 1)
        (left, low), (right, high) = points[at - 1], points[at]
        return low + (norm - left) / (right - left) * (high - low)

    return value_of
