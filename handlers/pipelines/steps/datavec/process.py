"""A process: a schema, and actions that are done one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from handlers.pipelines.checks import Node
from handlers.pipelines.faults import Refused
from handlers.pipelines.steps.datavec import categories, columns, conditions, numbers, scaling, strings, times
from handlers.pipelines.steps.datavec.actions import Compile, Do, Unfit
from handlers.pipelines.steps.datavec.schema import Row, Schema, as_value, named, read_schema
from handlers.pipelines.values import Records

MOST_ACTIONS: Final = 1000
TRANSFORMS: Final[Mapping[str, Compile]] = {
    **categories.ACTIONS,
    **columns.ACTIONS,
    **conditions.ACTIONS,
    **numbers.ACTIONS,
    **scaling.ACTIONS,
    **strings.ACTIONS,
    **times.ACTIONS,
}
#: What an action may be, by the member that holds it.
SERVED: Final[Mapping[str, Mapping[str, Compile]]] = {"transform": TRANSFORMS, "filter": conditions.FILTERS}
#: Transforms that mend what is no number, so that it must be let in.
MENDS: Final = ("ReplaceInvalidWithIntegerTransform", "ReplaceEmptyIntegerWithValueTransform")


class Process:
    """A transform process of DataVec, compiled."""

    def __init__(self, node: Node) -> None:
        """Compile a process.

        Raises:
            Unusable: Its schema cannot be read, or an action is not served, or does not fit the columns that it finds.
        """
        self.first = read_schema(node.at("initialSchema"))
        self._mended: set[str] = set()
        self._actions: list[tuple[str, Do]] = []
        schema = self.first
        actions = node.items("actionList")
        if len(actions) > MOST_ACTIONS:
            node.stop(f"There are more than {MOST_ACTIONS} actions.", "actionList")
        for action in actions:
            schema = self._add(action, schema)
        node.faults.check()
        self.last = schema

    def _add(self, action: Node, schema: Schema) -> Schema:
        """Compile an action; return the schema after it."""
        written = action.value if isinstance(action.value, dict) else {}
        there = [name for name, value in written.items() if value is not None]
        kind = there[0] if len(there) == 1 else ""
        if kind not in SERVED:
            words = f"{kind!r} is not served" if kind else "This is not one action"
            action.stop(f"{words}; an action is a 'transform' or a 'filter'.")
        name, members = named(action.at(kind))
        if name not in SERVED[kind]:
            action.at(kind).stop(f"The {kind} {name[:100]!r} is not served.")
        if name in MENDS:
            self._mended.add(members.text("columnName"))
        after, do = SERVED[kind][name](members, schema)
        members.faults.check()
        self._actions.append((name, do))
        return after

    def run(self, records: Records) -> Records:
        """Return records after all actions; those that a filter drops are left out.

        Raises:
            Refused: A value is missing or of the wrong type, or an action cannot be done with it.
        """
        names = self.last.names
        found = []
        for number, record in enumerate(records):
            row = self._done(self._taken(record, number), number)
            if row is not None:
                found.append(dict(zip(names, row, strict=True)))
        return found

    def _taken(self, record: Mapping[str, Any], number: int) -> Row:
        """Return a record as a row of the first schema."""
        row: Row = []
        for column in self.first.columns:
            if column.name not in record:
                raise Refused(f"Row {number} has no {column.name!r}.", f"/{number}")
            value = record[column.name]
            try:
                row.append(as_value(value, column))
            except ValueError as error:
                if column.name in self._mended:
                    row.append(value)
                    continue
                words = f"{column.name!r} in row {number} has to be {error}; {repr(value)[:100]} is none."
                raise Refused(words, f"/{number}/{column.name}") from None
        return row

    def _done(self, row: Row | None, number: int) -> Row | None:
        """Return a row after all actions; None: it was dropped."""
        for name, do in self._actions:
            if row is None:
                return None
            try:
                row = do(row)
            except Unfit as unfit:
                raise Refused(f"{name} cannot be done with row {number}: {unfit}.", f"/{number}") from None
            except (ArithmeticError, ValueError, TypeError) as error:
                words = f"{name} cannot be done with row {number}: {str(error)[:200]}."
                raise Refused(words, f"/{number}") from None
        return row
