"""What a model file is, by its name and its first bytes, and what it is to be called."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

FORMATS: Final = ("pickle", "joblib", "pmml", "bst", "onnx", "skops")
BY_EXTENSION: Final[Mapping[str, str]] = {
    "pkl": "pickle",
    "pickle": "pickle",
    "joblib": "joblib",
    "pmml": "pmml",
    "xml": "pmml",
    "bst": "bst",
    "ubj": "bst",
    "onnx": "onnx",
    "skops": "skops",
}
#: Extension of the file that is downloaded.
EXTENSIONS: Final[Mapping[str, str]] = {
    "pickle": "pickle",
    "joblib": "joblib",
    "pmml": "pmml",
    "bst": "bin",
    "onnx": "onnx",
    "skops": "skops",
}
HEAD_BYTES: Final = 4096  #: that tell enough
NAME_CHARACTERS: Final = 1024
COMPRESSED: Final = (b"\x78", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x5d\x00")  #: as joblib writes it
BOOSTERS: Final = (b"binf", b"bs64", b"{L", b'{"learner"', b'{"version"')
PICKLES: Final = (b"\x80", b"c", b"(")  #: protocols from 2 on, and before
ZIP: Final = b"PK\x03\x04"
PROTOBUF_IR_VERSION: Final = b"\x08"  #: the first field of an ONNX file
XML: Final = re.compile(r"\s*<(?:\?xml|!--|(?:[\w.-]+:)?PMML[\s>])")
UTF_16: Final = (b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<")


def by_extension(filename: str) -> str | None:
    """Return the format that a file's extension tells; None: it tells none."""
    return BY_EXTENSION.get(filename.rpartition(".")[2].lower())


def sniffed(head: bytes) -> str | None:
    """Return the format that a file's first bytes tell; None: they tell none."""
    if XML.match(text_of(head)):
        return "pmml"
    if head.startswith(b"\x80"):
        return "pickle"
    if head.startswith(ZIP):
        return "skops"
    if head.startswith(BOOSTERS):
        return "bst"
    if head.startswith(COMPRESSED):
        return "joblib"
    return "onnx" if head.startswith(PROTOBUF_IR_VERSION) else None


def text_of(head: bytes) -> str:
    """Return how a file begins, if it is text: in UTF-16 where its first bytes are those of that, or else as UTF-8."""
    if head.startswith(UTF_16):
        big = head.startswith((b"\xfe\xff", b"\0"))
        return head.decode("utf-16-be" if big else "utf-16-le", "replace").removeprefix("\ufeff")
    return head.decode("utf-8", "replace").removeprefix("\ufeff")


def plausible(kind: str, head: bytes) -> bool:
    """Tell whether a file may be of a format, so that what cannot be costs nobody a process."""
    begins: dict[str, bytes | tuple[bytes, ...]] = {
        "pickle": (*PICKLES, *COMPRESSED),
        "joblib": (*PICKLES, *COMPRESSED),
        "bst": BOOSTERS,
        "onnx": PROTOBUF_IR_VERSION,
        "skops": ZIP,
    }
    return sniffed(head) == "pmml" if kind == "pmml" else head.startswith(begins[kind])


def stem_of(filename: str) -> str:
    """Return a file's name without folder and extension, as a model may be called; empty where it has none."""
    name = filename.replace("\\", "/").rpartition("/")[2].replace("\0", "")
    stem, dot, _ = name.rpartition(".")
    return (stem if dot and stem else name)[:NAME_CHARACTERS].strip()


def attachment(name: str, kind: str) -> str:
    """Return a Content-Disposition that proposes a file name, which can neither leave a folder nor break the header."""
    plain = "".join(letter if letter.isprintable() and letter not in '/\\:"' else "_" for letter in name)
    full = f"{plain.strip('. ') or 'model'}.{EXTENSIONS[kind]}"
    simple = "".join(letter if letter.isascii() else "_" for letter in full)
    header = f'attachment; filename="{simple}"'
    return header if simple == full else f"{header}; filename*=UTF-8''{quote(full, safe='', errors='replace')}"
