"""Arrays as JSON: as an `NDArray` of the specification, and from nested lists."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any, Final

import numpy

from handlers.pipelines.faults import Refused
from handlers.pipelines.values import Array
from handlers.pipelines.wire.datatypes import BFLOAT16, DType, named, type_of
from handlers.pipelines.wire.shapes import MOST_AXES

WHOLE: Final = (frozenset({int}), "a whole number")
#: What an element may be in JSON, by the kind of the array's type; `bool` is no `int` here.
ELEMENTS: Final = {
    "b": (frozenset({bool}), "true or false"),
    "i": WHOLE,
    "u": WHOLE,
    "f": (frozenset({int, float, type(None)}), "a number"),
}


def as_document(array: Array) -> dict[str, Any]:
    """Return an array as `{"dataType", "shape", "data"}`.

    `data` is the flat array in C order, which orjson writes with `OPT_SERIALIZE_NUMPY`: NaN and the infinite as null.
    Booleans are 0 and 1.

    Raises:
        Refused: It is not of numbers or booleans.
    """
    kind = type_of(array)
    flat = numpy.ascontiguousarray(array, kind.dtype).reshape(-1)
    return {
        "dataType": kind.name,
        "shape": list(array.shape),
        "data": flat.view("u1") if flat.dtype.kind == "b" else flat,
    }


def from_lists(nested: Any, name: str, place: str = "") -> Array:
    """Return nested lists, or a single number, as an array.

    Args:
        nested: As JSON has it, one level of lists for each axis; null is NaN.
        name: Of the type that the array is to have, as ND4J calls it; BFLOAT16 makes float32.
        place: JSON pointer to it.

    Raises:
        Refused: The lists are not of one length, or an element is not of the type or out of its range; with its place.
    """
    kind = named(name)
    dtype = numpy.dtype("f4") if kind is BFLOAT16 else kind.dtype
    shape = shape_of(nested, place)
    values = [nested]
    for length in shape:
        if set(map(type, values)) != {list} or set(map(len, values)) != {length}:
            raise first_fault(nested, shape, dtype, place)
        values = list(chain.from_iterable(values))
    fits = ELEMENTS[dtype.kind][0].issuperset(map(type, values)) and (
        dtype.kind not in "iu" or not values or (in_range(min(values), dtype) and in_range(max(values), dtype))
    )
    if not fits:
        raise first_fault(nested, shape, dtype, place)
    try:
        return numpy.array(values, "f8" if dtype.kind == "f" else dtype).astype(dtype, copy=False).reshape(shape)
    except OverflowError:
        raise Refused("A number in it is out of the range of float64.", place) from None


def shape_of(nested: Any, place: str) -> tuple[int, ...]:
    """Return the shape that the first list of each level tells."""
    shape: list[int] = []
    while isinstance(nested, list):
        shape.append(len(nested))
        if len(shape) > MOST_AXES:
            raise Refused(f"The lists are nested deeper than {MOST_AXES} levels.", place)
        if not nested:
            break
        nested = nested[0]
    return tuple(shape)


def in_range(value: int, dtype: DType) -> bool:
    """Tell whether a type of whole numbers has this one."""
    limits = numpy.iinfo(dtype)
    return bool(limits.min <= value <= limits.max)


def first_fault(nested: Any, shape: tuple[int, ...], dtype: DType, place: str) -> Refused:
    """Return what is wrong, and where it is, with lists that have something wrong."""
    return next(faults(nested, shape, dtype, place))


def faults(value: Any, shape: tuple[int, ...], dtype: DType, place: str) -> Iterator[Refused]:
    """Give what is wrong with lists, in the order in which they are read."""
    types, words = ELEMENTS[dtype.kind]
    if shape:
        if not isinstance(value, list):
            yield Refused("Here a list should be, as there is beside it.", place)
        elif len(value) != shape[0]:
            yield Refused(f"This list has the length {len(value)}, and the first beside it {shape[0]}.", place)
        else:
            for number, one in enumerate(value):
                yield from faults(one, shape[1:], dtype, f"{place}/{number}")
    elif isinstance(value, list):
        yield Refused("Here no list should be, as there is none beside it.", place)
    elif type(value) not in types:
        yield Refused(f"This is not {words}.", place)
    elif dtype.kind in "iu" and not in_range(value, dtype):
        yield Refused(f"This number is out of the range of {dtype.name}.", place)
