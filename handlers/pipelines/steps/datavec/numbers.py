"""Actions on numbers: arithmetic as Java does it, functions, normalisation."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any, Final

from handlers.models.coercions import as_int
from handlers.pipelines.checks import Node
from handlers.pipelines.steps.datavec.actions import Compile, Do, Unfit, each, there
from handlers.pipelines.steps.datavec.columns import once
from handlers.pipelines.steps.datavec.schema import NUMBERS, WHOLE, Column, Row, Schema, as_value

Operation = Callable[[Any, Any], Any]


def quotient(left: Any, right: Any) -> Any:
    """Return a quotient: of whole numbers cut off towards 0, of others as they are in IEEE 754."""
    if isinstance(left, int) and isinstance(right, int):
        if right == 0:
            raise Unfit("it would be divided by 0")
        cut = abs(left) // abs(right)
        return cut if (left < 0) == (right < 0) else -cut
    if right == 0:
        return math.nan if left == 0 or math.isnan(left) else math.copysign(math.inf, left) * math.copysign(1, right)
    return left / right


def remainder(left: Any, right: Any) -> Any:
    """Return a remainder, which has the sign of what was divided."""
    if isinstance(left, int) and isinstance(right, int):
        return left - right * quotient(left, right)
    return math.nan if right == 0 or math.isinf(left) else math.fmod(left, right)


OPERATIONS: Final[Mapping[str, Operation]] = {
    "Add": lambda left, right: left + right,
    "Subtract": lambda left, right: left - right,
    "Multiply": lambda left, right: left * right,
    "Divide": quotient,
    "Modulus": remainder,
    "ReverseSubtract": lambda left, right: right - left,
    "ReverseDivide": lambda left, right: quotient(right, left),
    "ScalarMin": min,
    "ScalarMax": max,
}
#: Operations on columns, and how many of them these take; 0: two or more.
ON_COLUMNS: Final[Mapping[str, int]] = {"Add": 0, "Subtract": 2, "Multiply": 0, "Divide": 2, "Modulus": 2}


def or_nan(function: Callable[[float], float]) -> Callable[[float], float]:
    """Return a function that gives NaN where Python raises an error."""

    def made(value: float) -> float:
        try:
            return float(function(value))
        except ValueError:
            return math.nan
        except OverflowError:
            return math.inf

    return made


def logarithm(function: Callable[[float], float]) -> Callable[[float], float]:
    """Return a logarithm that is minus infinity at 0."""
    return lambda value: -math.inf if value == 0 else or_nan(function)(value)


FUNCTIONS: Final[Mapping[str, Callable[[float], float]]] = {
    "ABS": abs,
    "CEIL": lambda value: float(math.ceil(value)) if math.isfinite(value) else value,
    "FLOOR": lambda value: float(math.floor(value)) if math.isfinite(value) else value,
    "LOG": logarithm(math.log),
    "LOG10": logarithm(math.log10),
    "SIGNUM": lambda value: value if value == 0 or math.isnan(value) else math.copysign(1.0, value),
    "SINH": lambda value: math.copysign(math.inf, value) if abs(value) > 711 else math.sinh(value),
    **{
        name: or_nan(getattr(math, name.lower()))
        for name in ("ACOS", "ASIN", "ATAN", "COS", "COSH", "EXP", "SIN", "SQRT", "TAN", "TANH")
    },
}


def scalar_op(kind: str) -> Compile:
    """Return an action that computes with one column and a number."""

    def compile_it(node: Node, schema: Schema) -> tuple[Schema, Do]:
        place = schema.place(node, "columnName")
        column = Column(schema.of_kind(place, NUMBERS, node).name, kind)
        operation = OPERATIONS[node.word("mathOp", OPERATIONS, "Add")]
        scalar = in_range(node.number("scalar"), column)
        return schema.changed(place, kind=kind), each(
            place, lambda value: in_range(operation(in_range(value, column), scalar), column)
        )

    return compile_it


def columns_op(kind: str) -> Compile:
    """Return an action that adds a column computed from others."""

    def compile_it(node: Node, schema: Schema) -> tuple[Schema, Do]:
        places = schema.places(node, "columns")
        for place in places:
            schema.of_kind(place, NUMBERS, node)
        name = node.word("mathOp", ON_COLUMNS, "Add")
        wanted = ON_COLUMNS[name]
        if len(places) < 2 or (wanted and len(places) != wanted):
            node.stop(f"{name} takes {'two' if wanted else 'two or more'} columns.", "columns")
        column = Column(node.needed("newColumnName"), kind)

        def do(row: Row) -> Row:
            values = [in_range(row[place], column) for place in places]
            return [*row, in_range(reduce(OPERATIONS[name], values), column)]

        return once((*schema.columns, column), node), do

    return compile_it


def function(kind: str) -> Compile:
    """Return an action that puts a function's value into a column."""

    def compile_it(node: Node, schema: Schema) -> tuple[Schema, Do]:
        place = schema.place(node, "columnName")
        schema.of_kind(place, NUMBERS, node)
        compute = FUNCTIONS[node.word("mathFunction", FUNCTIONS, "ABS")]
        return schema.changed(place, kind=kind), each(place, lambda value: compute(float(there(value))))

    return compile_it


