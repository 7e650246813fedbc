"""Actions on times, which are milliseconds since 1970."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo
from typing import Any, Final

from handlers.pipelines.checks import Node
from handlers.pipelines.steps.datavec.actions import Compile, Do, Unfit, as_java, each, there
from handlers.pipelines.steps.datavec.columns import once
from handlers.pipelines.steps.datavec.joda import FIELDS, NoPattern, Pattern, at, zone_of
from handlers.pipelines.steps.datavec.numbers import OPERATIONS, in_range
from handlers.pipelines.steps.datavec.schema import Column, Row, Schema

UNITS_MS: Final[Mapping[str, float]] = {
    "NANOSECONDS": 1e-6,
    "MICROSECONDS": 1e-3,
    "MILLISECONDS": 1,
    "SECONDS": 1_000,
    "MINUTES": 60_000,
    "HOURS": 3_600_000,
    "DAYS": 86_400_000,
}
FRACTION: Final = re.compile(r"\.\d+")
#: What is tried where no pattern is said; fractions of a second were taken out.
USUAL: Final = (
    *("yyyy-MM-dd'T'HH:mm:ss", "yyyy-MM-dd", "yyyy-MM-dd'T'HH:mm:ss'Z'", "yyyy-MM-dd'T'HH:mm:ssZ"),
    *("yyyy-MM-dd HH:mm:ss", "MM/dd/yyyy HH:mm:ss", "MM/dd/yyyy'T'HH:mm:ssZ", "MM/dd/yyyy'T'HH:mm:ss"),
    *("yyyy:MM:dd HH:mm:ss", "yyyyMMdd", "MM/dd/yyyy HH:mm"),
)


def from_string(node: Node, schema: Schema) -> tuple[Schema, Do]:
    """Make times of texts."""
    place = schema.place(node, "columnName")
    zone = zone_in(node, "timeZone")
    text = node.text("timeFormat")
    patterns = [pattern_in(node, "timeFormat", one, zone) for one in ([text] if text else USUAL)]
    least, most = node.whole("minValidTime", -(1 << 63)), node.whole("maxValidTime", (1 << 63) - 1)

    def make(value: Any) -> int:
        said = as_java(there(value)).strip()
        found = read(said if text else FRACTION.sub("", said), patterns)
        if not least <= found <= most:
            raise Unfit(f"{said[:100]!r} is not in the range of valid times")
        return found

    return schema.changed(place, kind="Time", zone=node.text("timeZone", "UTC")), each(place, make)


def read(text: str, patterns: Sequence[Pattern]) -> int:
    """Return the time of a text by the first pattern that it fits."""
    for pattern in patterns:
        try:
            return pattern.read(text)
        except ValueError:
            continue
    raise Unfit(f"{text[:100]!r} is no time as {patterns[0].text}{' or another usual form' * (len(patterns) > 1)}")


def math_op(node: Node, schema: Schema) -> tuple[Schema, Do]:
    """Add a duration to times, subtract one, or take the earlier or later."""
    place = schema.place(node, "columnName")
    column = schema.of_kind(place, ("Time",), node)
    operation = node.word("mathOp", ("Add", "Subtract", "ScalarMin", "ScalarMax"), "Add")
    amount = int(node.whole("timeQuantity") * UNITS_MS[node.word("timeUnit", UNITS_MS, "MILLISECONDS")])
    compute = OPERATIONS[operation]
    return schema, each(place, lambda value: in_range(compute(there(value), amount), column))


def derive(node: Node, schema: Schema) -> tuple[Schema, Do]:
    """Add columns with parts of a time, or with the time as a text."""
    place = schema.place(node, "columnName")
    column = schema.of_kind(place, ("Time",), node)
    after = schema.place(node, "insertAfter") if node.get("insertAfter") is not None else place
    zone = zone_named(node, node.text("inputTimeZone") or column.zone, "inputTimeZone")
    derived = [derived_column(one, zone) for one in node.items("derivedColumns")]
    if not derived:
        node.stop("There is no column: 'derivedColumns' is missing or empty.")
    columns = (*schema.columns[: after + 1], *(one for one, _ in derived), *schema.columns[after + 1 :])

    def do(row: Row) -> Row:
        try:
            made = [make(there(row[place])) for _, make in derived]
        except ValueError as error:
            raise Unfit(f"it is not {error}") from None
        return [*row[: after + 1], *made, *row[after + 1 :]]

    return once(columns, node), do


def derived_column(node: Node, zone: tzinfo) -> tuple[Column, Callable[[int], Any]]:
    """Return a column that is derived from a time, and what makes its value."""
    name = node.needed("columnName")
    if node.word("columnType", ("String", "Integer"), "Integer") == "String":
        own = zone_in(node, "dateTimeZone") if node.get("dateTimeZone") is not None else zone
        return Column(name, "String"), pattern_in(node, "format", node.needed("format"), own).write
    inner = node.at("fieldType")
    field = inner.text("fieldType") if isinstance(inner.value, dict) else node.text("fieldType")
    if field not in FIELDS:
        node.stop(f"A field {field[:100]!r} is not known.", "fieldType")
    return Column(name, "Integer"), lambda millis: FIELDS[field](at(millis, zone))


def pattern_in(node: Node, member: str, text: str, zone: tzinfo) -> Pattern:
    """Return a pattern that a member says."""
    try:
        return Pattern(text, zone)
    except NoPattern as error:
        node.stop(str(error), member)


def zone_in(node: Node, member: str) -> tzinfo:
    """Return the time zone that a member names; UTC where there is none."""
    return zone_named(node, node.text(member, "UTC"), member)


def zone_named(node: Node, name: str, member: str) -> tzinfo:
    """Return a time zone by its name."""
    try:
        return zone_of(name)
    except NoPattern as error:
        node.stop(str(error), member)


ACTIONS: Final[Mapping[str, Compile]] = {
    "DeriveColumnsFromTimeTransform": derive,
    "StringToTimeTransform": from_string,
    "TimeMathOpTransform": math_op,
}
