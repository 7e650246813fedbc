"""Apache Arrow: files and streams of records, and messages of one tensor."""

from __future__ import annotations

import math
from io import BytesIO
from typing import Any

import numpy
import pyarrow

from handlers.pipelines.faults import Refused
from handlers.pipelines.values import Array, Records, Value
from handlers.pipelines.wire.arrowcells import records_of
from handlers.pipelines.wire.arrowcolumns import columns_of
from handlers.pipelines.wire.arrowmessages import FAULTS, messages_in, see_first_batch, unreadable
from handlers.pipelines.wire.datatypes import type_of
from handlers.pipelines.wire.shapes import checked_shape


def read_arrow(data: bytes | memoryview) -> Value:
    """Return the first record batch of an IPC file or stream as records, or the tensor of a message as an array.

    What follows the first record batch is not read, as the API says. What the cells become is told by `arrowcells`.

    Raises:
        Refused: It is none of these, broken, or needs too much memory.
    """
    stream = messages_in(memoryview(data))
    if see_first_batch(stream) == "tensor":
        return read_tensor(stream)
    try:
        batch = pyarrow.ipc.open_stream(pyarrow.BufferReader(stream)).read_next_batch()
        batch.validate(full=True)
        return records_of(batch, len(data))
    except (*FAULTS, StopIteration) as error:
        raise unreadable(error) from error


def read_tensor(data: bytes | memoryview) -> Array:
    """Return the array of a tensor's message.

    Raises:
        Refused: It is none, broken, or has elements that share their bytes.
    """
    try:
        tensor = pyarrow.ipc.read_tensor(pyarrow.BufferReader(data))
        found: Array = tensor.to_numpy()
    except FAULTS as error:
        raise unreadable(error) from error
    type_of(found)
    size = math.prod(tensor.shape) * found.itemsize
    if size > len(data):
        raise Refused(f"Its shape {list(tensor.shape)} needs {size} bytes, and it has {len(data)}.")
    checked_shape(tensor.shape, found.itemsize, size)
    return found.astype(found.dtype.newbyteorder("="), order="K", copy=True)


def write_tensor(array: Array) -> bytes:
    """Return an array as a message of a tensor, in C order. Arrow has no tensors of booleans: they become bytes.

    Raises:
        Refused: It is not of numbers or booleans.
    """
    plain = numpy.asarray(array, type_of(array).dtype, order="C")
    if any(stride < 0 for stride in plain.strides):
        plain = plain.copy()  # an axis of length 1 may have any stride, and pyarrow looks at it all the same
    sink = BytesIO()
    pyarrow.ipc.write_tensor(
        pyarrow.Tensor.from_numpy(plain.view("u1") if plain.dtype.kind == "b" else plain),
        pyarrow.PythonFile(sink, "w"),
    )
    return sink.getvalue()


def write_records(records: Records) -> bytes:
    """Return records as an IPC file of one record batch; a cell that a record has not is null.

    Raises:
        Refused: A column holds values that have no common type.
    """
    columns: dict[str, Any] = columns_of(records)
    schema = pyarrow.schema([(name, column.type) for name, column in columns.items()])
    batch = (
        pyarrow.RecordBatch.from_arrays(list(columns.values()), schema=schema)
        if columns
        else pyarrow.RecordBatch.from_struct_array(pyarrow.array([{}] * len(records), pyarrow.struct([])))
    )
    sink = BytesIO()
    with pyarrow.ipc.new_file(pyarrow.PythonFile(sink, "w"), batch.schema) as writer:
        writer.write_batch(batch)
    return sink.getvalue()
