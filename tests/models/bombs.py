"""Tables of few bytes that say that they have many, and a process that reads them with little memory."""

from __future__ import annotations

import io
import pickle
import resource
import struct
import subprocess
import sys
from itertools import islice

import numpy
import pyarrow
from pyarrow import parquet

from handlers.errors import Unprocessable
from handlers.models.arrowahead import BODY_LENGTH
from handlers.models.arrowflat import BUFFERS, HEADER, field, table_at, table_in, vector_in
from handlers.models.reading import read_table
from handlers.models.thrift import Compact, Shape

SPARE_BYTES = 400 << 20  #: of addresses, beyond what the process has when it begins to read
MOST_PIECES = 3


def stream(*batches, **options):
    """Return a stream of record batches."""
    target = io.BytesIO()
    with pyarrow.ipc.new_stream(target, batches[0].schema, options=pyarrow.ipc.IpcWriteOptions(**options)) as writer:
        for batch in batches:
            writer.write(batch)
    return target.getvalue()


def file(table, **options):
    """Return a Parquet file."""
    target = io.BytesIO()
    parquet.write_table(table, target, **options)
    return target.getvalue()


def once(data, old, new):
    """Return bytes with one place of them changed, which has to be there."""
    assert old in data
    return data.replace(old, new, 1)


def int64(value):
    """Return a number as it stands before a compressed buffer."""
    return struct.pack("<q", value)


def varint(value):
    """Return a number with a sign as Thrift has it."""
    value, found = (value << 1) ^ (value >> 63), b""
    while value >= 0x80:
        found += bytes([value & 0x7F | 0x80])
        value >>= 7
    return found + bytes([value])


def batch(**columns):
    """Return a record batch."""
    return pyarrow.record_batch(columns)


def body_length(data, value):
    """Return a stream whose first message after the schema says that its body has so many bytes."""
    start = len(schema_of(data))
    (length,) = struct.unpack_from("<i", data, start + 4)
    flat = memoryview(data)[start + 8 : start + 8 + length]
    at = start + 8 + field(flat, table_at(flat, 0), BODY_LENGTH)
    return data[:at] + int64(value) + data[at + 8 :]


def schema_of(data):
    """Return the first message of a stream."""
    return data[: 8 + struct.unpack_from("<i", data, 4)[0]]


def overlapping(columns):
    """Return a stream of one batch whose buffers are all the whole body."""
    data = bytearray(stream(batch(**{f"c{number}": numpy.zeros(16) for number in range(columns)})))
    start = len(schema_of(bytes(data)))
    (length,) = struct.unpack_from("<i", data, start + 4)
    flat = memoryview(bytes(data[start + 8 : start + 8 + length]))
    places, count = vector_in(flat, table_in(flat, table_at(flat, 0), HEADER), BUFFERS, 16)
    for number in range(count):
        struct.pack_into("<qq", data, start + 8 + places + 16 * number, 0, columns * 128)
    return bytes(data)


def shared_notes(pairs, size):
    """Return a stream whose schema has one long note many times."""
    notes = {"long": "x" * size} | {f"k{number}": "" for number in range(pairs)}
    data = bytearray(stream(pyarrow.record_batch({"a": [1]}).replace_schema_metadata(notes)))
    flat = memoryview(bytes(data[8:]))
    places, count = vector_in(flat, table_in(flat, table_at(flat, 0), HEADER), 2, 4)
    (longest,) = (
        table_at(flat, place)
        for place in range(places, places + 4 * count, 4)
        if struct.unpack_from("<I", flat, table_in(flat, table_at(flat, place), 1))[0] == size
    )
    for place in range(places, places + 4 * count, 4):
        struct.pack_into("<I", data, 8 + place, longest - place)
    return bytes(data)


def page(unpacked, packed=None, names=("a",)):
    """Return a Parquet file whose first page, one for each column, says that it has other sizes."""
    data = file(pyarrow.table({name: numpy.zeros(1000) for name in names}), **PLAIN)
    header = Compact(data[4:])
    found = header.struct(Shape({1: None, 2: None, 3: None}))
    old = b"\x15\x00" + b"".join(b"\x15" + varint(found[number][1]) for number in (2, 3))
    new = b"\x15\x00\x15" + varint(unpacked) + b"\x15" + varint(found[3][1] if packed is None else packed)
    return once(data, old, new)


def stream_with_note(key):
    """Return a stream of one batch with a note beside it."""
    target, one = io.BytesIO(), batch(a=[1.0])
    with pyarrow.ipc.new_stream(target, one.schema) as writer:
        writer.write_batch(one, {key: b"lz4"})
    return target.getvalue()


PLAIN = {"compression": "zstd", "use_dictionary": False, "write_statistics": False, "store_schema": False}


def read_with_little():
    """Read the tables that come on standard input; write what becomes of each, and the peak of all."""
    tables = pickle.load(sys.stdin.buffer)  # noqa: S301 - it is the test that sends them
    list(read_table(io.BytesIO(stream(batch(a=[1.5]), compression="lz4")), "arrow").pieces([0]))
    list(read_table(io.BytesIO(file(pyarrow.table({"a": ["x"]}))), "parquet").pieces([0]))
    with open("/proc/self/statm") as statm:
        used = int(statm.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + SPARE_BYTES, used + SPARE_BYTES))
    before, found = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, []
    for kind, data in tables:
        try:
            table = read_table(io.BytesIO(data), kind)
            found.append(sum(len(piece) for piece, _ in islice(table.pieces(range(len(table.columns))), MOST_PIECES)))
        except Unprocessable as problem:
            found.append(str(problem))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    sys.stdout.buffer.write(pickle.dumps((found, grown << 10)))


def outcomes(tables):
    """Return what becomes of tables in a process that has little memory, and by how many bytes its peak grew."""
    command = [sys.executable, "-m", "tests.models.bombs"]
    done = subprocess.run(command, input=pickle.dumps(tables), capture_output=True, timeout=120, check=False)
    assert 0 == done.returncode, done.stderr.decode()
    return pickle.loads(done.stdout)  # noqa: S301


if __name__ == "__main__":
    read_with_little()
