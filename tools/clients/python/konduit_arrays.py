"""Arrays in, arrays out: a client of Konduit's API that needs NumPy and nothing else (and pyarrow for `arrow`).

    client = Client("http://127.0.0.1:8030/konduit")
    client.predict({"x": numpy.ones((1, 2), "f4"), "y": numpy.zeros((1, 2), "f4")})["total"]

This file stands alone: copy it to where it is used.
"""

from __future__ import annotations

import functools
import io
import json
import math
import secrets
import struct
import urllib.error
import urllib.request
import zipfile
from typing import Any

import numpy

#: ND4J's types, in the order of its numbers for them; 9 to 11 are none that NumPy has.
ND4J_TYPES = ("f8", "f4", "f2", "i8", "i4", "i2", "u1", "i1", "?", None, None, None, "u2", "u4", "u8")
#: What ND4J's shape information says of each type in its options.
ND4J_OPTIONS = {
    "f2": 4096, "f4": 8192, "f8": 16384, "i1": 32768, "i2": 65536, "i4": 131072, "i8": 262144, "?": 524288,
    "u1": 8388608 + 32768, "u2": 8388608 + 65536, "u4": 8388608 + 131072, "u8": 8388608 + 262144,
}  # fmt: skip
JSON_TYPES = {
    "DOUBLE": "f8", "FLOAT": "f4", "HALF": "f2", "BFLOAT16": "f4", "LONG": "i8", "INT": "i4", "SHORT": "i2",
    "BYTE": "i1", "UBYTE": "u1", "UINT16": "u2", "UINT32": "u4", "UINT64": "u8", "BOOL": "?",
}  # fmt: skip


class KonduitError(Exception):
    """The server refused; `status` is HTTP's, `faults` are (place, what is wrong there)."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        self.status = status
        self.problem = problem
        self.faults = [(fault["place"], fault["detail"]) for fault in problem.get("errors", [])]
        super().__init__(f"{status}: {problem.get('detail') or problem.get('title')}")


class Client:
    """A pipeline that is served at *base_url*, such as `http://127.0.0.1:8030/konduit`."""

    def __init__(self, base_url: str, timeout_s: float = 60) -> None:
        self.base_url = base_url.rstrip("/")
        self.timeout_s = timeout_s

    @functools.cached_property
    def config(self) -> dict[str, Any]:
        """The pipeline's configuration, read once."""
        found: dict[str, Any] = json.loads(self._send("GET", "/config")[1])
        return found

    @property
    def input_names(self) -> list[str]:
        """Names of the pipeline's inputs."""
        return list(self.config["steps"][0].get("inputNames") or ["default"])

    @property
    def output_names(self) -> list[str]:
        """Names of the pipeline's outputs."""
        return list(self.config["steps"][-1].get("outputNames") or ["default"])

    def predict(self, inputs: dict[str, Any], format: str = "numpy", prediction: str = "raw") -> Any:
        """Run the pipeline.

        Args:
            inputs: An array, or the bytes of a file, for each input, by its name; a list of them is stacked by the
                server. With `json` arrays are taken row by row; with `arrow` an input may be a dict of columns.
            format: How inputs are sent: numpy, nd4j, arrow, json, or image (bytes only).
            prediction: What the outputs are turned into: raw, classification, regression, yolo or ssd.

        Returns:
            For each output, by its name, an array, or where it is none the object that the server sent; records,
            which have no names of outputs, as they came.

        Raises:
            KonduitError: The server refused.
            ValueError: The format, or the type of an array, is none that can be sent.
        """
        format, prediction = format.lower(), prediction.lower()
        if format == "json":
            return decoded_json(self._send("POST", f"/{prediction}/json", *rows_of(inputs))[1])
        # The first word may be a format: arrays then come as they went, exact and without being text.
        answered = format if prediction == "raw" and format != "image" else None
        parts = [(name, encoded(value, format)) for name, value in numbered(inputs)]
        kind, data = self._send("POST", f"/{answered or prediction}/{format}", *multipart(parts))
        if kind == "application/json":
            return decoded_json(data)
        comes = answered or self.config.get("servingConfig", {}).get("outputDataFormat", "JSON").lower()
        if kind == "application/zip":
            with zipfile.ZipFile(io.BytesIO(data)) as file:
                return {name: decoded(file.read(name), comes) for name in file.namelist()}
        return {self.output_names[0]: decoded(data, comes)}

    def _send(self, method: str, path: str, body: bytes | None = None, kind: str = "") -> tuple[str, bytes]:
        """Return content type and body of the answer to a request."""
        headers = {"Content-Type": kind} if kind else {}
        request = urllib.request.Request(self.base_url + path, body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=self.timeout_s) as answer:
                return answer.headers.get_content_type(), answer.read()
        except urllib.error.HTTPError as error:
            raise refusal(error.code, error.headers.get_content_type(), error.read()) from error


def refusal(status: int, kind: str, body: bytes) -> KonduitError:
    """Return the error that an answer tells of."""
    if kind in ("application/problem+json", "application/json"):
        return KonduitError(status, json.loads(body))
    return KonduitError(status, {"detail": body[:500].decode(errors="replace")})


