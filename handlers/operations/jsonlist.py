"""JSON lists of objects: read object by object, so that a list of any length takes no more memory than its longest one.

What is wrong with a file is said with the line.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final

from handlers.errors import OperationFailed
from handlers.operations.csvfile import first_twice
from handlers.operations.values import AssetFile

OBJECT_CHARACTERS: Final = 4 << 20  # longest object
CHUNK_BYTES: Final = 1 << 16
BLANKS: Final = re.compile(r"[ \t\n\r]*")

Record = Mapping[str, Any]


class ObjectList:
    """A JSON list that is open for reading; iterate over it once."""

    def __init__(self, name: str, file: BinaryIO) -> None:
        """Read the asset called *name*."""
        self.name = name
        self.read_bytes = 0
        self._file = file
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        decoder = json.JSONDecoder(object_pairs_hook=distinct, parse_float=finite, parse_constant=refused)
        self._parse = decoder.raw_decode
        self._text = ""
        self._at = 0  # what comes before it in the text is done with
        self._lines = 1  # number of the line on which the text begins
        self._ended = False

    @property
    def line(self) -> int:
        """The line up to which the list was read, from 1."""
        return self._lines + self._text.count("\n", 0, self._at)

    def __iter__(self) -> Iterator[Record]:
        """Give each object.

        Raises:
            OperationFailed: It is no list of objects; the detail names the line.
        """
        self._take("[")
        mark = "]" if self._next() == "]" else ","
        if mark == "]":
            self._take("]")
        while mark == ",":
            yield self._object()
            mark = self._take(",]")
        if self._next():
            raise self._wrong("there is more after the end of the list")

    def _object(self) -> Record:
        """Return the next object, reading on until it is complete."""
        if self._next() != "{":
            raise self._wrong("an object is wanted here")
        while True:
            try:
                found, self._at = self._parse(self._text, self._at)
            except json.JSONDecodeError as error:
                size = len(self._text) - self._at
                if self._ended or size > OBJECT_CHARACTERS:
                    where = self._lines + error.lineno - 1
                    raise self._wrong(f"it cannot be read on from line {where}: {error.msg}") from error
                self._fill(max(size, CHUNK_BYTES))
            except (ValueError, RecursionError) as error:
                raise self._wrong(str(error)) from error
            else:
                return dict(found)

    def _next(self) -> str:
        """Return the next character that is no blank, without taking it; nothing at the end."""
        while True:
            found = BLANKS.match(self._text, self._at)
            assert found is not None, "the pattern matches nothing too"
            self._at = found.end()
            if self._at < len(self._text) or self._ended:
                return self._text[self._at : self._at + 1]
            self._fill(CHUNK_BYTES)

    def _take(self, marks: str) -> str:
        """Return the next character, which has to be one of *marks*."""
        mark = self._next()
        if not mark or mark not in marks:
            raise self._wrong(f"{' or '.join(marks)} is wanted here, and {f'not {mark}' if mark else 'the file ends'}")
        self._at += 1
        return mark

    def _fill(self, size: int) -> None:
        """Read on."""
        data = self._file.read(size)
        self.read_bytes += len(data)
        self._ended = not data
        try:
            more = self._decode(data, self._ended)
        except UnicodeDecodeError as error:
            raise self._wrong(f"what follows is no UTF-8: {error.reason}") from error
        self._lines = self.line
        self._text, self._at = self._text[self._at :] + more, 0

    def _wrong(self, detail: str) -> OperationFailed:
        """Return the error for what comes next."""
        return OperationFailed(f"The asset {self.name!r} is no JSON list of objects. Line {self.line}: {detail}.")


def distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object, unless two members have one name: which of them counts would be anybody's guess."""
    if twice := first_twice([name for name, _ in pairs]):
        raise ValueError(f"an object has two members {twice!r}")
    return dict(pairs)


def finite(text: str) -> float:
    """Return a number, unless it is too large for one."""
    value = float(text)
    if value - value != 0:  # an infinity has no difference of zero to itself
        raise ValueError(f"{text[:40]} is too large a number")
    return value


def refused(text: str) -> float:
    """Refuse what Python reads, and JSON has not."""
    raise ValueError(f"{text} is no JSON")


@contextmanager
def open_list(asset: AssetFile) -> Iterator[ObjectList]:
    """Open a JSON asset for reading."""
    with asset.open() as file:
        yield ObjectList(asset.name, file)


class NewList:
    """A JSON list that is being written, an object a line."""

    def __init__(self, path: Path) -> None:
        """Write to *path*."""
        self._file = path.open("w", encoding="utf-8")
        self._before = "[\n"

    def write(self, record: Record) -> int:
        """Add an object; return how many characters that took."""
        count = self._file.write(self._before + json.dumps(record, ensure_ascii=False, allow_nan=False))
        self._before = ",\n"
        return count

    def close(self) -> None:
        """End the list."""
        with self._file:
            self._file.write("[]\n" if self._before == "[\n" else "\n]\n")
