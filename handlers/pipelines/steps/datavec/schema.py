"""Schemas: the columns of rows, and how a value becomes one of a column."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy

from handlers.models.coercions import as_bool, as_float, as_int, as_str
from handlers.pipelines.checks import Node, listed
from handlers.pipelines.steps.pythontypes import as_ndarray, plain

WHOLE: Final[Mapping[str, int]] = {"Integer": 1 << 31, "Long": 1 << 63}
NUMBERS: Final = ("Integer", "Long", "Double", "Float")
#: Classes of metadata, without their ending, and the type of the column.
METADATA: Final[Mapping[str, str]] = {
    **{kind: kind for kind in (*NUMBERS, "String", "Categorical", "Time", "Boolean", "NDArray")},
    "Binary": "Bytes",
}

Row = list[Any]


@dataclass(frozen=True)
class Column:
    """A column."""

    name: str
    kind: str  #: as `SchemaType` has it
    states: tuple[str, ...] = ()  #: values of a categorical one, in order
    zone: str = "UTC"  #: of a time


@dataclass(frozen=True)
class Schema:
    """The columns of a row, in order."""

    columns: tuple[Column, ...]

    @property
    def names(self) -> list[str]:
        """Names of the columns."""
        return [column.name for column in self.columns]

    def place(self, node: Node, member: str) -> int:
        """Return the place of the column that a member names."""
        return self.place_of(node.needed(member), node, member)

    def places(self, node: Node, member: str) -> list[int]:
        """Return the places of the columns that a member lists; at least one."""
        names = node.texts(member)
        if not names:
            node.stop("No column is named.", member)
        return [self.place_of(name, node, member) for name in names]

    def place_of(self, name: str, node: Node, member: str) -> int:
        """Return the place of a column; *member* of *node* has named it."""
        if name not in self.names:
            node.stop(f"There is no column {name[:100]!r} here; there are {listed(self.names)}.", member)
        return self.names.index(name)

    def of_kind(self, place: int, kinds: Sequence[str], node: Node) -> Column:
        """Return a column that has one of some types."""
        column = self.columns[place]
        if column.kind not in kinds:
            node.stop(f"The column {column.name[:100]!r} is {column.kind}; it needs to be {listed(kinds)}.")
        return column

    def with_column(self, place: int, *columns: Column) -> Schema:
        """Return a schema in which others stand in the place of a column."""
        return Schema((*self.columns[:place], *columns, *self.columns[place + 1 :]))

    def changed(self, place: int, **changes: Any) -> Schema:
        """Return a schema in which a column is another."""
        return self.with_column(place, replace(self.columns[place], **changes))

    def and_then(self, *columns: Column) -> Schema:
        """Return a schema with further columns at its end."""
        return Schema((*self.columns, *columns))


def named(node: Node) -> tuple[str, Node]:
    """Return the short name of the Java class of an object, and where its members are.

    Raises:
        Unusable: It names none.
    """
    value = node.value
    if isinstance(value, dict) and isinstance(value.get("@class"), str):
        return value["@class"].rpartition(".")[2], node
    if isinstance(value, dict) and len(value) == 1:
        (name,) = value
        return name, node.at(name)
    node.stop("This names no class of DataVec.")


def read_schema(node: Node) -> Schema:
    """Return the schema that is written in a configuration.

    Raises:
        Unusable: It cannot be read, or has columns of a type that is not served.
    """
    columns = tuple(read_column(one) for one in node.items("columns"))
    if not columns:
        node.stop("There is no column: 'columns' is missing or empty.")
    if len({column.name for column in columns}) < len(columns):
        node.stop("A column stands here twice.", "columns")
    return Schema(columns)


def read_column(node: Node) -> Column:
    """Return a column."""
    name, members = named(node)
    kind = METADATA.get(name.removesuffix("MetaData"))
    if kind is None:
        node.stop(f"Columns of {name[:100]!r} are not served.")
    states = members.texts("stateNames")
    if kind == "Categorical" and not states:
        members.stop("'stateNames' is missing or empty.")
    return Column(members.needed("name"), kind, states, members.text("timeZone", "UTC"))


def as_value(value: Any, column: Column) -> Any:
    """Return a value as one of a column; null stays.

    Raises:
        ValueError: It is none; the words say what is wanted.
    """
    if value is None:
        return None
    try:
        return VALUES[column.kind](value)
    except TypeError:  # a list or an object
        raise ValueError("a single value") from None


def whole(kind: str) -> Callable[[Any], int]:
    """Return what makes a whole number of so many bits as Java has."""

    def made(value: Any) -> int:
        found = as_int(plain(value))
        if not -WHOLE[kind] <= found < WHOLE[kind]:
            raise ValueError("a whole number of 32 bits" if kind == "Integer" else "a whole number of 64 bits")
        return found

    return made


def as_text(value: Any) -> str:
    """Return a value as a text, as Java writes it."""
    value = plain(value)
    if isinstance(value, list | dict):
        raise ValueError("a text")
    return as_str(value)


def float32(value: Any) -> float:
    """Return the number of 32 bits that is next to a number."""
    with numpy.errstate(over="ignore"):
        return float(numpy.float32(as_float(plain(value))))


VALUES: Final[Mapping[str, Callable[[Any], Any]]] = {
    "Integer": whole("Integer"),
    "Long": whole("Long"),
    "Time": whole("Long"),
    "Double": lambda value: as_float(plain(value)),
    "Float": float32,
    "String": as_text,
    "Categorical": as_text,
    "Boolean": lambda value: as_bool(plain(value)),
    "NDArray": as_ndarray,
    "Bytes": lambda value: value,
}
