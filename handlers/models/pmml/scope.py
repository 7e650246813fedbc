"""Which fields an element can name, and where in a row their values stand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from handlers.models.pmml.elements import Element
from handlers.models.pmml.errors import wrong
from handlers.models.pmml.kinds import CASTS, NUMERIC, Cast

Row = list[Any]
Expression = Callable[[Row], Any]  #: gives a value; None where it is missing
Step = Callable[[Row], None]  #: puts a value into the row

EXPRESSIONS: Final = 50_000  #: that are put in where functions of the file are called
DEPTH: Final = 100  #: of expressions in each other, those of such functions included


@dataclass(frozen=True)
class Field:
    """A field that has values."""

    name: str
    slot: int
    kind: str = "double"
    optype: str = "continuous"
    values: Sequence[Any] = ()  #: those it may have, in their order; empty where any will do

    @property
    def cast(self) -> Cast:
        """Return what makes a value of its type."""
        return CASTS[self.kind]

    @property
    def numeric(self) -> bool:
        """Tell whether its values are numbers."""
        return self.kind in NUMERIC


@dataclass
class Program:
    """What all scopes of a file share."""

    slots: int = 0
    functions: dict[str, Element] = field(default_factory=dict)
    expressions: int = 0
    calls: int = 0  #: of functions of the file that are being put in
    depth: int = 0

    def slot(self) -> int:
        """Return a place in the row that nothing else has."""
        self.slots += 1
        return self.slots - 1

    def spend(self, element: Element) -> None:
        """Count an expression; functions that call functions could make of a small file any number of them.

        Raises:
            Unreadable: There are too many.
        """
        self.expressions += self.calls > 0
        if self.expressions > EXPRESSIONS or self.depth > DEPTH:
            raise wrong(element, "The functions of the file make too much of it.")


class Scope:
    """Fields by name; a model in a model sees those of the outer one, too."""

    def __init__(self, program: Program, outer: Scope | None = None) -> None:
        """Begin with what *outer* has."""
        self.program = program
        self._outer = outer
        self._fields: dict[str, Field] = {}

    def find(self, name: str) -> Field | None:
        """Return a field; None: there is none of this name."""
        scope: Scope | None = self
        while scope is not None:
            if (found := scope._fields.get(name)) is not None:
                return found
            scope = scope._outer
        return None

    def need(self, element: Element, name: str) -> Field:
        """Return a field that an element names.

        Raises:
            Unreadable: There is none.
        """
        found = self.find(name)
        if found is None:
            raise wrong(element, f"There is no field {name[:100]!r} that it could use.")
        return found

    def of(self, element: Element, attribute: str = "field") -> Field:
        """Return the field that an attribute names."""
        return self.need(element, element.text_of(attribute))

    def add(self, name: str, kind: str = "double", optype: str = "continuous", values: Sequence[Any] = ()) -> Field:
        """Give a new field a place in the row; it hides an outer one of the same name."""
        return self.share(Field(name, self.program.slot(), kind, optype, values))

    def share(self, known: Field, name: str | None = None) -> Field:
        """Let a field of another scope be named here."""
        self._fields[known.name if name is None else name] = known
        return known
