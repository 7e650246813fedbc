"""Reading a configuration member by member: values, the places where they stand, and all that is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from difflib import get_close_matches
from typing import Any, Final, NoReturn

from handlers.pipelines.faults import Unusable

MOST_TOLD: Final = 20  #: faults that one error tells
NEAR: Final = 0.88  #: how alike, of 1, two names are of which one is the other misspelt


class Faults:
    """What is wrong with a configuration; all of it is told at once."""

    def __init__(self) -> None:
        """Begin with nothing wrong."""
        self._found: list[tuple[str, str]] = []
        self._read: dict[str, tuple[dict[str, Any], set[str]]] = {}

    def note_read(self, place: str, value: dict[str, Any], member: str) -> None:
        """Note that a member of the object at a place is wanted."""
        self._read.setdefault(place, (value, set()))[1].add(member)

    def misspelt(self) -> list[str]:
        """Return what to tell of members that nobody has read, and that are written nearly like one that is missing."""
        found = []
        for place, (value, wanted) in self._read.items():
            missing = {plain(member): member for member in wanted if member not in value}
            for member in sorted(value.keys() - wanted)[:MOST_TOLD]:
                for near in get_close_matches(plain(member), missing, 1, NEAR):
                    found.append(f"{pointer(place, member)} is not read; {missing[near]!r} would be.")
        return found[:MOST_TOLD]

    def add(self, place: str, words: str) -> None:
        """Note what is wrong at a place, a JSON pointer."""
        self._found.append((place, words))

    def check(self) -> None:
        """Let go on who has found nothing.

        Raises:
            Unusable: Something is wrong. Its place is that of the first fault; its words are those of all.
        """
        if not self._found:
            return
        (place, words), *others = self._found
        lines = [words, *(f"{where}: {what}" if where else what for where, what in others[: MOST_TOLD - 1])]
        if len(others) >= MOST_TOLD:
            lines.append(f"... and {len(others) - MOST_TOLD + 1} more.")
        raise Unusable("\n".join(lines), place)


class Node:
    """A value of a configuration and where it stands.

    What is absent or null has the default. What is of the wrong type is noted as a fault and has the default, too, so
    that reading goes on to the next fault.
    """

    def __init__(self, value: Any, place: str, faults: Faults) -> None:
        """Take a value; *place* is its JSON pointer."""
        self.value = value
        self.place = place
        self.faults = faults

    def anew(self) -> Node:
        """Return this node with nothing wrong yet, for who reads on when the configuration has been read."""
        return Node(self.value, self.place, Faults())

    def wrong(self, words: str, member: str = "") -> None:
        """Note what is wrong here, or with a member."""
        self.faults.add(pointer(self.place, member) if member else self.place, words)

    def stop(self, words: str, member: str = "") -> NoReturn:
        """Note what is wrong, and read on no further.

        Raises:
            Unusable: Always.
        """
        self.wrong(words, member)
        self.faults.check()
        raise AssertionError("a fault was noted")

    def get(self, member: str) -> Any:
        """Return the value of a member; None: there is none."""
        if not isinstance(self.value, dict):
            return None
        self.faults.note_read(self.place, self.value, member)
        return self.value.get(member)

    def at(self, member: str) -> Node:
        """Return a member, whatever it is."""
        return Node(self.get(member), pointer(self.place, member), self.faults)

    def _typed(self, member: str, default: Any, fits: Callable[[Any], bool], wanted: str) -> Any:
        """Return a member that is *wanted*."""
        value = self.get(member)
        if value is None:
            return default
        if not fits(value):
            self.wrong(f"This is {kind_of(value)}, and not {wanted}.", member)
            return default
        return value

    def text(self, member: str, default: str = "") -> str:
        """Return a text."""
        found: str = self._typed(member, default, lambda value: isinstance(value, str), "a text")
        return found

    def needed(self, member: str) -> str:
        """Return a text that must be there."""
        if self.get(member) is None:
            self.wrong(f"{member!r} is missing.")
        return self.text(member)

    def flag(self, member: str, default: bool = False) -> bool:
        """Return a truth value."""
        return bool(self._typed(member, default, lambda value: isinstance(value, bool), "true or false"))

    def whole(self, member: str, default: int = 0) -> int:
        """Return a whole number."""
        return int(self._typed(member, default, is_whole, "a whole number"))

    def number(self, member: str, default: float | None = None) -> float:
        """Return a number; without a default it must be there."""
        if default is None and self.get(member) is None:
            self.wrong(f"{member!r} is missing.")
        return float(self._typed(member, default or 0.0, is_number, "a number"))

    def word(self, member: str, words: Collection[str], default: str) -> str:
        """Return one of some words, in capitals as they are."""
        found = self.text(member, default)
        if found in words:
            return found
        if found.upper() in words:
            return found.upper()
        self.wrong(f"{found[:100]!r} is none of {listed(words)}.", member)
        return default

    def texts(self, member: str) -> tuple[str, ...]:
        """Return a list of texts; a single text is a list of one."""
        value = self.get(member)
        if isinstance(value, str):
            return (value,)
        found = self._typed(member, [], lambda value: is_list_of(value, str), "a list of texts")
        return tuple(found)

    def items(self, member: str) -> list[Node]:
        """Return the values of a list."""
        found = self._typed(member, [], lambda value: isinstance(value, list), "a list")
        place = pointer(self.place, member)
        return [Node(value, pointer(place, str(number)), self.faults) for number, value in enumerate(found)]

    def members(self, member: str) -> dict[str, Node]:
        """Return the members of an object."""
        found = self._typed(member, {}, lambda value: isinstance(value, dict), "an object")
        place = pointer(self.place, member)
        return {name: Node(value, pointer(place, name), self.faults) for name, value in found.items()}

    def texts_by_name(self, member: str) -> dict[str, str]:
        """Return an object whose members are texts."""
        found = self._typed(member, {}, is_texts_by_name, "an object whose members are texts")
        return dict(found)

    def lists_by_name(self, member: str) -> dict[str, tuple[str, ...]]:
        """Return an object whose members are lists of texts."""
        return {name: self.at(member).texts(name) for name in self.members(member)}


def pointer(place: str, member: str) -> str:
    """Return the JSON pointer of a member."""
    return f"{place}/{member.replace('~', '~0').replace('/', '~1')}"


def plain(member: str) -> str:
    """Return the name of a member without what people write differently, not too much of it."""
    return member.replace("_", "").lower()[:100]


def is_number(value: Any) -> bool:
    """Tell whether a value is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_whole(value: Any) -> bool:
    """Tell whether a value is a whole number."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_list_of(value: Any, kind: type) -> bool:
    """Tell whether a value is a list of values of a type."""
    return isinstance(value, list) and all(isinstance(one, kind) for one in value)


def is_texts_by_name(value: Any) -> bool:
    """Tell whether a value is an object whose members are texts."""
    return isinstance(value, dict) and all(isinstance(one, str) for one in value.values())


def kind_of(value: Any) -> str:
    """Return what JSON calls a value."""
    kinds = {
        dict: "an object",
        list: "a list",
        str: "a text",
        bool: "a truth value",
        int: "a number",
        float: "a number",
    }
    return kinds.get(type(value), "null")


def listed(words: Collection[str] | Sequence[str]) -> str:
    """Return words in a line, not too many of them."""
    shown = [word[:100] for word in list(words)[:20]]
    return ", ".join(shown) + (f" and {len(words) - 20} more" if len(words) > 20 else "")
