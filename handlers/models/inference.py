"""Inference by the Open Inference Protocol: from its messages to models, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, Protocol

import orjson

from handlers.errors import BodyMalformed, Fault, InputInvalid
from handlers.models import binary
from handlers.models.records import Endpoint, Model
from handlers.models.tensors import Tensor, refused, rows_of, tensor_in, tensors_of
from handlers.wire import Reply

HEADER: Final = "Inference-Header-Content-Length"
OCTETS: Final = "application/octet-stream"


class Predictor(Protocol):
    """Answers predictions."""

    def predict_rows(self, endpoint_id: str, rows: Any) -> Sequence[Mapping[str, Any]]:
        """Return what the model of an endpoint says of the rows that *rows* makes of its shape."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """A request: its object, and its tensors."""

    document: Mapping[str, Any]
    tensors: Sequence[Tensor]

    @property
    def outputs(self) -> list[str] | None:
        """Names of the outputs that are wanted; None: those that are given by default."""
        wanted = self.document.get("outputs")
        return [output["name"] for output in wanted] if wanted else None

    def is_binary(self, output: str) -> bool:
        """Tell whether an output is wanted as bytes."""
        for one in self.document.get("outputs") or ():
            if one["name"] == output and "binary_data" in (one.get("parameters") or {}):
                return bool(one["parameters"]["binary_data"])
        return bool((self.document.get("parameters") or {}).get("binary_data_output"))


def read(body: Any, stream: BinaryIO | None, header: str | None, check: Any) -> Message:
    """Return the request that a body holds.

    Args:
        body: A JSON object that was checked, or nothing.
        stream: The raw body, where it is none.
        header: Length of the object in it, as it was sent.
        check: Raises InputInvalid for an object that breaks the schema.

    Raises:
        BodyMalformed: It is no JSON with tensors behind it.
        InputInvalid: A tensor is not what the object says.
    """
    if stream is None:
        return Message(document=body, tensors=tensors(body, memoryview(b"")))
    data = stream.read()
    document, rest = binary.split(data, length_in(header, len(data)))
    check(document)
    return Message(document=document, tensors=tensors(document, rest))


def length_in(header: str | None, most: int) -> int:
    """Return how many bytes the object has; all of them where nothing is said.

    Raises:
        BodyMalformed: It is said, and is no number of bytes that came.
    """
    if not header:
        return most
    if not (header.isascii() and header.isdigit() and 0 < int(header[:18]) <= most):
        raise BodyMalformed(faults=[Fault("header", HEADER, f"It is no number of bytes from 1 to {most}.")])
    return int(header)


def tensors(document: Mapping[str, Any], rest: memoryview) -> list[Tensor]:
    """Return the tensors of a request, those that came as bytes among them.

    Raises:
        InputInvalid: There are too few bytes, or too many, or a tensor is not what it says.
    """
    found = []
    for place, sent in enumerate(document["inputs"]):
        size = (sent.get("parameters") or {}).get("binary_data_size")
        if size is None:
            found.append(tensor_in(sent, place))
            continue
        if size > len(rest):
            raise refused(place, "parameters", f"Its {size} bytes are more than the {len(rest)} that are left.")
        found.append(tensor_in(sent, place, binary.elements(rest[:size], sent["datatype"], place)))
        rest = rest[size:]
    if len(rest):
        raise InputInvalid(faults=[Fault("body", "", f"{len(rest)} bytes behind the object belong to no input.")])
    return found


def infer(message: Message, model: Model, endpoint: Endpoint, predictor: Predictor) -> Reply:
    """Return what a model says.

    Raises:
        InputInvalid: It does not take these inputs, or has no such output.
        Conflict, Unavailable: As for predictions.
    """
    results = predictor.predict_rows(endpoint.id, lambda shape: rows_of(message.tensors, shape))
    document: dict[str, Any] = {"model_name": model.name, "model_version": endpoint.id, "outputs": []}
    if "id" in message.document:
        document["id"] = message.document["id"]
    pieces = []
    for tensor in tensors_of(results, message.outputs):
        out: dict[str, Any] = {"name": tensor.name, "shape": tensor.shape, "datatype": tensor.datatype}
        if message.is_binary(tensor.name):
            pieces.append(binary.packed(tensor))
            out["parameters"] = {"binary_data_size": len(pieces[-1])}
        else:
            out["data"] = tensor.data
        document["outputs"].append(out)
    if not pieces:
        return Reply(body=document)
    head = orjson.dumps(document)
    return Reply(body=b"".join([head, *pieces]), headers={HEADER: str(len(head))}, content_type=OCTETS)
