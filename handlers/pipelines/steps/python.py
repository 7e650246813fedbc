"""PythonStep: runs somebody's Python, row by row or on whole arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy

from handlers.pipelines.checks import listed
from handlers.pipelines.config import StepConfig
from handlers.pipelines.faults import Refused, Unusable
from handlers.pipelines.flow import array_of, as_records
from handlers.pipelines.steps.base import Notes, Step
from handlers.pipelines.steps.code import Code, CodeFailed
from handlers.pipelines.steps.pythontypes import as_variable, kind_of
from handlers.pipelines.steptypes import PythonSettings
from handlers.pipelines.values import Batch, Records, Value

ARRAYS = "NDARRAY"


@dataclass(frozen=True)
class Call:
    """Code, and the inputs that are its variables."""

    code: Code
    names: Sequence[str]  #: of the inputs
    output: str  #: name of what it gives
    by_input: bool  #: whether each input is the variable of that name


class PythonStep(Step):
    """Runs code for its inputs; each input has its own, or all are variables of one piece."""

    def __init__(self, config: StepConfig, folder: Path) -> None:
        """Compile the code, and set it up.

        Raises:
            Unusable: It cannot be.
        """
        super().__init__(config)
        self.calls = self._calls({name: Code(settings, folder) for name, settings in config.settings.items()})
        if missing := [name for name in self.output_names if name not in self._made()]:
            words = f"No code makes {listed(missing)}; several outputs of one piece have the names of its variables."
            raise Unusable(words, f"{config.place}/outputNames")

    def _calls(self, codes: Mapping[str, Code]) -> list[Call]:
        """Return which code is run on which inputs."""
        names = self.input_names
        if all(name in codes for name in names):
            return [Call(codes[name], [name], self.output_of(name), False) for name in names]
        if len(codes) > 1:
            missing = [name for name in names if name not in codes]
            raise Unusable(f"There is no code for {listed(missing)}.", f"{self.config.place}/pythonConfigs")
        (code,) = codes.values()
        known = {**code.settings.inputs, **code.settings.extra}
        if len(names) == 1 and names[0] not in known:
            return [Call(code, names, self.output_names[0], False)]
        if unknown := [name for name in names if name not in known]:
            words = f"'pythonInputs' has no {listed(unknown)}, which are inputs of the step."
            raise Unusable(words, f"{code.settings.place}/pythonInputs")
        return [Call(code, names, self.output_names[0], True)]

    def run(self, batch: Batch, notes: Notes) -> Batch:
        """Return what the code makes of the inputs.

        Raises:
            Refused: A value is missing, or is not of the type of its variable.
            CodeFailed: The code raises something, or does not make its outputs.
        """
        found: Batch = {}
        for call in self.calls:
            rows = rows_of(call, batch)
            made = [run_row(call.code, row, number) for number, row in enumerate(rows)]
            found |= self._outputs(call, made)
        return {name: found[name] for name in self.output_names}

    @property
    def _apart(self) -> bool:
        """Whether each output is a variable of the only piece of code."""
        return len(self.calls) == 1 and set(self.output_names) <= set(self.calls[0].code.settings.outputs)

    def _made(self) -> Sequence[str]:
        """Return the outputs that are made."""
        return self.output_names if self._apart else [call.output for call in self.calls]

    def _outputs(self, call: Call, made: Records) -> Batch:
        """Return what code has made, as outputs of the step: each variable its own, or all of them one."""
        outputs = call.code.settings.outputs
        if self._apart:
            return {name: one_variable(made, name, outputs[name]) for name in self.output_names}
        if len(outputs) == 1 and set(outputs.values()) == {ARRAYS} and not call.code.settings.return_inputs:
            return {call.output: one_variable(made, next(iter(outputs)), ARRAYS)}
        return {call.output: made}


def rows_of(call: Call, batch: Batch) -> Records:
    """Return the variables for each time that code is run: once for each record, or once for whole arrays."""
    settings = call.code.settings
    if not call.by_input:
        (name,) = call.names
        return rows_of_one(batch[name], settings, name)
    lists = {name: rows_of_named(batch[name], settings, name) for name in call.names}
    count = len(next(iter(lists.values())))
    if any(len(rows) != count for rows in lists.values()):
        raise Refused(f"The inputs {listed(call.names)} do not have as many rows as each other.")
    return [{name: rows[number][name] for name, rows in lists.items()} for number in range(count)]


def rows_of_one(value: Value, settings: PythonSettings, name: str) -> Records:
    """Return the variables that one input has."""
    if isinstance(value, list):
        return value
    variables = list(settings.inputs)
    if len(variables) == 1:
        return rows_of_named(value, settings, variables[0])
    if not variables:
        return [{}]
    return as_records(value, variables, name)


def rows_of_named(value: Value, settings: PythonSettings, variable: str) -> Records:
    """Return the values of one variable: an array is one, unless its elements are."""
    if isinstance(value, list):
        return value
    kind = {**settings.inputs, **settings.extra}[variable]
    if kind in ("NDARRAY", "LIST") or value.size == 1:
        return [{variable: value}]
    return as_records(value, [variable], variable)


def run_row(code: Code, row: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Return the outputs of code for one row."""
    settings = code.settings
    variables = {name: taken(row, name, kind, number) for name, kind in settings.inputs.items()}
    for name, kind in settings.extra.items():
        variables[name] = taken(row, name, kind, number) if row.get(name) is not None else None
    try:
        space = code(variables)
    except CodeFailed as failed:
        failed.place = f"/{number}"
        raise
    kinds = dict(settings.outputs)
    if settings.return_inputs:
        kinds = {**settings.inputs, **kinds} if kinds else kinds_made(space)
    return {name: given(space, name, kind, number) for name, kind in kinds.items()}


def kinds_made(space: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables that code has made, and their types, where it is to return all there are."""
    return {name: kind for name, value in space.items() if name[:1] != "_" and (kind := kind_of(value)) is not None}


def taken(row: Mapping[str, Any], name: str, kind: str, number: int) -> Any:
    """Return a value of a row as the variable that it is."""
    if name not in row:
        raise Refused(f"Row {number} has no {name!r}.", f"/{number}")
    try:
        return as_variable(row[name], kind)
    except ValueError as error:
        words = f"{name!r} in row {number} has to be {kind}, which is {error}; {shown(row[name])} is none."
        raise Refused(words, f"/{number}/{name}") from None


def given(space: Mapping[str, Any], name: str, kind: str, number: int) -> Any:
    """Return a variable that code has made."""
    if name not in space:
        raise CodeFailed(f"The code does not set {name!r}, which 'pythonOutputs' names.", f"/{number}")
    try:
        return as_variable(space[name], kind)
    except ValueError as error:
        words = f"The code sets {name!r} of row {number} to {shown(space[name])}; {kind} is {error}."
        raise CodeFailed(words, f"/{number}") from None


def one_variable(made: Records, name: str, kind: str) -> Value:
    """Return the values of one variable: arrays one on another, or the only one as it is; else records."""
    if kind != ARRAYS:
        return [{name: row[name]} for row in made]
    if len(made) == 1:
        return array_of(made[0][name], name)
    if len({row[name].shape for row in made}) > 1:
        raise CodeFailed(f"The arrays {name!r} of the rows do not have one shape.")
    return array_of([row[name] for row in made], name) if made else numpy.zeros((0,))


def shown(value: Any) -> str:
    """Return a value as it is told, not too much of it."""
    if isinstance(value, numpy.ndarray):
        return f"an array of shape {list(value.shape)}"
    return repr(value)[:100]
