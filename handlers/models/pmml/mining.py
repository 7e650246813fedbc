"""MiningSchema: what a model does with values that are missing, invalid or extreme.

Source: PMML 4.4, MiningSchema; DataDictionary, "Value" and "Interval".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from handlers.models.pmml.elements import Element
from handlers.models.pmml.errors import Invalid, wrong
from handlers.models.pmml.kinds import CASTS, NUMERIC, fits, literal
from handlers.models.pmml.scope import Field, Program, Row, Scope, Step

OPTYPES: Final = ("categorical", "ordinal", "continuous")
TARGETS: Final = ("target", "predicted")
UNUSED: Final = ("order", "group", "frequencyWeight", "analysisWeight")
USES: Final = ("active", "supplementary", *TARGETS, *UNUSED)
MISSING: Final = ("asIs", "asMean", "asMode", "asMedian", "asValue", "returnInvalid")
INVALID: Final = ("returnInvalid", "asIs", "asMissing", "asValue")
OUTLIERS: Final = ("asIs", "asMissingValues", "asExtremeValues")
CLOSURES: Final = ("openClosed", "openOpen", "closedOpen", "closedClosed")

Test = Callable[[Any], bool]


@dataclass(frozen=True)
class Known:
    """A DataField: its field and which of its values are what."""

    field: Field
    missing: frozenset[Any]
    allowed: Test | None  #: None: all are valid


def dictionary(element: Element, program: Program) -> dict[str, Known]:
    """Return the fields of a DataDictionary by name."""
    element.only("DataField")
    found = [data_field(one, program) for one in element.children]
    return {one.field.name: one for one in found}


def data_field(element: Element, program: Program) -> Known:
    """Return a DataField."""
    element.only("Value", "Interval")
    kind = element.choice("dataType", tuple(CASTS))
    listed: dict[str, list[Any]] = {"valid": [], "invalid": [], "missing": []}
    for one in element.all("Value"):
        use, text = one.choice("property", tuple(listed), "valid"), one.text_of("value")
        # What stands for a missing number, as NaN or a word, may be none; it never comes as a value of this field.
        if use == "valid" or fits(text, kind):
            listed[use].append(literal(one, text, kind))
    optype = element.choice("optype", OPTYPES, "continuous" if kind in NUMERIC else "categorical")
    field = Field(element.text_of("name"), program.slot(), kind, optype, tuple(listed["valid"]))
    intervals = [interval(one) for one in element.all("Interval")]
    return Known(field, frozenset(listed["missing"]), allowance(listed, intervals))


def allowance(listed: Mapping[str, list[Any]], intervals: list[Test]) -> Test | None:
    """Return whether a value is valid."""
    valid, invalid = frozenset(listed["valid"]), frozenset(listed["invalid"])
    if not valid and not intervals:
        return (lambda value: value not in invalid) if invalid else None
    return lambda value: value not in invalid and (value in valid or any(test(value) for test in intervals))


def interval(element: Element) -> Test:
    """Return whether a number lies in an Interval."""
    closure = element.choice("closure", CLOSURES)
    low, high = element.maybe_number("leftMargin"), element.maybe_number("rightMargin")
    from_low, to_high = closure.startswith("closed"), closure.endswith("Closed")

    def test(value: Any) -> bool:
        if low is not None and (value < low or (value == low and not from_low)):
            return False
        return high is None or value < high or (value == high and to_high)

    return test


@dataclass(frozen=True)
class Schema:
    """A MiningSchema."""

    inputs: list[Known]  #: what is taken from outside, in its order
    needed: list[bool]  #: whether nothing is said without it
    steps: list[Step]
    target: Field | None


def schema(element: Element, scope: Scope, data: Mapping[str, Known]) -> Schema:
    """Return what the MiningSchema in a model says; *scope* is the model's, and gets the fields as they are treated.

    Raises:
        Unreadable: It asks for what is not evaluated, or names a field that is not there.
    """
    found = Schema([], [], [], None)
    target: Field | None = None
    mining = element.need("MiningSchema")
    mining.only("MiningField")
    for one in mining.children:
        name, use = one.text_of("name"), one.choice("usageType", USES, "active")
        if use in TARGETS:
            target = target or (data[name].field if name in data else scope.find(name))
        elif use not in UNUSED:
            known = data.get(name)
            source = scope.find(name) or (known.field if known is not None else scope.need(one, name))
            if scope.find(name) is None and known is not None:
                found.inputs.append(known)
                found.needed.append(use == "active" and one.get("missingValueTreatment") == "returnInvalid")
            treat(one, source, known, scope, found.steps)
    return Schema(found.inputs, found.needed, found.steps, target)


def treat(element: Element, source: Field, known: Known | None, scope: Scope, steps: list[Step]) -> None:
    """Add to *steps* what makes of a value of *source* the one that the model sees."""
    missing = missing_value(element, source)
    checked = known is not None and known.field.slot == source.slot
    check = checking(element, source, known) if checked and known is not None else None
    outlier = extreme(element)
    if check is None and outlier is None and missing is None:
        scope.share(source)
        return
    target = scope.add(source.name, source.kind, element.get("optype", source.optype), source.values)
    slot, origin = target.slot, source.slot

    def step(row: Row) -> None:
        value = row[origin]
        if value is not None and check is not None:
            value = check(value)
        if value is not None and outlier is not None:
            value = outlier(value)
        row[slot] = missing() if value is None and missing is not None else value

    steps.append(step)


def missing_value(element: Element, field: Field) -> Callable[[], Any] | None:
    """Return what gives the value of a field where it is missing; None: it stays so."""
    treatment = element.choice("missingValueTreatment", MISSING, "asIs")
    if treatment == "returnInvalid":

        def refuse() -> Any:
            raise Invalid(f"The input {field.name[:100]!r} is missing.")

        return refuse
    if "missingValueReplacement" not in element.attributes:
        return None
    value = literal(element, element.get("missingValueReplacement"), field.kind)
    return lambda: value


def checking(element: Element, field: Field, known: Known) -> Callable[[Any], Any] | None:
    """Return what makes of a value one that is valid, or None where it is to count as missing."""
    treatment = element.choice("invalidValueTreatment", INVALID, "returnInvalid")
    replacement = element.get("invalidValueReplacement")
    if treatment == "asValue" or (treatment == "asIs" and replacement):
        other = literal(element, element.text_of("invalidValueReplacement"), field.kind)
    else:
        other = None
    allowed, absent = known.allowed, known.missing
    if allowed is None or (treatment == "asIs" and other is None):
        return (lambda value: None if value in absent else value) if absent else None

    def check(value: Any) -> Any:
        if value in absent:
            return None
        if allowed(value):
            return value
        if treatment == "returnInvalid":
            raise Invalid(f"The input {field.name[:100]!r} cannot be {str(value)[:100]!r}.")
        return other

    return check


def extreme(element: Element) -> Callable[[Any], Any] | None:
    """Return what is done with values outside of the limits; None: nothing is."""
    treatment = element.choice("outliers", OUTLIERS, "asIs")
    if treatment == "asIs":
        return None
    if "lowValue" not in element.attributes and "highValue" not in element.attributes:
        raise wrong(element, "lowValue and highValue are missing.")
    low, high = element.maybe_number("lowValue"), element.maybe_number("highValue")
    clip = treatment == "asExtremeValues"

    def limit(value: Any) -> Any:
        if low is not None and value < low:
            return low if clip else None
        if high is not None and value > high:
            return high if clip else None
        return value

    return limit
