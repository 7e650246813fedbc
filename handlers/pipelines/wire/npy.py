"""NumPy's `.npy` files.

Source:
    `numpy.lib.format`: versions 1.0, 2.0 and 3.0.
"""

from __future__ import annotations

import re
import struct
from typing import Final, Literal

import numpy

from handlers.pipelines.faults import Refused
from handlers.pipelines.values import Array
from handlers.pipelines.wire.datatypes import type_of
from handlers.pipelines.wire.shapes import array_from, little_endian

MAGIC: Final = b"\x93NUMPY"
LENGTHS: Final = {1: struct.Struct("<H"), 2: struct.Struct("<I"), 3: struct.Struct("<I")}  #: of the header, by version
MOST_HEADER_BYTES: Final = 10_000  #: as `numpy.load` has it
ALIGNMENT: Final = 64  #: of where the elements begin
HEADER: Final = re.compile(r"\s*\{(.*)\}\s*", re.DOTALL)
ENTRY: Final = re.compile(
    r"""\s*(?P<quote>['"])(?P<key>descr|fortran_order|shape)(?P=quote)\s*:\s*"""
    r"""(?:'(?P<text>[^'"\\]*)'|(?P<flag>True|False)|\((?P<axes>[0-9L,\s]*)\))\s*(?:,\s*|$)"""
)
LENGTH: Final = re.compile(r"\s*([0-9]{1,19})L?\s*", re.ASCII)  # Python 2 wrote long numbers with an L
DTYPE: Final = re.compile(r"[<>|](?:b1|[iu][1248]|f[248])", re.ASCII)
ORDERS: Final[dict[str, Literal["C", "F"]]] = {"True": "F", "False": "C"}
VALUES: Final = {"descr": "text", "fortran_order": "flag", "shape": "axes"}


def read_npy(data: bytes | memoryview) -> Array:
    """Return the array of an `.npy` file: of numbers or booleans, in C or Fortran order, of either byte order.

    The file ends with the array. Bytes behind it mean that its shape is wrong, or that several arrays were sent as one.

    Raises:
        Refused: It is none, or is of records, texts, complex numbers, or Python objects, which only pickle reads.
    """
    view = memoryview(data)
    header, start = split(view)
    entries = entries_of(header)
    if not DTYPE.fullmatch(entries["descr"]):
        raise Refused(f"Its elements are {entries['descr'][:40]!r}; only numbers and booleans are read.")
    return array_from(
        view[start:], numpy.dtype(entries["descr"]), axes(entries["shape"]), ORDERS[entries["fortran_order"]]
    )


def split(view: memoryview) -> tuple[str, int]:
    """Return the header of a file, and where its elements begin."""
    if bytes(view[:6]) != MAGIC:
        raise Refused("This is no .npy file: it does not begin with \\x93NUMPY.")
    version = view[6] if len(view) > 7 else 0
    if version not in LENGTHS:
        raise Refused(f"Its version is {version}; 1, 2 and 3 are read.")
    start = 8 + LENGTHS[version].size
    if len(view) < start:
        raise Refused("It is cut short in its header.")
    (length,) = LENGTHS[version].unpack_from(view, 8)
    if length > MOST_HEADER_BYTES:
        raise Refused(f"Its header has {length} bytes; {MOST_HEADER_BYTES} are the most.")
    if len(view) < start + length:
        raise Refused("It is cut short in its header.")
    return str(view[start : start + length], "latin-1"), start + length


def entries_of(header: str) -> dict[str, str]:
    """Return what a header says: `descr`, `fortran_order` and `shape`.

    The header is a Python literal. What writers put there needs no parser of Python, and a stranger's gets none.
    """
    found: dict[str, str] = {}
    outer = HEADER.fullmatch(header)
    at, text = 0, outer[1].strip() if outer else ""
    while entry := ENTRY.match(text, at):
        value = entry[VALUES[entry["key"]]]
        if value is None or entry["key"] in found:
            break
        found[entry["key"]] = value
        at = entry.end()
    if at < len(text) or len(found) < len(VALUES):
        if re.match(r"\s*'descr'\s*:\s*\[", text[at:]):
            raise Refused("Its elements are records; only numbers and booleans are read.")
        raise Refused("Its header does not say descr, fortran_order and shape, or says something else.")
    return found


def axes(text: str) -> list[int]:
    """Return a shape from the inside of its parentheses."""
    parts = text.split(",")
    if not parts[-1].strip():
        parts.pop()
    found = [LENGTH.fullmatch(part) for part in parts]
    if not all(found):
        raise Refused(f"Its shape ({text[:100]}) is none.")
    return [int(one[1]) for one in found if one]


def write_npy(array: Array) -> bytes:
    """Return an array as an `.npy` file of version 1, in C order and little-endian, as Konduit Serving writes it.

    Raises:
        Refused: It is not of numbers or booleans.
    """
    type_of(array)
    plain = little_endian(array)
    shape = f"({', '.join(map(str, plain.shape))}{',' if plain.ndim == 1 else ''})"
    header = f"{{'descr': '{plain.dtype.str}', 'fortran_order': False, 'shape': {shape}, }}"
    length = len(header) + 1
    length += -(8 + LENGTHS[1].size + length) % ALIGNMENT
    head = MAGIC + b"\x01\x00" + LENGTHS[1].pack(length) + header.ljust(length - 1).encode() + b"\n"
    return b"".join((head, plain.data))
