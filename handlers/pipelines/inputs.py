"""What has come, as values of a pipeline's inputs."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import numpy
import orjson

from handlers.pipelines.checks import pointer
from handlers.pipelines.config import Configuration
from handlers.pipelines.faults import Refused
from handlers.pipelines.flow import column_array
from handlers.pipelines.values import Array, Batch, Records, Value
from handlers.pipelines.wire import formats
from handlers.pipelines.wire.npy import read_npy
from handlers.pipelines.words import JSON, SCHEMA

MOST_BYTES: Final = 1 << 28  #: that the files of one request may become together, where they are several
CELL_BYTES: Final = 32  #: about what a cell of a record takes beside its text
ROW_CELLS: Final = 6  #: that a record takes without its cells
NUMBERED: Final = re.compile(r"(.*)\[(\d{1,6})\]", re.DOTALL)

Part = tuple[str, memoryview]


def read(configuration: Configuration, comes: str, parts: Sequence[Part]) -> Batch:
    """Return the values of a pipeline's inputs.

    Args:
        configuration: Of the pipeline.
        comes: Format of the parts, or JSON, or SCHEMA.
        parts: Name and bytes of each.

    Raises:
        Refused: They are not what the pipeline takes, or not what they should be.
    """
    if comes == JSON:
        return from_rows(configuration, loaded(parts[0][1]))
    if comes == SCHEMA:
        return from_schema(configuration, loaded(parts[0][1]))
    return from_files(configuration.input_names, comes, parts)


def loaded(data: memoryview) -> Any:
    """Return a JSON value; a whole number of more than 64 bits is a float.

    Raises:
        Refused: There are too many levels.
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise Refused(f"This JSON cannot be read: {error.msg}.") from error


def from_rows(configuration: Configuration, rows: Mapping[str, Any] | list[dict[str, Any]]) -> Batch:
    """Return rows of JSON as records of the only input, or, column by column, as the inputs that are called so."""
    records = [dict(rows)] if isinstance(rows, Mapping) else rows
    names = configuration.input_names
    if len(names) == 1:
        return {names[0]: checked(records, configuration.columns, configuration.extra_columns)}
    for number, row in enumerate(records):
        if missing := [name for name in names if name not in row]:
            raise Refused(f"There is no {missing[0]!r}.", f"/{number}")
    return {name: column_array([row[name] for row in records], name) for name in names}


def checked(records: Records, columns: Mapping[str, str], extras: Collection[str] = ()) -> Records:
    """Return records of which each has all columns, and no others but *extras*; any will do where none are known.

    Raises:
        Refused: One has not, or has others.
    """
    if not columns:
        return records
    for number, row in enumerate(records):
        if missing := [name for name in columns if name not in row and name not in extras]:
            raise Refused(f"Row {number} has no {missing[0]!r}.", f"/{number}")
        if strange := [name for name in row if name not in columns and name not in extras]:
            raise Refused(f"Row {number} has {strange[0][:100]!r}, which is no column.", f"/{number}")
    return records


def from_schema(configuration: Configuration, body: Mapping[str, Any]) -> Batch:
    """Return values that bring their own schema, as one record for each input.

    Raises:
        Refused: Schema and values name different inputs or fields, or a value is not of its type.
    """
    schema, values = body["schema"], body["values"]
    same(schema, values, "")
    known = configuration.input_names
    if strange := [name for name in values if name not in known]:
        raise Refused(f"There is no input {strange[0][:100]!r}; there are {', '.join(known)}.", "/values")
    if missing := [name for name in known if name not in values]:
        raise Refused(f"There is no value for the input {missing[0]!r}.", "/values")
    batch: Batch = {}
    for name in known:
        same(schema[name], values[name], f"/{name}")
        row = {field: typed(values[name][field], about, field, name) for field, about in schema[name].items()}
        batch[name] = [row]
    return batch


def same(schema: Mapping[str, Any], values: Mapping[str, Any], place: str) -> None:
    """See that schema and values have the same members."""
    if other := sorted(schema.keys() ^ values.keys()):
        side = "values" if other[0] in values else "schema"
        raise Refused(f"Only the {side} have {other[0][:100]!r}.", f"/{side}{place}")


def typed(value: Any, about: Mapping[str, Any], field: str, name: str) -> Any:
    """Return the value of a field of an input as its schema says.

    Raises:
        Refused: It is none.
    """
    try:
        return of_type(value, about, field)
    except Refused as refused:
        raise Refused(str(refused), pointer(pointer("/values", name), field)) from None


