"""The outputs of a pipeline, as they are answered."""

from __future__ import annotations

import base64
import math
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy
import orjson

from handlers.pipelines import detections
from handlers.pipelines.detections import Search
from handlers.pipelines.faults import Refused
from handlers.pipelines.flow import as_array
from handlers.pipelines.values import Array, Batch, Records, Value
from handlers.pipelines.wire import formats
from handlers.pipelines.wire.bundle import write_zip
from handlers.pipelines.wire.ndjson import as_document
from handlers.pipelines.words import JSON, SCHEMA, Wish

DUMP: Final = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS


@dataclass(frozen=True, kw_only=True)
class Said:
    """What is known of outputs beside their values."""

    labels: Sequence[str] = ()  #: names of the classes
    search: Search = field(default_factory=Search)  #: what counts as an object in an image
    sizes: Sequence[tuple[int, int]] = ()  #: width and height of each image that came, in pixels


def write(wish: Wish, outputs: Batch, said: Said) -> tuple[str, bytes]:
    """Return the content type and the bytes of an answer.

    Raises:
        Refused: The outputs cannot be answered so.
    """
    if wish.goes != JSON:
        return binary(wish.goes, outputs)
    found = document(wish, outputs, said, str(uuid.uuid4()))
    try:
        return "application/json", orjson.dumps(found, option=DUMP)
    except TypeError as error:  # a whole number of more than 64 bits, or a text with half a character
        raise Refused(f"The outputs cannot be written as JSON: {error}.") from error


def binary(goes: str, outputs: Batch) -> tuple[str, bytes]:
    """Return one output as its bytes, several as a ZIP file of them."""
    written = {name: as_bytes(value, goes, name) for name, value in outputs.items()}
    if len(written) == 1:
        return next(iter(written.values()))
    return "application/zip", write_zip({name: data for name, (_, data) in written.items()})


def as_bytes(value: Value, goes: str, name: str) -> tuple[str, bytes]:
    """Return content type and bytes of one output; Arrow has a format of its own for records, which holds text."""
    if goes == "ARROW" and (isinstance(value, list) or is_text(value)):
        return formats.write(goes, rows_of(value, name))
    return formats.write(goes, array(value, name))


def array(value: Value, name: str) -> Array:
    """Return an output as an array.

    Raises:
        Refused: It holds records that are none.
    """
    found = as_array(value, list(value[0]) if value else [], name) if isinstance(value, list) else value
    if found.dtype.kind not in "biuf":
        raise Refused(f"The output {name!r} is of text, which only RAW as JSON, and ARROW, hold.")
    return found


def is_text(value: Value) -> bool:
    """Tell whether a value is an array of text, or records that would become one."""
    if isinstance(value, list):
        return any(isinstance(cell, str | bytes) for row in value for cell in row.values())
    return value.dtype.kind not in "biuf"


def rows_of(value: Value, name: str) -> Records:
    """Return a value as records: an array has one column, and a row for each place along its first axis."""
    return value if isinstance(value, list) else [{name: cell} for cell in numpy.atleast_1d(value).tolist()]


def document(wish: Wish, outputs: Batch, said: Said, batch_id: str) -> Any:
    """Return outputs as JSON: each by its name, or, where RAW was asked for and one has no numbers, as records."""
    if wish.comes == SCHEMA:
        return {name: values_of(value) for name, value in outputs.items()}
    if wish.kind == "RAW" and (any(map(is_text, outputs.values())) or not any_array(outputs)):
        return plain(together(outputs))
    found = KINDS[wish.kind](outputs, said, batch_id)
    return next(iter(found.values())) if wish.bare else found


def values_of(value: Value) -> list[Any]:
    """Return an output as a list of values: those of the columns, row by row, or those along the first axis."""
    if isinstance(value, list):
        return [told(cell) for row in value for cell in row.values()]
    return list(numpy.atleast_1d(value).tolist())


def any_array(outputs: Batch) -> bool:
    """Tell whether not all outputs are records."""
    return any(isinstance(value, numpy.ndarray) for value in outputs.values())


def together(outputs: Batch) -> Records:
    """Return several outputs as one: row by row, or, where they have not as many rows as each other, whole in one."""
    lists = {name: rows_of(value, name) for name, value in outputs.items()}
    if len({len(rows) for rows in lists.values()}) > 1:
        return [{name: value if isinstance(value, list) else value.tolist() for name, value in outputs.items()}]
    return [{name: cell for row in rows for name, cell in row.items()} for rows in zip(*lists.values(), strict=True)]


