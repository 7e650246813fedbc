"""The inputs of a model: how values that are missing, invalid or extreme are treated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from handlers.models.formats.base import CannotLoad, CannotPredict
from handlers.models.formats.pmml.scope import TYPES, Value, cast, same, typed
from handlers.models.formats.pmml.xml import child, required

ACTIVE = ("active", "supplementary", "group", "order")
TARGETS = ("target", "predicted")


@dataclass(frozen=True, kw_only=True)
class DataField:
    """A field of the data dictionary."""

    name: str
    kind: str
    valid: tuple[str, ...]
    missing: tuple[str, ...]
    categorical: bool

    @property
    def type(self) -> str:
        """Its type as the API has it."""
        return TYPES.get(self.kind, "str")


def dictionary(root: Element) -> dict[str, DataField]:
    """Return the data dictionary of a document."""
    return {required(one, "name"): data_field(one) for one in child(root, "DataDictionary").findall("DataField")}


def data_field(element: Element) -> DataField:
    """Return one field of the data dictionary."""
    values = [(one.get("property", "valid"), required(one, "value")) for one in element.findall("Value")]
    return DataField(
        name=required(element, "name"),
        kind=required(element, "dataType"),
        valid=tuple(text for kind, text in values if kind == "valid"),
        missing=tuple(text for kind, text in values if kind == "missing"),
        categorical=required(element, "optype") != "continuous",
    )


@dataclass(frozen=True, kw_only=True)
class Input:
    """An input of a model."""

    field: DataField
    replacement: str | None
    treatment: str  #: of invalid values
    treat: Callable[[Value], Value]  #: of extreme ones

    @property
    def optional(self) -> bool:
        """Whether it may be left out."""
        return self.replacement is not None

    def prepared(self, value: Value) -> Value:
        """Return a value as the model is to see it.

        Raises:
            CannotPredict: It is none that the field may have.
        """
        field = self.field
        if value is not None and any(same(value, text) for text in field.missing):
            value = None
        if value is not None:
            value = self._valid(cast(value, field.kind))
        return typed(self.replacement, field.kind) if value is None else self.treat(value)

    def _valid(self, value: Value) -> Value:
        """Return a value if it may be, or what stands for one that may not."""
        field = self.field
        if not (field.categorical and field.valid) or any(same(value, text) for text in field.valid):
            return value
        if self.treatment == "asIs":
            return value
        if self.treatment == "asMissing":
            return None
        raise CannotPredict(f"The input {field.name[:100]!r} may not be {str(value)[:100]!r}.")


def inputs_of(element: Element, fields: Mapping[str, DataField]) -> list[Input]:
    """Return the active fields of a model's mining schema, in their order; those of models before it are left out."""
    found = []
    for one in child(element, "MiningSchema").findall("MiningField"):
        if one.get("usageType", "active") in ACTIVE and (field := fields.get(required(one, "name"))) is not None:
            found.append(
                Input(
                    field=field,
                    replacement=one.get("missingValueReplacement"),
                    treatment=one.get("invalidValueTreatment", "returnInvalid"),
                    treat=extremes(one),
                )
            )
    return found


def target_of(element: Element) -> str | None:
    """Return the name of what a model predicts."""
    fields = child(element, "MiningSchema").findall("MiningField")
    return next((required(one, "name") for one in fields if one.get("usageType") in TARGETS), None)


def extremes(element: Element) -> Callable[[Value], Value]:
    """Return what a mining field makes of values outside of its range."""
    treatment = element.get("outliers", "asIs")
    if treatment == "asIs":
        return lambda value: value
    try:
        low, high = float(element.get("lowValue", "-inf")), float(element.get("highValue", "inf"))
    except ValueError:
        raise CannotLoad("The range of a field is no range.") from None

    def treat(value: Value) -> Value:
        if isinstance(value, str) or low <= value <= high:
            return value
        return None if treatment == "asMissingValues" else min(max(value, low), high)

    return treat
