"""Values that an audit log must not hold, by the names of inputs and outputs.

An input may have two names, the file's and its owner's, and a model without names takes any. What may be meant by a
name that is masked is masked under all others, and where that cannot be told, everything is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from handlers.models.features import Parameter, Shape
from handlers.models.tensors import NAMES

MASK: Final = "…"


class Masks:
    """Masks values."""

    def __init__(self, words: Collection[str]) -> None:
        """Mask the inputs and outputs that are called so."""
        self.words = frozenset(words)

    def parameters(self, sent: Sequence[Parameter], shape: Shape | None) -> dict[str, Any]:
        """Return values by the names with which they were sent; *shape* is what the model takes, if that is known."""
        if not self.words:
            return {one["name"]: one["value"] for one in sent}
        if shape is None:
            return {one["name"]: MASK for one in sent}
        names = names_of(shape)
        known, hidden = set().union(*names.values()), self._hidden(names)
        found = {}
        for place, one in enumerate(sent):
            name = one["name"]
            # A name that the model does not know may be a masked one, misspelt.
            hides = name in hidden or bool(not shape.by_position and known and name not in known)
            hides |= shape.by_position and not hidden.isdisjoint(names.get(place, ()))
            found[name] = MASK if hides else one["value"]
        return found

    def rows(self, rows: Sequence[Sequence[Any]], shape: Shape) -> list[dict[str, Any]]:
        """Return the values of rows that are in the model's order, by name."""
        names = names_of(shape)
        labels = labels_of(shape)
        hidden = self._hidden(names)
        everything = bool(self.words) and (shape.by_position or not names)
        found = []
        for row in rows:
            called = [labels.get(place, f"x{place}") for place in range(len(row))]
            found.append({n: MASK if everything or n in hidden else v for n, v in zip(called, row, strict=True)})
        return found

    def result(self, result: Mapping[str, Any]) -> dict[str, Any]:
        """Return a result; its fields are known under the names of the Open Inference Protocol, too."""
        return {
            name: MASK if self.words.intersection((name, NAMES.get(name, name))) else value
            for name, value in result.items()
        }

    def _hidden(self, names: Mapping[int, set[str]]) -> set[str]:
        """Return all names of the inputs of which one name is masked, and the words themselves."""
        return set(self.words).union(*(some for some in names.values() if not self.words.isdisjoint(some)))


def names_of(shape: Shape) -> Mapping[int, set[str]]:
    """Return all names of each input, by its place."""
    found: dict[int, set[str]] = defaultdict(set)
    for spelling in shape.spellings:
        for name, place in spelling.items():
            found[place].add(name)
    return found


def labels_of(shape: Shape) -> Mapping[int, str]:
    """Return the name of each input that callers know best, by its place."""
    return {place: name for name, place in shape.spellings[-1].items()} if shape.spellings else {}
