"""Conditions on rows, and the actions that have one."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from handlers.pipelines.checks import Node
from handlers.pipelines.steps.datavec.actions import Compile, Do, Unfit, as_java, literal, there
from handlers.pipelines.steps.datavec.schema import Column, Row, Schema, as_value, named
from handlers.pipelines.steps.datavec.strings import pattern_in

Test = Callable[[Row], bool]

COMPARISONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "LessThan": operator.lt,
    "LessOrEqual": operator.le,
    "GreaterThan": operator.gt,
    "GreaterOrEqual": operator.ge,
    "Equal": operator.eq,
    "NotEqual": operator.ne,
}
SETS: Final = ("InSet", "NotInSet")
#: Conditions that compare a column, and the type as which they do so.
COMPARED: Final[Mapping[str, str]] = {
    f"{kind}ColumnCondition": kind for kind in ("Categorical", "Double", "Float", "Integer", "Long", "String", "Time")
}
TEXTS: Final = ("Categorical", "String")
DEPTH: Final = 20  #: of conditions in conditions


def condition(node: Node, schema: Schema, depth: int = DEPTH) -> Test:
    """Return a condition.

    Raises:
        Unusable: It is none that is known, or is deeper than is allowed.
    """
    name, members = named(node)
    if depth == 0:
        node.stop(f"There are more than {DEPTH} conditions in each other.")
    if name == "BooleanCondition":
        return combined(members, schema, depth)
    if name in COMPARED:
        return compared(members, schema, COMPARED[name])
    if name not in SINGLE:
        node.stop(f"The condition {name[:100]!r} is not served.")
    return SINGLE[name](members, schema)


def combined(node: Node, schema: Schema, depth: int) -> Test:
    """Return a condition of conditions."""
    tests = [condition(one, schema, depth - 1) for one in node.items("conditions")]
    kind = node.word("type", ("AND", "OR", "NOT", "XOR"), "AND")
    wanted = {"NOT": 1, "XOR": 2}.get(kind)
    if not tests or (wanted and len(tests) != wanted):
        node.stop(f"{kind} takes {wanted or 'one or more'} conditions.", "conditions")
    if kind == "NOT":
        return lambda row: not tests[0](row)
    if kind == "XOR":
        return lambda row: tests[0](row) != tests[1](row)
    every = all if kind == "AND" else any
    return lambda row: every(test(row) for test in tests)


def compared(node: Node, schema: Schema, kind: str) -> Test:
    """Return a condition that compares a column with a value, or with several."""
    place = schema.place(node, "columnName")
    column = Column(schema.columns[place].name, kind)
    name = node.word("op", (*COMPARISONS, *SETS), "Equal")
    if kind in TEXTS and name in COMPARISONS and name not in ("Equal", "NotEqual"):
        node.stop("Texts are the same, or are not; one is not less than another.", "op")
    if name in SETS:
        members = node.get("set")
        if not isinstance(members, list):
            node.stop("This is no list of values.", "set")
        values = frozenset(value_in(node, "set", one, column) for one in members)
        return lambda row: (cell(row[place], column) in values) == (name == "InSet")
    value = value_in(node, "value", literal(node, "value"), column)
    return lambda row: COMPARISONS[name](cell(row[place], column), value)


def value_in(node: Node, member: str, value: Any, column: Column) -> Any:
    """Return a value of a configuration as one of a column."""
    try:
        found = as_value(value, column)
    except ValueError as error:
        node.stop(f"This has to be {error}.", member)
    if found is None:
        node.stop(f"{member!r} is missing.")
    return found


def cell(value: Any, column: Column) -> Any:
    """Return a value of a row as the type as which it is compared."""
    try:
        return as_value(there(value), column)
    except ValueError as error:
        raise Unfit(f"{str(value)[:100]!r} is not {error}") from None


def is_null(node: Node, schema: Schema) -> Test:
    """Return whether a column is null."""
    place = schema.place(node, "columnName")
    return lambda row: row[place] is None


def is_float(test: Callable[[float], bool]) -> Callable[[Node, Schema], Test]:
    """Return a condition on the number of a column."""

    def made(node: Node, schema: Schema) -> Test:
        place = schema.place(node, "columnName")
        return lambda row: isinstance(row[place], float) and test(row[place])

    return made


def matches(node: Node, schema: Schema) -> Test:
    """Return whether the whole text of a column matches a regular expression."""
    place = schema.place(node, "columnName")
    pattern = pattern_in(node, node.needed("regex"), name="regex")
    return lambda row: pattern.fullmatch(as_java(there(row[place]))) is not None


def replace(node: Node, schema: Schema) -> tuple[Schema, Do]:
    """Put a value into a column where a condition holds."""
    place = schema.place(node, "columnToReplace")
    value = value_in(node, "newValue", literal(node, "newValue"), schema.columns[place])
    return schema, where(condition(node.at("condition"), schema), place, lambda _row: value, None)


def replace_either(node: Node, schema: Schema) -> tuple[Schema, Do]:
    """Put one value into a column where a condition holds, and another where it does not."""
    place = schema.place(node, "columnToReplace")
    column = schema.columns[place]
    yes = value_in(node, "yesVal", literal(node, "yesVal"), column)
    no = value_in(node, "noVal", literal(node, "noVal"), column)
    member = "condiiton" if node.get("condition") is None else "condition"  # DataVec itself reads the misspelt name
    return schema, where(condition(node.at(member), schema), place, lambda _row: yes, lambda _row: no)


def copy(node: Node, schema: Schema) -> tuple[Schema, Do]:
    """Put the value of another column into one where a condition holds."""
    place, source = schema.place(node, "columnToReplace"), schema.place(node, "sourceColumn")
    return schema, where(condition(node.at("condition"), schema), place, lambda row: row[source], None)


def where(test: Test, place: int, yes: Callable[[Row], Any], no: Callable[[Row], Any] | None) -> Do:
    """Return what puts values into a column by a condition."""

    def do(row: Row) -> Row:
        make = yes if test(row) else no
        return row if make is None else [*row[:place], make(row), *row[place + 1 :]]

    return do


def drop(node: Node, schema: Schema) -> tuple[Schema, Do]:
    """Leave out the rows for which a condition holds."""
    test = condition(node.at("condition"), schema)
    return schema, lambda row: None if test(row) else row


SINGLE: Final[Mapping[str, Callable[[Node, Schema], Test]]] = {
    "InfiniteColumnCondition": is_float(math.isinf),
    "NaNColumnCondition": is_float(math.isnan),
    "NullWritableColumnCondition": is_null,
    "StringRegexColumnCondition": matches,
}
ACTIONS: Final[Mapping[str, Compile]] = {
    "ConditionalCopyValueTransform": copy,
    "ConditionalReplaceValueTransform": replace,
    "ConditionalReplaceValueTransformWithDefault": replace_either,
}
FILTERS: Final[Mapping[str, Compile]] = {"ConditionFilter": drop}
