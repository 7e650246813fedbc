"""Actions on categories: to numbers, to columns of 0 and 1, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from handlers.pipelines.checks import Node, listed
from handlers.pipelines.steps.datavec.actions import Compile, Do, Unfit, as_java, each, of_text, there
from handlers.pipelines.steps.datavec.columns import once
from handlers.pipelines.steps.datavec.schema import Column, Row, Schema

MOST_COLUMNS: Final = 10_000


def category(states: Sequence[str]) -> Mapping[str, int]:
    """Return the number of each category."""
    return {state: number for number, state in enumerate(states)}


def number_of(value: Any, numbers: Mapping[str, int]) -> int:
    """Return the number of a category."""
    text = as_java(there(value))
    if text not in numbers:
        raise Unfit(f"{text[:100]!r} is none of the categories {listed(list(numbers))}")
    return numbers[text]


def to_integer(node: Node, schema: Schema) -> tuple[Schema, Do]:
    """Put its number in the place of a category."""
    place = schema.place(node, "columnName")
    numbers = category(schema.of_kind(place, ("Categorical",), node).states)
    after = schema.changed(place, kind="Integer", states=())
    return after, each(place, lambda value: number_of(value, numbers))


def to_one_hot(node: Node, schema: Schema) -> tuple[Schema, Do]:
    """Put a column for each category in the place of one: 1 where a row is of it, else 0."""
    place = schema.place(node, "columnName")
    column = schema.of_kind(place, ("Categorical",), node)
    numbers = category(column.states)
    return one_hot(node, schema, place, list(column.states), lambda value: number_of(value, numbers))


def integer_to_one_hot(node: Node, schema: Schema) -> tuple[Schema, Do]:
    """Put a column for each number from one to another in the place of one."""
    place = schema.place(node, "columnName")
    schema.of_kind(place, ("Integer", "Long"), node)
    least, most = node.whole("minValue"), node.whole("maxValue")
    if not 0 <= most - least < MOST_COLUMNS:
        node.stop(f"From {least} to {most} is no column, or more than {MOST_COLUMNS}.", "maxValue")

    def number(value: Any) -> int:
        if not least <= there(value) <= most:
            raise Unfit(f"{value} is not from {least} to {most}")
        return int(value) - least

    return one_hot(node, schema, place, [str(one) for one in range(least, most + 1)], number)


def one_hot(node: Node, schema: Schema, place: int, states: Sequence[str], number: Any) -> tuple[Schema, Do]:
    """Return what puts columns of 0 and 1 in the place of one."""
    name = schema.columns[place].name
    after = schema.with_column(place, *(Column(f"{name}[{state}]", "Integer") for state in states))

    def do(row: Row) -> Row:
        hot = number(row[place])
        return [*row[:place], *(int(one == hot) for one in range(len(states))), *row[place + 1 :]]

    return once(after.columns, node), do


def from_integer(node: Node, schema: Schema) -> tuple[Schema, Do]:
    """Put a category in the place of its number."""
    place = schema.place(node, "columnName")
    states: dict[str, str] = node.texts_by_name("map")
    after = schema.changed(place, kind="Categorical", states=tuple(states.values()))

    def make(value: Any) -> str:
        if str(there(value)) not in states:
            raise Unfit(f"{value} is the number of no category")
        return states[str(value)]

    return after, each(place, make)


def from_string(node: Node, schema: Schema) -> tuple[Schema, Do]:
    """Make a text a category; it stays the text that it is."""
    place = schema.place(node, "columnName")
    states = node.texts("stateNames")
    if not states:
        node.stop("'stateNames' is missing or empty.")
    return schema.changed(place, kind="Categorical", states=states), each(place, of_text(str))


def list_to_set(node: Node, schema: Schema) -> tuple[Schema, Do]:
    """Put a column for each possible part of a text in the place of it: whether the text has that part."""
    place = schema.place(node, "columnName")
    names, tokens = node.texts("newColumnNames"), node.texts("categoryTokens")
    between = node.needed("delimiter")
    if len(names) != len(tokens) or not names or not between:
        node.stop("'newColumnNames' and 'categoryTokens' are not as many as each other, or a member is empty.")
    after = schema.with_column(place, *(Column(name, "Categorical", ("true", "false")) for name in names))

    def do(row: Row) -> Row:
        text = as_java(there(row[place]))
        parts = [part.strip() for part in text.split(between)] if text else []
        if unknown := [part for part in parts if part not in tokens]:
            raise Unfit(f"{unknown[0][:100]!r} is none of {listed(tokens)}")
        return [*row[:place], *(as_java(token in parts) for token in tokens), *row[place + 1 :]]

    return once(after.columns, node), do


ACTIONS: Final[Mapping[str, Compile]] = {
    "CategoricalToIntegerTransform": to_integer,
    "CategoricalToOneHotTransform": to_one_hot,
    "IntegerToCategoricalTransform": from_integer,
    "IntegerToOneHotTransform": integer_to_one_hot,
    "StringListToCategoricalSetTransform": list_to_set,
    "StringToCategoricalTransform": from_string,
}
