"""From the parameters of a request to a row: matched by name, in the model's order, each of its type."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from handlers.errors import Fault, InputInvalid

INT64: Final = 1 << 63
TEXT_CHARACTERS: Final = 64  #: of a number or a truth value that is sent as text
TRUTHS: Final[Mapping[str, bool]] = {"true": True, "false": False, "1": True, "0": False}

Parameter = Mapping[str, Any]  #: `name` and `value`
Feature = Mapping[str, Any]  #: `name`, `type` and perhaps `optional`
Coerce = Callable[[Any], Any]


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
        of_owner = ordered if ordered and fits else None
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
            value = parameter["value"]
            if place < len(self.coercions):
                value = self._coerced(number, place, parameter["name"], value)
            row[place] = value
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
        for place, make in enumerate(self.coercions[: len(found)]):
            try:
                found[place] = make(found[place])
            except ValueError as error:
                words = f"The input number {place + 1} needs {error}, and {str(found[place])[:100]!r} is none."
                raise InputInvalid(faults=[Fault("body", "/inputs/0/data", words)]) from None
        return found

    def columns(self, names: Sequence[str]) -> Columns:
        """Return what makes rows of the model of rows of a table; columns that are no inputs are left out.

        Raises:
            InputInvalid: Not all of its inputs are among the columns *names*, or one is there twice.
        """
        for spelling in self.spellings:
            found = [(spelling[name], column) for column, name in enumerate(names) if name in spelling]
            if self._complete([place for place, _ in found]):
                return Columns(self, names, dict(found))
        if self.by_position and self.count in (None, len(names)):
            return Columns(self, names, {place: place for place in range(len(names))})
        faults = [fault for fault in self._faults(names) if "no input" not in fault.detail]
        raise InputInvalid(faults=faults or [Fault("body", "", f"The model takes {self.count} inputs.")])

    def _places(self, parameters: Sequence[Parameter]) -> Sequence[int]:
        """Return where in the row each parameter belongs."""
        given = [parameter["name"] for parameter in parameters]
        for names in self.spellings:
            found = [names.get(name, -1) for name in given]
            if -1 not in found and self._complete(found):
                return found
        if self.by_position and self.count in (None, len(given)):
            return range(len(given))
        raise InputInvalid(faults=self._faults(given))

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

    def _coerced(self, number: int, place: int, name: str, value: Any) -> Any:
        """Return a value in the type of its input."""
        try:
            return self.coercions[place](value)
        except ValueError as error:
            words = f"The input {name[:100]!r} needs {error}, and {str(value)[:100]!r} is none."
            raise InputInvalid(faults=[Fault("body", f"/parameters/{number}/value", words)]) from None


class Columns:
    """Makes rows of a model of the rows of a table."""

    def __init__(self, shape: Shape, names: Sequence[str], places: Mapping[int, int]) -> None:
        """Take the inputs of *shape* from a table with columns called *names*.

        Args:
            shape: What the model takes.
            names: Of the columns.
            places: By the place of an input, that of its column.
        """
        known = len(shape.coercions)
        self._count = shape.count if shape.count is not None else len(places)
        self._plan = [
            (place, column, shape.coercions[place] if place < known else as_it_is, names[column])
            for place, column in places.items()
        ]

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
                except (ValueError, TypeError) as error:
                    wanted = error if isinstance(error, ValueError) else "another type"
                    words = f"the column {name[:100]!r} needs {wanted}, and {str(value)[:100]!r} is none."
                    raise InputInvalid(faults=[Fault("body", "", words)]) from None
            made[place] = value
        return made


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


def coercion(kind: str) -> Coerce:
    """Return what makes a value of the type *kind*, a name that Python or NumPy knows; of others all stay as they are.

    It raises ValueError with the type in words.
    """
    word = kind.lower().rstrip("_").rstrip("0123456789")
    return COERCIONS.get(word, as_it_is)


def as_it_is(value: Any) -> Any:
    """Return a value, refusing only numbers that no library takes."""
    if isinstance(value, int) and not -INT64 <= value < INT64:
        raise ValueError("a number of 64 bits")
    return value


def as_int(value: Any) -> int:
    """Return a whole number: also of its text, or of a float that is whole."""
    try:
        found = int(value[:TEXT_CHARACTERS]) if isinstance(value, str) else int(value)
    except (ValueError, OverflowError):
        raise ValueError("a whole number") from None
    if not -INT64 <= found < INT64 or (isinstance(value, float) and found != value):
        raise ValueError("a whole number of 64 bits")
    return found


def as_float(value: Any) -> float:
    """Return a number: also of its text."""
    try:
        return float(value)
    except (ValueError, OverflowError):
        raise ValueError("a number") from None


def as_bool(value: Any) -> bool:
    """Return a truth value: also of 0, 1 and the words for it."""
    found = TRUTHS.get(str(value)[:TEXT_CHARACTERS].lower())
    if found is None:
        raise ValueError("true or false")
    return found


def as_str(value: Any) -> str:
    """Return a text; a number or truth value as JSON writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else repr(value)


COERCIONS: Final[Mapping[str, Coerce]] = {
    **dict.fromkeys(("int", "uint", "integer", "long", "short", "byte", "longlong", "intc", "intp"), as_int),
    **dict.fromkeys(("float", "double", "number", "single", "half", "longdouble", "decimal"), as_float),
    **dict.fromkeys(("bool", "boolean"), as_bool),
    **dict.fromkeys(("str", "string", "text"), as_str),
}
