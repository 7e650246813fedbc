"""Columns of the inputs and outputs of a step, and their types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from handlers.pipelines.checks import Node, listed
from handlers.pipelines.steptypes import PythonSettings, TransformSettings

DEFAULT: Final = "default"  #: name of an input or output for which none is said
SCHEMA_TYPES: Final = (
    *("String", "Integer", "Long", "Double", "Float", "Categorical"),
    *("Time", "Bytes", "Boolean", "NDArray", "Image"),
)
#: What a variable of Python is as a column.
PYTHON_COLUMNS: Final[Mapping[str, str]] = {
    "BOOL": "Boolean",
    "STR": "String",
    "INT": "Integer",
    "FLOAT": "Float",
    "NDARRAY": "NDArray",
    "LIST": "NDArray",
    "DICT": "String",
}
META: Final = "MetaData"

Columns: TypeAlias = Mapping[str, str]  #: type of each column, by its name, in order; empty: it is not said


def columns_of(node: Node, side: str, settings: Any) -> dict[str, Columns]:
    """Return the columns of each input or output of a step.

    Args:
        node: The step.
        side: `input` or `output`.
        settings: Of the step; they may say the columns where the step does not.
    """
    names = node.lists_by_name(f"{side}ColumnNames")
    types = node.lists_by_name(f"{side}Schemas")
    found: dict[str, Columns] = dict(implied(settings, side))
    for name, columns in names.items():
        if len(set(columns)) < len(columns):
            node.at(f"{side}ColumnNames").wrong("A column stands here twice.", name)
        kinds = types.get(name, ())
        if kinds and len(kinds) != len(columns):
            words = f"There are {len(columns)} columns and {len(kinds)} types."
            node.at(f"{side}Schemas").wrong(words, name)
        known = dict(found.get(name, {})) if not kinds else dict(zip(columns, kinds, strict=False))
        found[name] = {column: known.get(column, "") for column in columns}
    for name, kinds in types.items():
        for kind in kinds:
            if kind not in SCHEMA_TYPES:
                words = f"{kind[:100]!r} is none of {listed(SCHEMA_TYPES)}."
                node.at(f"{side}Schemas").wrong(words, name)
    return {name: columns for name, columns in found.items() if columns}


def implied(settings: Any, side: str) -> dict[str, Columns]:
    """Return the columns that the settings of a step speak of."""
    if isinstance(settings, TransformSettings) and side == "input":
        return {name: schema_columns(process) for name, process in settings.processes.items()}
    if not isinstance(settings, Mapping):
        return {}
    return {name: python_columns(code, side) for name, code in settings.items()}


def python_columns(code: PythonSettings, side: str) -> Columns:
    """Return the variables of some code as columns."""
    variables = code.inputs if side == "input" else code.outputs
    return {name: PYTHON_COLUMNS[kind] for name, kind in variables.items()}


def schema_columns(process: Node) -> Columns:
    """Return the columns of the schema with which a process of DataVec begins, as far as it can be read."""
    schema = process.get("initialSchema")
    columns = schema.get("columns") if isinstance(schema, dict) else None
    found = {}
    for column in columns if isinstance(columns, list) else ():
        if isinstance(column, dict) and isinstance(column.get("name"), str):
            kind = str(column.get("@class", "")).rpartition(".")[2].removesuffix(META)
            found[column["name"]] = kind if kind in SCHEMA_TYPES else ""
    return found