def plain(rows: Records) -> Any:
    """Return records as JSON: one row of text alone as an object, others as a list.

    A text of such a single row that is an object or a list of JSON is told as such.
    """
    if len(rows) == 1 and all(isinstance(cell, str) for cell in rows[0].values()):
        return {name: inner(cell) for name, cell in rows[0].items()}
    return [told(row) for row in rows]


def told(value: Any) -> Any:
    """Return a value of a record as JSON has it: arrays as nested lists, bytes as text of Base64."""
    if isinstance(value, numpy.ndarray | numpy.generic):
        return told(value.tolist())
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {name: told(one) for name, one in value.items()}
    return [told(one) for one in value] if isinstance(value, list | tuple) else value


def inner(text: str) -> Any:
    """Return what a text of JSON holds, if it looks like an object or a list and is one."""
    if text[:1] in ("{", "["):
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            pass
    return text


def raw(outputs: Batch, said: Said, batch_id: str) -> dict[str, Any]:  # noqa: ARG001 - all kinds are called so
    """Return all outputs as the arrays that they are."""
    return {
        name: {"@type": "NDArrayOutput", "ndArray": as_document(array(value, name)), "batchId": batch_id}
        for name, value in outputs.items()
    }


def classification(outputs: Batch, said: Said, batch_id: str) -> dict[str, Any]:
    """Return the first output as probabilities, with the class that is the most probable of each row.

    Raises:
        Refused: It is of the classes themselves, as exports of scikit-learn have them before the probabilities.
    """
    name, rows = first(outputs, row=True)
    value = outputs[name]
    if len(outputs) > 1 and isinstance(value, numpy.ndarray) and value.ndim == 1 and value.dtype.kind in "iu":
        words = f"The first output, {name!r}, is of whole numbers; 'outputNames' has to begin with the probabilities."
        raise Refused(words)
    decisions = rows.argmax(axis=1) if rows.shape[1] else numpy.zeros(len(rows), numpy.int64)
    return {
        name: {
            "@type": "ClassifierOutput",
            "decisions": decisions.tolist(),
            "probabilities": numbers(rows),
            "labels": list(said.labels or outputs),
            "batchId": batch_id,
        }
    }


def regression(outputs: Batch, said: Said, batch_id: str) -> dict[str, Any]:  # noqa: ARG001 - all kinds are called so
    """Return the first output as numbers of each row."""
    name, rows = first(outputs, row=False)
    return {name: {"@type": "RegressionOutput", "values": numbers(rows), "batchId": batch_id}}


def yolo(outputs: Batch, said: Said, batch_id: str) -> dict[str, Any]:
    """Return the objects that YOLO has found by its first output."""
    name, value = next(iter(outputs.items()))
    return objects(name, detections.yolo(array(value, name), said.search), said, batch_id)


def ssd(outputs: Batch, said: Said, batch_id: str) -> dict[str, Any]:
    """Return the objects that SSD has found, under the name of the first output."""
    return objects(next(iter(outputs)), detections.ssd(outputs, said.search), said, batch_id)


def objects(name: str, found: Sequence[detections.Boxes], said: Said, batch_id: str) -> dict[str, Any]:
    """Return objects in images, one image after the other, in pixels of the images where these are known."""
    sizes = list(said.sizes)
    if len(sizes) != len(found):
        raise Refused("Objects are told in pixels, and the sizes of the images are not known: send them as IMAGE.")
    batches = [
        one
        for boxes, size in zip(found, sizes, strict=True)
        for one in detections.as_objects(boxes, said.search, size, batch_id)
    ]
    return {name: {"@type": "ManyDetectedObjects", "detectedObjectsBatches": batches, "batchId": batch_id}}


def first(outputs: Batch, *, row: bool) -> tuple[str, Array]:
    """Return name and value of the first output as rows; a vector is one row, or a row for each of its values."""
    name, value = next(iter(outputs.items()))
    found = array(value, name)
    if found.ndim < 2:
        return name, found.reshape((1, -1) if row else (-1, 1))
    return name, found.reshape(len(found), math.prod(found.shape[1:]))


def numbers(rows: Array) -> list[Any]:
    """Return rows as lists; what JSON cannot express becomes null when it is written."""
    found: list[Any] = rows.astype(numpy.float64).tolist()
    return found


KINDS: Final[Mapping[str, Any]] = {
    "RAW": raw,
    "CLASSIFICATION": classification,
    "REGRESSION": regression,
    "YOLO": yolo,
    "SSD": ssd,
}