def numbered(inputs: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return the names of parts, each with its value: `x`, or `x[0]`, `x[1]` for a list."""
    return [
        part
        for name, value in inputs.items()
        for part in (
            [(f"{name}[{number}]", one) for number, one in enumerate(value)]
            if isinstance(value, list)
            else [(name, value)]
        )
    ]


def multipart(parts: list[tuple[str, bytes]]) -> tuple[bytes, str]:
    """Return a body of files, and its content type."""
    boundary = secrets.token_hex(24)
    body = io.BytesIO()
    for name, data in parts:
        quoted = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{quoted}"; filename="{quoted}"\r\n'
        body.write(f"{head}Content-Type: application/octet-stream\r\n\r\n".encode() + data + b"\r\n")
    body.write(f"--{boundary}--\r\n".encode())
    return body.getvalue(), f"multipart/form-data; boundary={boundary}"


def rows_of(inputs: dict[str, Any]) -> tuple[bytes, str]:
    """Return the rows of arrays as JSON, and its content type."""
    columns = [numpy.atleast_1d(value).tolist() for value in inputs.values()]
    rows = [dict(zip(inputs, row, strict=True)) for row in zip(*columns, strict=True)]
    return json.dumps(rows).encode(), "application/json"


def encoded(value: Any, format: str) -> bytes:
    """Return a value as a file of a format; bytes are one already."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    if format == "arrow":
        return encoded_arrow(value)
    if format == "nd4j":
        return encoded_nd4j(numpy.asarray(value))
    if format != "numpy":
        raise ValueError(f"{format!r} cannot be made of an array; numpy, nd4j, arrow and json can.")
    file = io.BytesIO()
    numpy.save(file, numpy.asarray(value), allow_pickle=False)
    return file.getvalue()


def encoded_arrow(value: Any) -> bytes:
    """Return columns, a dict, as an Arrow file, and an array as the message of a tensor."""
    import pyarrow

    sink = pyarrow.BufferOutputStream()
    if isinstance(value, dict):
        table = pyarrow.table({name: pyarrow.array(column) for name, column in value.items()})
        with pyarrow.ipc.new_file(sink, table.schema) as file:
            file.write_table(table)
    else:
        pyarrow.ipc.write_tensor(pyarrow.Tensor.from_numpy(numpy.ascontiguousarray(value)), sink)
    return bytes(sink.getvalue())


def decoded(data: bytes, format: str) -> Any:
    """Return the array of a file, or the records of an Arrow file."""
    if format == "nd4j":
        return decoded_nd4j(data)
    if format == "arrow":
        import pyarrow

        if data.startswith(b"ARROW1"):
            return pyarrow.ipc.open_file(data).read_all().to_pylist()
        return pyarrow.ipc.read_tensor(pyarrow.BufferReader(data)).to_numpy()
    return numpy.load(io.BytesIO(data), allow_pickle=False)


def decoded_json(data: bytes) -> Any:
    """Return arrays where the server's JSON has such, and else what it holds. A number that is null is NaN."""
    found = json.loads(data)
    if not isinstance(found, dict):
        return found
    return {name: as_array(output) for name, output in found.items()}


def as_array(output: Any) -> Any:
    """Return an output as an array if it is one."""
    if not isinstance(output, dict) or output.get("@type") != "NDArrayOutput":
        return output
    array = output["ndArray"]
    data = [math.nan if number is None else number for number in array["data"]]
    return numpy.array(data, JSON_TYPES[array["dataType"]]).reshape(array["shape"])


def encoded_nd4j(array: numpy.ndarray) -> bytes:
    """Return an array as ND4J's BinarySerde writes it: rank, type, shape information, data in C order."""
    word = "?" if array.dtype.kind == "b" else f"{array.dtype.kind}{array.dtype.itemsize}"
    if word not in ND4J_OPTIONS:
        raise ValueError(f"ND4J has no arrays of {array.dtype}.")
    rank, shape = array.ndim, array.shape
    strides = [math.prod(shape[axis + 1 :]) for axis in range(rank)]
    info = (rank, *shape, *strides, ND4J_OPTIONS[word], 1, ord("c"))
    head = struct.pack(f"<ii{len(info)}q", rank, ND4J_TYPES.index(word), *info)
    return head + array.astype(array.dtype.newbyteorder("<")).tobytes("C")


def decoded_nd4j(data: bytes) -> Any:
    """Return the array that BinarySerde has written; strides are not looked at, as data is dense."""
    rank, kind = struct.unpack_from("<ii", data)
    if not 0 <= rank <= 32 or not 0 <= kind < len(ND4J_TYPES) or ND4J_TYPES[kind] is None:
        raise ValueError(f"This is no array of ND4J that NumPy could hold: rank {rank}, type {kind}.")
    info = struct.unpack_from(f"<{2 * rank + 4}q", data, 8)
    dtype = numpy.dtype(ND4J_TYPES[kind]).newbyteorder("<")
    shape = info[1 : 1 + rank]
    flat = numpy.frombuffer(data, dtype, math.prod(shape), 8 + 8 * len(info))
    return flat.reshape(shape, order="F" if info[-1] == ord("f") else "C")
