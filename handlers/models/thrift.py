"""Structs in Thrift's compact protocol, of which what is asked for is kept, and all else is passed over.

A field that is kept and written twice, a number with more bits than its type has, and a list of other elements than it
should have would be read in other ways by other readers: they are refused.

Source:
    Apache Thrift, "Thrift Compact protocol encoding".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

MOST_DEPTH: Final = 12

STOP, TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT, UUID = range(14)
BITS: Final = {I16: 16, I32: 32, I64: 64}
WIDTHS: Final = {BYTE: 1, DOUBLE: 8, UUID: 16}

Struct = dict[int, tuple[int, Any]]  #: type and value of each kept field by its number


class Shape(NamedTuple):
    """What is kept of a struct."""

    #: By number. None: a whole number; `bytes`: a text; a shape: a struct, or a list of such; a type of Thrift: a list
    #: of those, passed over.
    fields: Mapping[int, Wanted]
    make: Callable[[Struct], Any] = dict  #: what becomes of it


Wanted = Shape | int | type[bytes] | None

NOTHING: Final = Shape({}, lambda _: None)


class NotThrift(Exception):
    """The bytes are none of Thrift's; the message says why."""


class CutShort(NotThrift):
    """The bytes end too early."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__("it is cut short")


class Compact:
    """Reads one struct after another."""

    def __init__(self, data: bytes) -> None:
        """Read from the beginning of *data*."""
        self._data = data
        self.at = 0  #: how many bytes have been read

    def struct(self, shape: Shape, depth: int = 0) -> Any:
        """Return the next struct, as the shape makes it.

        Raises:
            NotThrift: It is none, or deeper than `MOST_DEPTH`.
            CutShort: It does not end.
        """
        if depth > MOST_DEPTH:
            raise NotThrift(f"more than {MOST_DEPTH} values lie in each other")
        found: Struct = {}
        number = 0
        while kind := (head := self._byte()) & 0x0F:
            number = number + (head >> 4) if head >> 4 else self._number(16)
            if number in found or not 0 < number < 1 << 15:
                raise NotThrift(f"the field {number} is there twice, or is none")
            wanted = shape.fields.get(number, NOTHING)
            if wanted is not NOTHING:
                found[number] = (kind, self._value(kind, wanted, depth + 1))
            elif kind not in (TRUE, FALSE):  # which have nothing more
                self._value(kind, NOTHING, depth + 1)
        return shape.make(found)

    def _value(self, kind: int, wanted: Wanted, depth: int) -> Any:
        """Return a whole number, a text, a struct or a list of structs; None for all else."""
        if kind in BITS:
            return self._number(BITS[kind])
        if kind == STRUCT:
            return self.struct(wanted if isinstance(wanted, Shape) else NOTHING, depth)
        if kind == BINARY:
            length = self._varint(32)
            self._skip(length)
            return self._data[self.at - length : self.at] if wanted is bytes else None
        if kind in (LIST, SET):
            return self._list(wanted, depth)
        if kind == MAP:
            if count := self._varint(32):
                head = self._byte()
                self._pass_over([head >> 4, head & 0x0F], count, depth)
        elif kind not in (TRUE, FALSE):
            self._skip(self._width(kind))
        return None

    def _list(self, wanted: Wanted, depth: int) -> list[Any] | None:
        """Return the structs of a list of which something is kept; pass over any other."""
        head = self._byte()
        kind, count = head & 0x0F, head >> 4 if head >> 4 < 15 else self._varint(32)
        if wanted is NOTHING or not isinstance(wanted, Shape):
            if isinstance(wanted, int) and kind != wanted:
                raise NotThrift(f"a list has elements of the type {kind}, and not {wanted}")
            self._pass_over([kind], count, depth)
            return None
        if kind != STRUCT:
            raise NotThrift(f"a list has elements of the type {kind}, and not {STRUCT}")
        self._see_count(count, depth)
        return [self.struct(wanted, depth + 1) for _ in range(count)]

    def _pass_over(self, kinds: list[int], count: int, depth: int) -> None:
        """Pass over the elements of a list, or the pairs of a map."""
        self._see_count(count, depth)
        if kinds == [STRUCT]:
            for _ in range(count):
                self.struct(NOTHING, depth + 1)
            return
        for _ in range(count):
            for kind in kinds:
                if kind in (TRUE, FALSE):
                    self._skip(1)
                else:
                    self._value(kind, NOTHING, depth + 1)

    def _see_count(self, count: int, depth: int) -> None:
        """See that so many elements can be there: each has a byte at least."""
        if depth > MOST_DEPTH:
            raise NotThrift(f"more than {MOST_DEPTH} values lie in each other")
        if count > len(self._data) - self.at:
            raise CutShort

    def _width(self, kind: int) -> int:
        """Return how many bytes a value of a type has."""
        if kind not in WIDTHS:
            raise NotThrift(f"there is no type {kind}")
        return WIDTHS[kind]

    def _number(self, bits: int) -> int:
        """Return a number with its sign."""
        value = self._varint(bits)
        return (value >> 1) ^ -(value & 1)

    def _varint(self, bits: int) -> int:
        """Return a number without sign."""
        if self.at < len(self._data) and (first := self._data[self.at]) < 0x80:  # as most are
            self.at += 1
            return first
        value = 0
        for shift in range(0, bits, 7):
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
        else:
            raise NotThrift(f"a number has more than {bits} bits")
        if value >> bits:
            raise NotThrift(f"a number has more than {bits} bits")
        return value

    def _byte(self) -> int:
        """Return the next byte."""
        if self.at >= len(self._data):
            raise CutShort
        self.at += 1
        return self._data[self.at - 1]

    def _skip(self, count: int) -> None:
        """Pass over bytes."""
        if count > len(self._data) - self.at:
            raise CutShort
        self.at += count


def whole(found: Struct, number: int, kind: int, default: int | None = None) -> int:
    """Return a whole number of a struct.

    Raises:
        NotThrift: It is missing and there is no default, or it is of another type.
    """
    what, value = found.get(number, (None, default))
    if value is None or what not in (None, kind):
        raise NotThrift(f"its field {number} is missing, or of another type")
    return int(value)
