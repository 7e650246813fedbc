"""Between the tensors of the Open Inference Protocol and the rows of a model.

Source:
    Open Inference Protocol, REST (required API): `data` holds the elements row by row, nested or not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Final

from handlers.errors import Fault, InputInvalid
from handlers.models.datatypes import first_astray
from handlers.models.features import Shape

MOST_ELEMENTS: Final = 16_000_000  #: of all inputs of a request
NAMES: Final = {"predictions": "predict", "scores": "predict_proba"}  #: as MLServer calls them
ASKED_FOR: Final = "predict_proba"  #: given only to whoever asks for it, as MLServer does
ELEMENTS: Final = frozenset({bool, int, float, str})
KINDS: Final = ((bool, "BOOL"), (int, "INT64"), (float, "FP64"), (str, "BYTES"))


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """A tensor; its elements in one list, the last dimension the fastest."""

    name: str
    shape: Sequence[int]
    datatype: str
    data: Sequence[Any]


def tensor_in(sent: Mapping[str, Any], place: int, elements: Sequence[Any] | None = None) -> Tensor:
    """Return a tensor of a request.

    Args:
        sent: As JSON.
        place: Of the input in the request.
        elements: Those that came as bytes, if they did.

    Raises:
        InputInvalid: It has more or fewer elements than its shape says, or too many, or some that are none.
    """
    shape = sent["shape"]
    if prod(shape) > MOST_ELEMENTS:
        raise refused(place, "shape", f"A request may have up to {MOST_ELEMENTS} elements.")
    found = list(flat(sent.get("data") or [])) if elements is None else elements
    if not set(map(type, found)) <= ELEMENTS:
        raise refused(place, "data", "An element is a number, a text, or a truth value; null and objects are none.")
    if elements is None and (at := first_astray(found, sent["datatype"])) is not None:
        words = f"The element {at} of the tensor {sent['name'][:100]!r} is no {sent['datatype']}"
        raise refused(place, "data", f"{words}: {str(found[at])[:100]!r}. Counting starts at 0.")
    if len(found) != prod(shape):
        raise refused(place, "data", f"The shape {list(shape)} has {prod(shape)} elements, and {len(found)} came.")
    return Tensor(name=sent["name"], shape=shape, datatype=sent["datatype"], data=found)


def flat(data: Sequence[Any]) -> Iterator[Any]:
    """Give the elements of nested lists; JSON's depth is bounded."""
    for value in data:
        if isinstance(value, list):
            yield from flat(value)
        else:
            yield value


def rows_of(tensors: Sequence[Tensor], shape: Shape) -> list[list[Any]]:
    """Return the rows that tensors hold, in the model's order and each value of its type.

    Args:
        tensors: One of all inputs, or one for each input under its name.
        shape: What the model takes.

    Raises:
        InputInvalid: They do not go together, or the model does not take them.
    """
    first = tensors[0]
    if len(tensors) == 1 and is_table(first, shape):
        width = first.shape[1] if len(first.shape) > 1 else 1
        table = [list(first.data[start : start + width]) for start in range(0, len(first.data), width or 1)]
        return [shape.placed(row) for row in table]
    count = len(first.data)
    for place, tensor in enumerate(tensors):
        if len(tensor.shape) > 2 or (len(tensor.shape) == 2 and tensor.shape[1] != 1) or len(tensor.data) != count:
            words = f"Of several inputs each has the shape [n] or [n, 1], with one n: here {count}."
            raise refused(place, "shape", words)
    names = [tensor.name for tensor in tensors]
    columns = [tensor.data for tensor in tensors]
    return [
        shape.row([{"name": name, "value": value} for name, value in zip(names, row, strict=True)])
        for row in zip(*columns, strict=True)
    ]


def is_table(tensor: Tensor, shape: Shape) -> bool:
    """Tell whether a tensor is meant to hold all inputs of a model: it has several columns, or one is all there is."""
    several = len(tensor.shape) == 2 and tensor.shape[1] > 1
    return several or (len(tensor.shape) < 3 and shape.count in (None, 1))


def tensors_of(results: Sequence[Mapping[str, Any]], wanted: Sequence[str] | None) -> list[Tensor]:
    """Return the results of a model as tensors.

    Args:
        results: One for each row.
        wanted: Names of the outputs, in this order; None: all but the probabilities.

    Raises:
        InputInvalid: It has no output of that name.
    """
    there = {NAMES.get(name, name): name for name in (results[0] if results else {})}
    names = [name for name in there if name != ASKED_FOR or len(there) == 1] if wanted is None else wanted
    for place, name in enumerate(names):
        if name not in there and results:
            words = f"The model has no output {name[:100]!r}; its outputs are {', '.join(there)}."
            raise InputInvalid(faults=[Fault("body", f"/outputs/{place}/name", words)])
    return [tensor_out(name, [result.get(there.get(name, name)) for result in results]) for name in names]


def tensor_out(name: str, column: Sequence[Any]) -> Tensor:
    """Return one output of all rows; rows of different lengths are filled up with null."""
    rows = [list(flat(value)) if isinstance(value, list) else [value] for value in column]
    width = max(map(len, rows), default=1)
    data = [value for row in rows for value in (*row, *(None for _ in range(width - len(row))))]
    kind = datatype_of(data)
    if kind == "BYTES":
        data = [value if isinstance(value, str) else "" if value is None else str(value) for value in data]
    return Tensor(name=name, shape=[len(rows), width], datatype=kind, data=data)


def datatype_of(data: Sequence[Any]) -> str:
    """Return the type that all elements have; numbers of both kinds are floats, all other mixtures are texts."""
    kinds = {type(value) for value in data if value is not None}
    if kinds == {int, float} or (not kinds and data):
        return "FP64"
    if int in kinds and None in data:
        return "FP64" if kinds == {int} else "BYTES"
    return next((name for kind, name in KINDS if kinds == {kind}), "BYTES" if kinds else "FP64")


def refused(place: int, member: str, words: str) -> InputInvalid:
    """Return the error for an input of a request."""
    return InputInvalid(faults=[Fault("body", f"/inputs/{place}/{member}", words)])
