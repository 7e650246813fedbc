"""Models of other servers of the Open Inference Protocol: one question for all rows, a tensor for each input.

Source:
    Open Inference Protocol, REST (required API); Triton, MLServer and KServe have models of one input that is a table.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, Final
from urllib.parse import quote

from handlers.errors import BadGateway, Fault, InputInvalid, Unprocessable
from handlers.files.calls import Line
from handlers.models.known import MOST_FEATURES, NAME_CHARACTERS
from handlers.models.remotewords import document_in, listed, member, question
from handlers.models.tensors import NAMES

Tensor = Mapping[str, Any]  #: `name`, `datatype` and `width`; null is a width that nobody knows

MOST_DIMENSIONS: Final = 8
TYPES: Final = {
    "BOOL": ("bool", "boolean"),
    "BYTES": ("str", "string"),
    **dict.fromkeys(("UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64"), ("int64", "integer")),
    **dict.fromkeys(("FP16", "FP32", "FP64"), ("float64", "number")),
}  #: a feature's type, and one of JSON Schema, by the datatype
RESULTS: Final = {output: name for name, output in NAMES.items()}
ROWS: Final = "input-0"  #: the tensor of a model that says nothing of its inputs


class V2:
    """How they are asked."""

    most_rows = 4096

    def read(self, line: Line, url: str, model: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """Return what is known of a model, and the tensors that it takes and gives.

        Raises:
            BadGateway: The server has answered something else.
            Unprocessable: It takes tensors that are no columns, or none that are known here.
        """
        address = f"{url}/v2/models/{quote(model, safe='')}"
        found = document_in(line.call(address))
        tensors = [tensor_of(one) for one in listed(found, "inputs")]
        if len(tensors) > 1 and any(one["width"] != 1 for one in tensors):
            raise Unprocessable("The model takes several tensors, and not all of them are columns.")
        outputs = [tensor_of(one) for one in listed(found, "outputs")]
        single = bool(tensors) and tensors[0]["width"] == 1
        features = features_of(tensors)
        known = {
            "name": found.get("name"),
            "named": single,
            "invented": not single,
            "features": features,
            "input_schema": features and [one | {"order": place} for place, one in enumerate(features)],
            "output_schema": {RESULTS.get(one["name"], one["name"]): schema_of(one) for one in outputs} or None,
        }
        return known, {"url": f"{address}/infer", "inputs": tensors, "outputs": [one["name"] for one in outputs]}

    def predict(self, line: Line, kept: Mapping[str, Any], rows: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
        """Return what the model says of each row.

        Raises:
            BadGateway: The server has answered something else.
            InputInvalid: A value is absent, or the model does not take a row.
        """
        check(rows)
        body: dict[str, Any] = {"inputs": inputs_of(kept["inputs"], rows)}
        if kept["outputs"]:
            body["outputs"] = [{"name": name} for name in kept["outputs"]]  # some are given only to who asks for them
        answer = document_in(line.call(kept["url"], question(body)))
        columns = dict(column_of(one, len(rows)) for one in member(answer, "outputs", list))
        if not columns:
            raise BadGateway("The other server's answer has no output.")
        return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def tensor_of(said: Any) -> Tensor:
    """Return a tensor of a model as it is kept.

    Raises:
        Unprocessable: It is none, or none that rows can be made of.
    """
    said = said if isinstance(said, dict) else {}
    name, kind, shape = said.get("name"), said.get("datatype"), said.get("shape")
    if not isinstance(name, str) or not isinstance(shape, list) or not isinstance(kind, str) or kind not in TYPES:
        raise Unprocessable("The other server's metadata has a tensor that is not understood.")
    sizes = [size for size in shape if type(size) is int and (size == -1 or 0 < size <= MOST_FEATURES)]
    width = None if -1 in sizes[1:] else prod(sizes[1:])
    understood = len(sizes) == len(shape) and 1 <= len(shape) <= MOST_DIMENSIONS and (width or 1) <= MOST_FEATURES
    if not understood or len(name) > NAME_CHARACTERS:
        raise Unprocessable(f"The tensor {name[:100]!r} has a shape that is not understood, or too long a name.")
    return {"name": name, "datatype": kind, "width": width}


def features_of(tensors: Sequence[Tensor]) -> list[dict[str, Any]] | None:
    """Return the inputs of a model; None where it does not say how many there are."""
    if not tensors or tensors[0]["width"] is None:
        return None
    if tensors[0]["width"] == 1:
        return [{"name": one["name"], "type": TYPES[one["datatype"]][0]} for one in tensors]
    kind = TYPES[tensors[0]["datatype"]][0]
    return [{"name": f"x{place}", "type": kind} for place in range(tensors[0]["width"])]


def schema_of(tensor: Tensor) -> dict[str, Any]:
    """Return what an output looks like."""
    inner = {"type": TYPES[tensor["datatype"]][1]}
    return inner if tensor["width"] == 1 else {"type": "array", "items": inner}


def inputs_of(tensors: Sequence[Tensor], rows: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    """Return rows as the tensors of a question: one for each input, or one of all."""
    if len(tensors) > 1 or (tensors and tensors[0]["width"] == 1):
        columns = list(zip(*rows, strict=True))
        return [sent(one, [len(rows), 1], column) for one, column in zip(tensors, columns, strict=True)]
    table = [value for row in rows for value in row]
    kind = "FP64" if all(isinstance(value, int | float) for value in table) else "BYTES"
    tensor = tensors[0] if tensors else {"name": ROWS, "datatype": kind}
    return [sent(tensor, [len(rows), len(rows[0])], table)]


def sent(tensor: Tensor, shape: Sequence[int], data: Sequence[Any]) -> dict[str, Any]:
    """Return a tensor of a question."""
    return {"name": tensor["name"], "shape": shape, "datatype": tensor["datatype"], "data": data}


def check(rows: Sequence[Sequence[Any]]) -> None:
    """Refuse what a tensor of JSON cannot hold.

    Raises:
        InputInvalid: A value is absent or no finite number, or the rows are of several lengths.
    """
    for number, row in enumerate(rows, 1):
        for place, value in enumerate(row, 1):
            if value is None or (isinstance(value, float) and not math.isfinite(value)):
                words = f"The input number {place} of row {number} is absent or no number; the other server needs one."
                raise InputInvalid(faults=[Fault("body", "/parameters", words)])
        if len(row) != len(rows[0]):
            words = f"Row {number} has {len(row)} inputs, and the first has {len(rows[0])}."
            raise InputInvalid(faults=[Fault("body", "/parameters", words)])


def column_of(said: Any, count: int) -> tuple[str, list[Any]]:
    """Return the name of an output, and its value for each of *count* rows: one element, or a list of several.

    Raises:
        BadGateway: It is none, or not as long as its shape says.
    """
    if not isinstance(said, dict):
        raise BadGateway("The other server's answer has an output that is none.")
    name, shape = member(said, "name", str), member(said, "shape", list)
    if not all(type(size) is int and size >= 0 for size in shape) or not 1 <= len(shape) <= MOST_DIMENSIONS:
        raise BadGateway(f"The other server's output {name[:100]!r} has no shape.")
    if len(name) > NAME_CHARACTERS:  # it is repeated for each row
        raise BadGateway(
            f"The other server's output {name[:100]!r} has a name of more than {NAME_CHARACTERS} characters."
        )
    data = elements(member(said, "data", list), MOST_DIMENSIONS)
    width = prod(shape[1:])
    if shape[0] != count or len(data) != count * width:
        raise BadGateway(f"The other server's output {name[:100]!r} has not one value for each of {count} rows.")
    values = data if width == 1 else [data[start * width : (start + 1) * width] for start in range(count)]
    return RESULTS.get(name, name), values


def elements(data: Sequence[Any], depth: int) -> list[Any]:
    """Return the elements of nested lists.

    Raises:
        BadGateway: They are nested too deep, or one is an object.
    """
    found: list[Any] = []
    for value in data:
        if isinstance(value, dict) or (isinstance(value, list) and depth <= 1):
            raise BadGateway("The other server's output has elements that are none.")
        found += elements(value, depth - 1) if isinstance(value, list) else [value]
    return found
