"""What the datatypes of the Open Inference Protocol hold.

Source:
    Open Inference Protocol, "Tensor Data Types"; IEEE 754 for the largest numbers of FP16, FP32 and FP64.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

Takes = Callable[[Any], bool]


def whole(least: int, most: int) -> Takes:
    """Return what tells whether a value is a whole number in a range; 3.0 is one."""

    def takes(value: Any) -> bool:
        return type(value) in (int, float) and least <= value <= most and value == int(value)

    return takes


def real(most: float) -> Takes:
    """Return what tells whether a value is a number that is not too large."""

    def takes(value: Any) -> bool:
        return type(value) in (int, float) and -most <= value <= most

    return takes


TAKES: Final[Mapping[str, Takes]] = {
    "BOOL": lambda value: type(value) is not str and value in (0, 1),
    **{f"INT{bits}": whole(-(1 << bits - 1), (1 << bits - 1) - 1) for bits in (8, 16, 32, 64)},
    **{f"UINT{bits}": whole(0, (1 << bits) - 1) for bits in (8, 16, 32, 64)},
    "FP16": real(65504.0),
    "FP32": real((2 - 2**-23) * 2.0**127),
    "FP64": real((2 - 2**-52) * 2.0**1023),
}


def first_astray(elements: Sequence[Any], datatype: str) -> int | None:
    """Return the place of the first element that a datatype does not hold; None: it holds all of them.

    Args:
        elements: Numbers, texts and truth values, as JSON has them.
        datatype: Its name; BYTES holds all values, as clients send numbers in columns of texts.
    """
    takes = TAKES.get(datatype)
    if takes is None:
        return None
    return next((place for place, value in enumerate(elements) if not takes(value)), None)
