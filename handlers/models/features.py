"""From the parameters of a request to a row: matched by name, in the model's order, each of its type."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from handlers.errors import Fault, InputInvalid
from handlers.models.coercions import as_it_is, coercion

Parameter = Mapping[str, Any]  #: `name` and `value`
Feature = Mapping[str, Any]  #: `name`, `type` and perhaps `optional`


class Shape:
    """What a model takes: names in order, and what makes a value of each type."""

    def __init__(
        self, features: Sequence[Feature] | None, declared: Sequence[Feature], *, named: bool, invented: bool = False
    ) -> None:
        """Work out how parameters are matched.

        Args:
            features: The inputs as the model knows them, in its order; None: it does not.
            declared: The inputs as its owner knows them.
            named: Whether the names of *features* are the model's own.
            invented: Whether they are ours, since nobody knew any.
        """
        ordered = sorted(declared, key=lambda feature: feature["order"])
        fits = features is None or len(ordered) == len(features)
        of_owner = (arranged(ordered, features) if named else ordered) if ordered and fits else None
        own = features if named or of_owner is None else None
        self.spellings = [names for names in (index_of(own), index_of(of_owner)) if names is not None]
        self.by_position = not named and (of_owner is None or (invented and same_names(of_owner, features)))
        self.count = len(features) if features is not None else (len(ordered) if ordered else None)
        self.kinds = [feature["type"] for feature in of_owner or features or ()]
        self.coercions = [coercion(kind) for kind in self.kinds]
        self.optional = [bool(feature.get("optional")) for feature in features or ()] or [False] * len(self.kinds)

    def row(self, parameters: Sequence[Parameter]) -> list[Any]:
        """Return the values in the model's order.

        Raises:
            InputInvalid: An input is missing, named twice, unknown, or of the wrong type.
        """
        places = self._places(parameters)
        row: list[Any] = [None] * (self.count if self.count is not None else len(parameters))
        for number, (place, parameter) in enumerate(zip(places, parameters, strict=True)):
            row[place] = self._coerced(number, place, parameter["name"], parameter["value"])
        return row

    def placed(self, values: Sequence[Any]) -> list[Any]:
        """Return values that are in the model's order already, each in the type of its input.

        Raises:
            InputInvalid: There are more or fewer than it takes, or one is of the wrong type.
        """
        if self.count not in (None, len(values)):
            words = f"The model takes {self.count} inputs, and {len(values)} came."
            raise InputInvalid(faults=[Fault("body", "/inputs/0/shape", words)])
        found = list(values)
        for place, make in enumerate(self.coercions[: len(found)] or [as_it_is] * len(found)):
            try:
                found[place] = make(found[place])
            except ValueError as error:
                words = f"The input number {place + 1} needs {error}, and {str(found[place])[:100]!r} is none."
                raise InputInvalid(faults=[Fault("body", "/inputs/0/data", words)]) from None
        return found

    def columns(self, names: Sequence[str], kinds: Sequence[str | None] = ()) -> Columns:
        """Return what makes rows of the model of rows of a table; columns that are no inputs are left out.

        Args:
            names: Of the columns.
            kinds: For each, the type of its values, for where the model knows none; None: they have one already.

        Raises:
            InputInvalid: Not all of its inputs are among the columns *names*, or one is there twice.
        """
        for spelling in self.spellings:
            found = [(spelling[name], column) for column, name in enumerate(names) if name in spelling]
            if self._complete([place for place, _ in found]):
                return Columns(self, names, dict(found), kinds)
        fits = self.by_position and self.count in (None, len(names)) and len(set(names)) == len(names)
        if fits and not self._any_known(names):
            return Columns(self, names, {place: place for place in range(len(names))}, kinds)
        raise InputInvalid(faults=self._faults_of_columns(names))

    def _places(self, parameters: Sequence[Parameter]) -> Sequence[int]:
        """Return where in the row each parameter belongs."""
        given = [parameter["name"] for parameter in parameters]
        if len(set(given)) != len(given):
            raise InputInvalid(faults=twice(given))
        for names in self.spellings:
            found = [names.get(name, -1) for name in given]
            if -1 not in found and self._complete(found):
                return found
        if self.by_position and self.count in (None, len(given)) and not self._any_known(given):
            return range(len(given))
        raise InputInvalid(faults=self._faults(given))

    def _any_known(self, given: Sequence[str]) -> bool:
        """Tell whether some name is known, so that the others are mistakes; a single input may have any name."""
        return any(name in names for names in self.spellings for name in given)

    def _complete(self, found: Sequence[int]) -> bool:
        """Tell whether each input is there once, but for those that may be absent."""
        if len(set(found)) != len(found):
            return False
        return len(found) == self.count or all(self.optional[at] for at in set(range(self.count or 0)) - set(found))

    def _faults(self, given: Sequence[str]) -> list[Fault]:
        """Say what is wrong with the names, by the spelling that they come nearest to."""
        if not self.spellings:
            words = f"The model takes {self.count} inputs, and {len(given)} came."
            return [Fault("body", "/parameters", words)]
        names = max(self.spellings, key=lambda spelling: len(spelling.keys() & set(given)))
        faults, seen = [], set()
        for number, name in enumerate(given):
            if name not in names:
                words = f"The model has no input {name[:100]!r}; its inputs are {listed(names)}."
                faults.append(Fault("body", f"/parameters/{number}/name", words))
            elif name in seen:
                faults.append(Fault("body", f"/parameters/{number}/name", f"The input {name[:100]!r} comes twice."))
            seen.add(name)
        missing = [name for name, at in names.items() if name not in seen and not self.optional[at]]
        if missing:
            faults.append(Fault("body", "/parameters", f"These inputs are missing: {listed(missing)}."))
        return faults or [Fault("body", "/parameters", f"The model takes {self.count} inputs.")]

    def _faults_of_columns(self, given: Sequence[str]) -> list[Fault]:
        """Say which columns of a table are missing, or there twice; those that are no inputs are no fault."""
        if self.spellings:
            names = max(self.spellings, key=lambda spelling: len(spelling.keys() & set(given)))
            times = Counter(given)
            several = [name for name in names if times[name] > 1]
            missing = [name for name, at in names.items() if not times[name] and not self.optional[at]]
            faults = []
            if several:
                faults.append(Fault("body", "", f"These columns are there more than once: {listed(several)}."))
            if missing:
                words = f"These columns are missing: {listed(missing)}; the table has {listed(given)}."
                faults.append(Fault("body", "", words))
            if faults:
                return faults
        return [Fault("body", "", f"The model takes {self.count} columns, and the table has {len(given)}.")]

    def _coerced(self, number: int, place: int, name: str, value: Any) -> Any:
        """Return a value in the type of its input."""
        make = self.coercions[place] if place < len(self.coercions) else as_it_is
        try:
            return make(value)
        except ValueError as error:
            words = f"The input {name[:100]!r} needs {error}, and {str(value)[:100]!r} is none."
            raise InputInvalid(faults=[Fault("body", f"/parameters/{number}/value", words)]) from None


class Columns:
    """Makes rows of a model of the rows of a table."""

    def __init__(
        self, shape: Shape, names: Sequence[str], places: Mapping[int, int], kinds: Sequence[str | None] = ()
    ) -> None:
        """Take the inputs of *shape* from a table with columns called *names*.

        Args:
            shape: What the model takes.
            names: Of the columns.
            places: By the place of an input, that of its column.
            kinds: For each column, the type of its values, for where the model knows none.
        """
        self._count = shape.count if shape.count is not None else len(places)
        self._plan = []
        for place, column in places.items():
            make = shape.coercions[place] if place < len(shape.coercions) else as_it_is
            if make is as_it_is and kinds and (kind := kinds[column]):
                make = coercion(kind)
            self._plan.append((place, column, make, names[column]))
        self.used = sorted(places.values())  #: places of the columns that are inputs
        self.untyped = sorted(column for _, column, make, _ in self._plan if make is as_it_is)

    def __call__(self, row: Sequence[Any]) -> list[Any]:
        """Return a row in the model's order; what is absent stays so.

        Raises:
            InputInvalid: A value is of the wrong type.
        """
        made: list[Any] = [None] * self._count
        for place, column, make, name in self._plan:
            value = row[column]
            if value is not None:
                try:
                    value = make(value)
                except ValueError as error:
                    words = f"the column {name[:100]!r} needs {error}, and {str(value)[:100]!r} is none."
                    raise InputInvalid(faults=[Fault("body", "", words)]) from None
            made[place] = value
        return made


def twice(given: Sequence[str]) -> list[Fault]:
    """Return what is wrong with names of which some stand there more than once."""
    seen: set[str] = set()
    faults = []
    for number, name in enumerate(given):
        if name in seen:
            faults.append(Fault("body", f"/parameters/{number}/name", f"The input {name[:100]!r} comes twice."))
        seen.add(name)
    return faults


def arranged(some: Sequence[Feature], others: Sequence[Feature] | None) -> Sequence[Feature]:
    """Return inputs in the order of others that have the same names; else as they are."""
    places = index_of(others) or {}
    if {one["name"] for one in some} != places.keys():
        return some
    return sorted(some, key=lambda one: places[one["name"]])


def same_names(some: Sequence[Feature], others: Sequence[Feature] | None) -> bool:
    """Tell whether inputs have the same names in the same order."""
    return others is not None and [one["name"] for one in some] == [one["name"] for one in others]


def index_of(features: Sequence[Feature] | None) -> dict[str, int] | None:
    """Return the place of each name; None where there are no names, or one stands there twice."""
    if features is None:
        return None
    names = {feature["name"]: place for place, feature in enumerate(features)}
    return names if len(names) == len(features) else None


def listed(names: Sequence[str] | Mapping[str, int]) -> str:
    """Return names in a line, not too many of them."""
    shown = [repr(name[:100]) for name in list(names)[:20]]
    return ", ".join(shown) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
