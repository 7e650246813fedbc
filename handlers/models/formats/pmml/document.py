"""A PMML document as a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from xml.etree.ElementTree import Element

from handlers.models.formats import base
from handlers.models.formats.base import CannotLoad, CannotPredict, Result, Row
from handlers.models.formats.pmml.expressions import derived_fields
from handlers.models.formats.pmml.inputs import dictionary, inputs_of, target_of
from handlers.models.formats.pmml.mining import mining
from handlers.models.formats.pmml.outputs import outputs_of, usual
from handlers.models.formats.pmml.regression import regression
from handlers.models.formats.pmml.rulesets import ruleset
from handlers.models.formats.pmml.scope import Scope, cast
from handlers.models.formats.pmml.scorecards import scorecard
from handlers.models.formats.pmml.trees import tree
from handlers.models.formats.pmml.verdict import Evaluator, Verdict
from handlers.models.formats.pmml.xml import number, read_xml

KINDS: Final[Mapping[str, Callable[[Element], Evaluator]]] = {
    "TreeModel": tree,
    "RegressionModel": regression,
    "Scorecard": scorecard,
    "RuleSetModel": ruleset,
}
TOLD: Final = ("Scorecard", "RuleSetModel")  #: kinds that the API tells of
OTHERS: Final = ("Header", "DataDictionary", "TransformationDictionary", "MiningBuildTask", "Extension")
JSON_TYPES: Final = {"integer": "integer", "float": "number", "double": "number", "boolean": "boolean"}


class Pmml:
    """A model of a document."""

    def __init__(self, root: Element) -> None:
        """Compile a document.

        Raises:
            CannotLoad: It is no PMML, or needs what is not supported.
        """
        if root.tag != "PMML":
            raise CannotLoad("The file is no PMML.")
        found = [one for one in root if one.tag not in OTHERS]
        if not found:
            raise CannotLoad("The file has no model.")
        self.element = found[0]
        self.fields = dictionary(root)
        # Those of the first model are known to its outputs, too.
        shared = derived_fields(root.find("TransformationDictionary"))
        self.shared = shared | derived_fields(self.element.find("LocalTransformations"))
        self.inputs = inputs_of(self.element, self.fields)
        self.target = target_of(self.element)
        self.kind = self.fields[self.target].kind if self.target in self.fields else None
        self.evaluate = self._model(self.element)
        self.outputs = outputs_of(self.element, self.kind)

    def describe(self) -> dict[str, Any]:
        """Return what is known of it."""
        features = [{"name": one.field.name, "type": one.field.type, "optional": one.optional} for one in self.inputs]
        known = {
            "kind": self.element.tag if self.element.tag in TOLD else "other",
            "named": True,
            "features": features,
            "input_schema": base.input_schema(features),
            "output_schema": self._output_schema(),
        }
        return known | ({"name": name} if (name := self.element.get("modelName")) else {})

    def predict(self, rows: Sequence[Row]) -> list[Result]:
        """Return the output fields for each row."""
        return [self._one(row) for row in rows]

    def _one(self, row: Row) -> dict[str, Any]:
        """Return the output fields for a row."""
        if len(row) != len(self.inputs):
            raise CannotPredict(f"The model takes {len(self.inputs)} inputs.")
        scope = Scope(self.shared)
        for one, value in zip(self.inputs, row, strict=True):
            scope.values[one.field.name] = one.prepared(value)
        verdict = self.evaluate(scope)
        if self.target is not None:
            scope.values[self.target] = cast(verdict.value, self.kind)
        if not self.outputs:
            return usual(verdict, self.target, self.kind)
        for name, _, give in self.outputs:
            scope.values[name] = give(verdict, scope)
        return {name: scope.values[name] for name, shown, _ in self.outputs if shown}

    def _model(self, element: Element) -> Evaluator:
        """Return what evaluates a model: its own fields are derived first, its target comes last.

        Raises:
            CannotLoad: It is of a kind that is not supported.
        """
        if element.tag == "MiningModel":
            work = mining(element, self._inner)
        elif element.tag in KINDS:
            work = KINDS[element.tag](element)
        else:
            raise CannotLoad(f"Models of the kind <{element.tag[:50]}> are not supported.")
        own = {} if element is self.element else derived_fields(element.find("LocalTransformations"))
        rescale = rescaling(element)

        def evaluate(scope: Scope) -> Verdict:
            return rescale(work(Scope(own, scope) if own else scope))

        return evaluate

    def _inner(self, element: Element) -> tuple[Evaluator, Callable[[Verdict, Scope], None]]:
        """Return the model of a segment, and what hands its outputs on to those that come after."""
        inner = next((one for one in element if one.tag in KINDS or one.tag == "MiningModel"), None)
        if inner is None:
            raise CannotLoad("A segment has no model of a kind that is supported.")
        outputs, target = outputs_of(inner, None), target_of(inner)

        def hand_on(verdict: Verdict, scope: Scope) -> None:
            for name, _, give in outputs:
                scope.values[name] = give(verdict, scope)
            if target is not None and target not in self.fields:
                scope.values[target] = verdict.value

        return self._model(inner), hand_on

    def _output_schema(self) -> dict[str, Any]:
        """Return what a result looks like."""
        kind = {"type": JSON_TYPES.get(self.kind or "", "string")} if self.kind else {}
        if not self.outputs:
            return {f"predicted_{self.target}" if self.target else "predicted": kind}
        return {name: {} for name, shown, _ in self.outputs if shown}


def rescaling(element: Element) -> Callable[[Verdict], Verdict]:
    """Return what a model's <Targets> make of the numbers that it says, and of its saying nothing."""
    found = element.find("Targets/Target")
    if found is None:
        return lambda verdict: verdict
    low, high = number(found, "min", -1e308), number(found, "max", 1e308)
    factor, constant = number(found, "rescaleFactor", 1.0), number(found, "rescaleConstant", 0.0)
    rounding = ROUNDINGS.get(found.get("castInteger", ""))

    def rescale(verdict: Verdict) -> Verdict:
        if not isinstance(verdict.value, int | float):
            return verdict
        value = min(max(verdict.value, low), high) * factor + constant
        return Verdict(value=rounding(value) if rounding else value, reasons=verdict.reasons)

    return rescale


def ceiling(value: float) -> int:
    """Return the next whole number above."""
    return -int(-value // 1)


ROUNDINGS: Final[Mapping[str, Callable[[float], int]]] = {
    "round": lambda value: int((value + 0.5) // 1),
    "ceiling": ceiling,
    "floor": lambda value: int(value // 1),
}


def read_pmml(path: Path) -> Pmml:
    """Return the model of a PMML file.

    Raises:
        CannotLoad: It is none, or needs what is not supported.
    """
    return Pmml(read_xml(path))
