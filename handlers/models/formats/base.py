"""What all formats have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

Row = Sequence[Any]  #: the values of one request, in the model's order
NAMED: Final = ("auto", "DataFrame")  #: output structures in which a model's own names stay
Result = Mapping[str, Any]  #: one answer: `predictions`, `scores`, or the model's own names


class CannotLoad(Exception):
    """The file is no model that can be loaded; the message says why, in a sentence."""


class CannotPredict(Exception):
    """The model cannot say anything to this input; the message says why, in a sentence."""


class Loaded(Protocol):
    """A model that is ready."""

    def describe(self) -> dict[str, Any]:
        """Return what is known of it.

        `kind` (modelType of the API), `features` (list of `name` and `type`, in the model's order; absent where it does
        not know them), `named` (whether those names are the model's own), `invented` (whether they are ours), `name`,
        `input_schema`, `output_schema`, `writer` (library and version of what has written it, if not ours).
        """

    def predict(self, rows: Sequence[Row]) -> Sequence[Result]:
        """Return a result for each row.

        Raises:
            Exception: Of whatever kind; the rows are then tried one by one.
        """


def input_schema(features: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the inputs of a model as the API has them."""
    return [{"name": one["name"], "order": order, "type": one["type"]} for order, one in enumerate(features)]


def in_structure(value: Any, gives: str) -> dict[str, Any]:
    """Return what was predicted for a row in the structure *gives* of the API."""
    several = value if isinstance(value, list) else [value]
    if gives == "DataFrame":
        return {f"output_{number}": one for number, one in enumerate(several)}
    return {"predictions": several if gives == "list" else value}


def record_in(record: Mapping[str, Any], gives: str) -> Mapping[str, Any]:
    """Return what a model says under names of its own in the structure *gives* of the API, in the model's order."""
    if gives in NAMED:
        return record
    several = list(record.values())
    return {"predictions": several[0] if gives == "ndarray" and len(several) == 1 else several}
