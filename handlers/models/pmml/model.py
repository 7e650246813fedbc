"""A model with all that stands around what it is: fields, transformations, targets, outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from handlers.models.pmml import ensemble
from handlers.models.pmml.bayes import compile_bayes
from handlers.models.pmml.clustering import compile_clustering
from handlers.models.pmml.derivation import derivations
from handlers.models.pmml.elements import Element
from handlers.models.pmml.errors import wrong
from handlers.models.pmml.general import compile_general
from handlers.models.pmml.mining import Known, Schema, schema
from handlers.models.pmml.neural import compile_network
from handlers.models.pmml.outcome import Body, Evaluate, Goal, Outcome
from handlers.models.pmml.outputs import Output, outputs_of
from handlers.models.pmml.predicates import predicate_in
from handlers.models.pmml.regression import compile_regression
from handlers.models.pmml.rules import compile_rules
from handlers.models.pmml.scope import Program, Row, Scope, Step
from handlers.models.pmml.scorecard import compile_scorecard
from handlers.models.pmml.targets import with_targets
from handlers.models.pmml.tree import Tree, compile_tree
from handlers.models.pmml.vectors import KERNELS, compile_machines

Compile = Callable[[Element, Scope, Goal], Evaluate]

FUNCTIONS: Final = ("classification", "regression", "clustering")
AROUND: Final = ("MiningSchema", "LocalTransformations", "Targets", "Output")
PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "TreeModel": ("Node",),
    "RegressionModel": ("RegressionTable",),
    "MiningModel": ("Segmentation",),
    "Scorecard": ("Characteristics",),
    "RuleSetModel": ("RuleSet",),
    "GeneralRegressionModel": (
        "ParameterList",
        "FactorList",
        "CovariateList",
        "PPMatrix",
        "PCovMatrix",
        "ParamMatrix",
    ),
    "NaiveBayesModel": ("BayesInputs", "BayesOutput"),
    "ClusteringModel": ("ComparisonMeasure", "ClusteringField", "MissingValueWeights", "Cluster"),
    "SupportVectorMachineModel": (*KERNELS, "VectorDictionary", "SupportVectorMachine"),
    "NeuralNetwork": ("NeuralInputs", "NeuralLayer", "NeuralOutputs"),
}
COMPILERS: Final[Mapping[str, Compile]] = {
    "TreeModel": compile_tree,
    "RegressionModel": compile_regression,
    "Scorecard": compile_scorecard,
    "RuleSetModel": compile_rules,
    "GeneralRegressionModel": compile_general,
    "NaiveBayesModel": compile_bayes,
    "ClusteringModel": compile_clustering,
    "SupportVectorMachineModel": compile_machines,
    "NeuralNetwork": compile_network,
}


@dataclass(frozen=True)
class Surroundings:
    """What of the file a model needs to know."""

    program: Program
    data: Mapping[str, Known]
    transformations: Element | None = None  #: the TransformationDictionary, which the outermost model evaluates
    scope: Scope | None = None  #: of the model around it


@dataclass(frozen=True)
class Model:
    """A model that evaluates rows."""

    goal: Goal
    schema: Schema
    body: Body
    outputs: list[Output]
    scope: Scope
    steps: list[Step] = field(default_factory=list)

    def evaluate(self, row: Row) -> Outcome:
        """Put derived values and outputs into a row, and return what the model says of it."""
        for step in self.steps:
            step(row)
        outcome = self.body.one(row)
        for output in self.outputs:
            row[output.field.slot] = output.say(row, outcome)
        return outcome

    def evaluate_all(self, rows: Sequence[Row]) -> list[Outcome]:
        """Do as `evaluate` for many rows."""
        for row in rows:
            for step in self.steps:
                step(row)
        outcomes = self.body.all(rows)
        for output in self.outputs:
            for row, outcome in zip(rows, outcomes, strict=True):
                row[output.field.slot] = output.say(row, outcome)
        return outcomes

    @property
    def tree(self) -> Tree | None:
        """Return the tree that it is; None: it is another model, or there is more to it."""
        tree = self.body.one
        return tree if isinstance(tree, Tree) and not self.steps and not self.outputs else None


def compile_model(element: Element, around: Surroundings) -> Model:
    """Return the model that an element is.

    Raises:
        Unreadable: It is of a kind, or has a part, that is not evaluated.
    """
    if element.tag not in PARTS:
        raise wrong(element, "models of this kind are not evaluated.")
    if not element.flag("isScorable", True):
        raise wrong(element, "the file says that it is not to be evaluated.")
    element.only(*AROUND, *PARTS[element.tag])
    scope = Scope(around.program, around.scope)
    found = schema(element, scope, around.data)
    if around.scope is not None and found.inputs:
        name = found.inputs[0].field.name
        raise wrong(element, f"The field {name[:100]!r} is not in the MiningSchema of the model around it.")
    steps = list(found.steps)
    for place in (around.transformations, element.first("LocalTransformations")):
        if place is not None:
            place.only("DerivedField", *(("DefineFunction",) if place is around.transformations else ()))
            steps += derivations(place, scope)
    goal = Goal(element.choice("functionName", FUNCTIONS), found.target)
    compiler = COMPILERS.get(element.tag)
    body = segmented(element, scope, goal, around) if compiler is None else Body(compiler(element, scope, goal))
    body = with_targets(element, goal, body)
    return Model(goal, found, body, outputs_of(element, scope, goal), scope, steps)


def segmented(element: Element, scope: Scope, goal: Goal, around: Surroundings) -> Body:
    """Return what evaluates a MiningModel; the outputs of a segment can be named by those after it."""
    segmentation = element.need("Segmentation")
    segmentation.only("Segment")
    inner = Surroundings(around.program, around.data, scope=scope)
    segments = []
    for place, one in enumerate(segmentation.children, 1):
        test = predicate_in(one, scope)
        model = compile_model(ensemble.segment_model(one), inner)
        for output in model.outputs:
            scope.share(output.field)
        name, weight = one.get("id", str(place)), one.number("weight", 1.0)
        body = Body(model.evaluate, model.evaluate_all)
        segments.append(ensemble.Segment(name, weight, test, body, model.tree))
    said = element.first("Output")
    keep = said is not None and any("segmentId" in one.attributes for one in said.children)
    return ensemble.evaluator(segmentation, segments, goal, keep=keep)
