"""What an action is: it makes a schema of a schema, and a row of each row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from handlers.pipelines.checks import Node
from handlers.pipelines.steps.datavec.schema import Row, Schema

Do = Callable[[Row], Row | None]  #: None: the row is dropped
Compile = Callable[[Node, Schema], tuple[Schema, Do]]


class Unfit(Exception):
    """A row has a value with which an action cannot be done; the words say so."""


def each(place: int, make: Callable[[Any], Any]) -> Do:
    """Return what puts another value into one column; null is another, too, where *make* takes it."""

    def do(row: Row) -> Row:
        changed = list(row)
        changed[place] = make(row[place])
        return changed

    return do


def there(value: Any) -> Any:
    """Return a value that is not null."""
    if value is None:
        raise Unfit("it is null")
    return value


def of_text(make: Callable[[str], Any]) -> Callable[[Any], Any]:
    """Return what makes something of a text, and nothing else."""

    def made(value: Any) -> Any:
        return make(as_java(there(value)))

    return made


def as_java(value: Any) -> str:
    """Return a value as Java writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else repr(value)


def literal(node: Node, member: str) -> Any:
    """Return a value of DataVec that is written in a configuration: as it is, or as `value` of a class."""
    value = node.get(member)
    if isinstance(value, dict) and "value" not in value and len(value) == 1:
        value = next(iter(value.values()))  # the older form has the class around it
    if isinstance(value, dict):
        value = value.get("value")
    if isinstance(value, list | dict):
        node.stop("This is no single value.", member)
    return value
