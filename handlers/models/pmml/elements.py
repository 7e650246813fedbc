"""An element of a file, and what may stand in it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from handlers.models.pmml.errors import wrong


class Element:
    """An element: its name without namespace, its attributes, the elements in it, its text."""

    __slots__ = ("attributes", "children", "line", "tag", "text")

    def __init__(self, tag: str, attributes: dict[str, str], line: int) -> None:
        """Begin with nothing in it."""
        self.tag = tag
        self.attributes = attributes
        self.line = line
        self.children: list[Element] = []
        self.text = ""

    def all(self, *tags: str) -> Iterator[Element]:
        """Give the elements in it with one of these names."""
        return (child for child in self.children if child.tag in tags)

    def first(self, *tags: str) -> Element | None:
        """Return the first element in it with one of these names."""
        return next(self.all(*tags), None)

    def need(self, *tags: str) -> Element:
        """Return the first element in it with one of these names, of which there must be one.

        Raises:
            Unreadable: There is none.
        """
        found = self.first(*tags)
        if found is None:
            raise wrong(self, f"There is no {' or '.join(tags)} in it.")
        return found

    def only(self, *tags: str) -> None:
        """Refuse elements in it with other names, since leaving one out would change what the model says.

        Raises:
            Unreadable: There is one.
        """
        for child in self.children:
            if child.tag not in tags:
                raise wrong(child, f"this is not evaluated in {self.tag}.")

    def get(self, name: str, default: str = "") -> str:
        """Return an attribute as it stands."""
        return self.attributes.get(name, default)

    def text_of(self, name: str) -> str:
        """Return an attribute that must be there.

        Raises:
            Unreadable: It is not.
        """
        found = self.attributes.get(name)
        if found is None:
            raise wrong(self, f"The attribute {name} is missing.")
        return found

    def number(self, name: str, default: float | None = None) -> float:
        """Return an attribute that is a number; one without a default must be there.

        Raises:
            Unreadable: It is none, or missing.
        """
        if default is not None and name not in self.attributes:
            return default
        return as_number(self, self.text_of(name))

    def maybe_number(self, name: str) -> float | None:
        """Return an attribute that is a number; None: it is not there."""
        return self.number(name) if name in self.attributes else None

    def flag(self, name: str, default: bool) -> bool:
        """Return an attribute that is a truth value."""
        return self.choice(name, ("true", "false", "1", "0"), "true" if default else "false") in ("true", "1")

    def choice(self, name: str, allowed: Sequence[str], default: str | None = None) -> str:
        """Return an attribute that is one of some words; one without a default must be there.

        Raises:
            Unreadable: It is another, or missing.
        """
        found = self.text_of(name) if default is None else self.get(name, default)
        if found not in allowed:
            raise wrong(self, f"{name}={found[:100]!r} is not evaluated.")
        return found


def as_number(element: Element, text: str) -> float:
    """Return the number that a text in an element is.

    Raises:
        Unreadable: It is none, or no finite one.
    """
    try:
        found = float(text)
    except ValueError:
        raise wrong(element, f"{text[:100]!r} is no number.") from None
    if not math.isfinite(found):
        raise wrong(element, f"{text[:100]!r} is not finite.")
    return found