def convert(kind: str) -> Compile:
    """Return an action that makes numbers of what a column holds."""

    def compile_it(node: Node, schema: Schema) -> tuple[Schema, Do]:
        place = schema.place(node, "columnName")
        column = Column(schema.columns[place].name, kind)

        def make(value: Any) -> Any:
            if kind == "Integer" and isinstance(value, float) and math.isfinite(value):
                value = int(value)
            return in_range(value, column)

        return schema.changed(place, kind=kind, states=()), each(place, make)

    return compile_it


def parse_doubles(_node: Node, schema: Schema) -> tuple[Schema, Do]:
    """Make numbers of all texts of a row."""
    texts = {place for place, column in enumerate(schema.columns) if column.kind == "String"}
    columns = tuple(
        Column(column.name, "Double") if place in texts else column for place, column in enumerate(schema.columns)
    )

    def do(row: Row) -> Row:
        return [in_range(value, columns[place]) if place in texts else value for place, value in enumerate(row)]

    return Schema(columns), do


def replace_invalid(*, empty_only: bool) -> Compile:
    """Return an action that puts a number in the place of what is none, or of what is empty."""

    def compile_it(node: Node, schema: Schema) -> tuple[Schema, Do]:
        place, number = schema.place(node, "columnName"), node.whole("value")

        def make(value: Any) -> Any:
            if value is None or value == "":
                return number
            try:
                return as_int(value)
            except (ValueError, TypeError):
                if empty_only:
                    raise Unfit(f"{str(value)[:100]!r} is no whole number") from None
                return number

        return schema.changed(place, kind="Integer"), each(place, make)

    return compile_it


def in_range(value: Any, column: Column) -> Any:
    """Return a number as one of a column, if it can be."""
    try:
        if column.kind in WHOLE and isinstance(value, float):
            value = int(value) if value == int(value) else value
        return as_value(there(value), column)
    except (ValueError, TypeError, OverflowError) as error:
        wanted = error if type(error) is ValueError else "a number"
        raise Unfit(f"{str(value)[:100]} is not {wanted}") from None


ACTIONS: Final[Mapping[str, Compile]] = {
    **{f"{kind}MathOpTransform": scalar_op(kind) for kind in NUMBERS},
    **{f"{kind}ColumnsMathOpTransform": columns_op(kind) for kind in NUMBERS},
    **{f"{kind}MathFunctionTransform": function(kind) for kind in ("Double", "Float")},
    "ParseDoubleTransform": parse_doubles,
    "ConvertToDouble": convert("Double"),
    "ConvertToFloat": convert("Float"),
    "ConvertToInteger": convert("Integer"),
    "ReplaceEmptyIntegerWithValueTransform": replace_invalid(empty_only=True),
    "ReplaceInvalidWithIntegerTransform": replace_invalid(empty_only=False),
}
