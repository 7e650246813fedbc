"""Actions on columns as a whole: rename, remove, reorder, duplicate, add."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from handlers.pipelines.checks import Node
from handlers.pipelines.steps.datavec.actions import Compile, Do, literal
from handlers.pipelines.steps.datavec.schema import METADATA, Column, Row, Schema, as_value


def rename(node: Node, schema: Schema) -> tuple[Schema, Do]:
    """Give columns other names."""
    old, new = schema.places(node, "oldNames"), node.texts("newNames")
    if len(old) != len(new):
        node.stop("'oldNames' and 'newNames' are not as many as each other.")
    names = dict(zip(old, new, strict=True))
    columns = tuple(replace(column, name=names.get(place, column.name)) for place, column in enumerate(schema.columns))
    return once(columns, node), lambda row: row


def remove(node: Node, schema: Schema) -> tuple[Schema, Do]:
    """Leave columns out."""
    gone = set(schema.places(node, "columnsToRemove"))
    return picked(schema, [place for place in range(len(schema.columns)) if place not in gone])


def keep(node: Node, schema: Schema) -> tuple[Schema, Do]:
    """Leave all other columns out."""
    kept = set(schema.places(node, "columnsToKeep"))
    return picked(schema, [place for place in range(len(schema.columns)) if place in kept])


def reorder(node: Node, schema: Schema) -> tuple[Schema, Do]:
    """Put columns first; those that are not named follow in their order."""
    first = schema.places(node, "newOrder")
    if len(set(first)) < len(first):
        node.stop("A column stands here twice.", "newOrder")
    return picked(schema, [*first, *(place for place in range(len(schema.columns)) if place not in first)])


def duplicate(node: Node, schema: Schema) -> tuple[Schema, Do]:
    """Put a copy behind columns."""
    old, new = schema.places(node, "columnsToDuplicate"), node.texts("newColumnNames")
    if len(old) != len(new):
        node.stop("'columnsToDuplicate' and 'newColumnNames' are not as many as each other.")
    names = dict(zip(old, new, strict=True))
    columns: list[Column] = []
    places: list[int] = []
    for place, column in enumerate(schema.columns):
        columns.append(column)
        places.append(place)
        if place in names:
            columns.append(replace(column, name=names[place]))
            places.append(place)
    return once(tuple(columns), node), lambda row: [row[place] for place in places]


def constant(node: Node, schema: Schema) -> tuple[Schema, Do]:
    """Add a column that has one value in all rows."""
    column = Column(node.needed("newColumnName"), node.word("newColumnType", tuple(METADATA.values()), "String"))
    try:
        value = as_value(literal(node, "fixedValue"), column)
    except ValueError as error:
        node.stop(f"This has to be {error}.", "fixedValue")
    return once((*schema.columns, column), node), lambda row: [*row, value]


def picked(schema: Schema, places: Sequence[int]) -> tuple[Schema, Do]:
    """Return what picks columns, in an order."""

    def do(row: Row) -> Row:
        return [row[place] for place in places]

    return Schema(tuple(schema.columns[place] for place in places)), do


def once(columns: tuple[Column, ...], node: Node) -> Schema:
    """Return a schema of columns whose names are all there once."""
    names = [column.name for column in columns]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        node.stop(f"There would be two columns {twice[:100]!r}.")
    return Schema(columns)


ACTIONS: Final[Mapping[str, Compile]] = {
    "RenameColumnsTransform": rename,
    "RemoveColumnsTransform": remove,
    "RemoveAllColumnsExceptForTransform": keep,
    "ReorderColumnsTransform": reorder,
    "DuplicateColumnsTransform": duplicate,
    "AddConstantColumnTransform": constant,
}