def of_type(value: Any, about: Mapping[str, Any], field: str) -> Any:
    """Return the value of a field as its schema says."""
    kind = about["type"]
    if kind in ("NDArray", "Image"):
        return array_in(value, about.get("shape"), field)
    if kind == "Bytes":
        return decoded(value, field)
    if kind == "Categorical" and (words := about.get("categories")) is not None and value not in words:
        raise Refused(f"The value of {field!r} is none of its categories.")
    if not isinstance(value, TYPES[kind]) or (isinstance(value, bool) and kind != "Boolean"):
        raise Refused(f"The value of {field!r} is no {kind}.")
    return value


TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "String": (str,),
    "Categorical": (str,),
    "Integer": (int,),
    "Long": (int,),
    "Float": (int, float),
    "Double": (int, float),
    "Boolean": (bool,),
    "Time": (int, str),
}


def array_in(value: Any, shape: Sequence[int] | None, field: str) -> Array:
    """Return the array in the Base64 of an `.npy` file, of which the shape may be said beside it."""
    found = read_npy(decoded(value, field))
    if shape is None or tuple(shape) == found.shape:
        return found
    try:
        return found.reshape(tuple(shape))
    except ValueError:
        raise Refused(f"The array of {field!r} has the shape {list(found.shape)}, and not {list(shape)}.") from None


def decoded(value: Any, field: str) -> bytes:
    """Return the bytes in a text of Base64."""
    try:
        return base64.b64decode(value, validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise Refused(f"The value of {field!r} is no Base64.") from None


def from_files(names: Sequence[str], comes: str, parts: Sequence[Part]) -> Batch:
    """Return files as values.

    Raises:
        Refused: One is for no input, an input has none, one is not what it should be, or together they become too much.
    """
    found: dict[str, dict[int, Value]] = {}
    size = 0
    for part, data in parts:
        name, number = input_of(part, names)
        pieces = found.setdefault(name, {})
        if number in pieces:
            raise Refused("Two files have this name.", part[:100])
        pieces[number] = value = value_of(data, comes, part)
        size += bytes_of(value) if len(parts) > 1 else 0  # readers have bounds of their own for one
        if size > MOST_BYTES:
            raise Refused(f"With this the files become more than {MOST_BYTES} bytes; send fewer at once.", part[:100])
    if missing := [name for name in names if name not in found]:
        raise Refused(f"There is no file for the input {missing[0]!r}.", missing[0])
    return {name: together([pieces[number] for number in sorted(pieces)], name) for name, pieces in found.items()}


def input_of(part: str, names: Sequence[str]) -> tuple[str, int]:
    """Return the input that a file is for, and its number among those of this input.

    Its part of the upload has the input's name, which may be followed by a number, `x[1]`; a space stands for a colon.

    Raises:
        Refused: There is no such input.
    """
    numbered = NUMBERED.fullmatch(part)
    for name, number in ((part, 0), (numbered[1], int(numbered[2]))) if numbered else ((part, 0),):
        for spelt in (name, name.replace(" ", ":")):
            if spelt in names:
                return spelt, number
    raise Refused(f"There is no input of this name; there are {', '.join(names)}.", part[:100])


def value_of(data: memoryview, comes: str, part: str) -> Value:
    """Return the value in a file."""
    try:
        return formats.read(comes, data)
    except Refused as refused:
        raise Refused(str(refused), part[:100]) from None


def bytes_of(value: Value) -> int:
    """Return about how many bytes of memory a value takes; a text counts each time that it is meant."""
    if isinstance(value, numpy.ndarray):
        return value.nbytes
    cells = [cell for row in value for cell in row.values()]
    texts = sum(len(cell) for cell in cells if isinstance(cell, str | bytes))
    arrays = sum(cell.nbytes for cell in cells if isinstance(cell, numpy.ndarray))
    return CELL_BYTES * (len(cells) + ROW_CELLS * len(value)) + texts + arrays


def together(values: Sequence[Value], name: str) -> Value:
    """Return the files of one input as one value: arrays stacked along a new first axis, records one after the other.

    Raises:
        Refused: The arrays are not of one shape.
    """
    if len(values) == 1:
        return values[0]
    if isinstance(values[0], list):
        return [row for rows in values for row in rows]
    arrays = [value for value in values if isinstance(value, numpy.ndarray)]
    if len({one.shape for one in arrays}) > 1:
        # Pictures have many sizes until a step has made them one; a record of one each says that they are many.
        return [{name: one} for one in arrays]
    return numpy.stack(arrays)
