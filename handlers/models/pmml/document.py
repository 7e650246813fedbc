"""A PMML file: what it takes, what it gives, and what evaluates rows.

Source: PMML 4.4, General Structure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from handlers.models.pmml.elements import Element
from handlers.models.pmml.errors import Invalid, wrong
from handlers.models.pmml.kinds import TYPES
from handlers.models.pmml.mining import dictionary
from handlers.models.pmml.model import Surroundings, compile_model
from handlers.models.pmml.outcome import Outcome
from handlers.models.pmml.reader import read
from handlers.models.pmml.scope import Program, Row

VERSIONS: Final = ("3.", "4.0", "4.1", "4.2", "4.3", "4.4")
NO_MODELS: Final = ("DataDictionary", "TransformationDictionary")


class Absent(Invalid):
    """Inputs are missing without which the model says nothing."""

    def __init__(self, names: Sequence[str]) -> None:
        """Name what is missing."""
        super().__init__(f"It says nothing without these inputs: {', '.join(repr(name[:100]) for name in names[:20])}.")


class Document:
    """The first model of a file, ready to be evaluated."""

    def __init__(self, data: bytes) -> None:
        """Compile a file.

        Raises:
            Unreadable: It is no PMML, or asks for what is not evaluated.
        """
        root = read(data)
        if not root.get("version").startswith(VERSIONS):
            raise wrong(root, f"the version {root.get('version')[:20]!r} is not known.")
        program = Program()
        transformations = root.first("TransformationDictionary")
        if transformations is not None:
            defined = transformations.all("DefineFunction")
            program.functions.update({one.text_of("name"): one for one in defined})
        known = dictionary(root.need("DataDictionary"), program)
        element = model_in(root)
        self.model = compile_model(element, Surroundings(program, known, transformations))
        self.kind = element.tag
        self.name = element.get("modelName") or None
        self.inputs = [one.field for one in self.model.schema.inputs]
        self._needed = self.model.schema.needed
        self._empty: Row = [None] * program.slots
        self.outputs = [output for output in self.model.outputs if output.final]

    def features(self) -> list[dict[str, Any]]:
        """Return names and types of the inputs, and whether each may be left out."""
        return [
            {"name": field.name, "type": TYPES[field.kind], "optional": not needed}
            for field, needed in zip(self.inputs, self._needed, strict=True)
        ]

    def evaluate(self, values: Sequence[Any]) -> tuple[Outcome, Mapping[str, Any]]:
        """Return what the model says of the values of its inputs, and its outputs by name.

        Raises:
            Invalid: A value is none that its field may have, or it says nothing for want of some.
            ArithmeticError, ValueError: What it computes has no value.
        """
        row = self._row(values)
        return self._said(values, row, self.model.evaluate(row))

    def evaluate_all(self, rows: Sequence[Sequence[Any]]) -> list[tuple[Outcome, Mapping[str, Any]]]:
        """Do as `evaluate` for many rows; if one makes trouble they are evaluated one by one."""
        try:
            prepared = [self._row(values) for values in rows]
            outcomes = self.model.evaluate_all(prepared)
        except (Invalid, ArithmeticError, ValueError, TypeError):
            return [self.evaluate(values) for values in rows]
        return [self._said(*each) for each in zip(rows, prepared, outcomes, strict=True)]

    def _row(self, values: Sequence[Any]) -> Row:
        """Return a row with the values of the inputs in their places."""
        row: Row = self._empty.copy()
        for field, value in zip(self.inputs, values, strict=True):
            row[field.slot] = None if value is None else field.cast(value)
        return row

    def _said(self, values: Sequence[Any], row: Row, outcome: Outcome) -> tuple[Outcome, Mapping[str, Any]]:
        """Return an outcome with the outputs by name, unless there is none for want of inputs."""
        if outcome.value is None and None in values:
            missing = [field.name for field, value in zip(self.inputs, values, strict=True) if value is None]
            raise Absent(missing)
        return outcome, {output.field.name: row[output.field.slot] for output in self.outputs}


def model_in(root: Element) -> Element:
    """Return the model of a file, of several the first.

    Raises:
        Unreadable: There is none.
    """
    for child in root.children:
        if child.tag not in NO_MODELS:
            return child
    raise wrong(root, "There is no model in it.")
