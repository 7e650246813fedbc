"""The words of the API's paths: what comes, what is made of the outputs, and as what these are sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

JSON: Final = "JSON"
NUMPY: Final = "NUMPY"
RAW: Final = "RAW"
CONFIGURATION: Final = "configuration.json"  #: what the configuration is called in the folder that the host sees
SCHEMA: Final = "SCHEMA"  #: values that bring their own schema; no word of a path
OUTPUT_FORMATS: Final = frozenset({NUMPY, JSON, "ND4J", "ARROW"})


@dataclass(frozen=True, kw_only=True)
class Wish:
    """How a request is to be read and answered."""

    comes: str  #: format of the inputs: NUMPY, JSON, ND4J, IMAGE, ARROW or SCHEMA
    kind: str = RAW  #: what is made of the outputs: CLASSIFICATION, YOLO, SSD, RCNN, RAW or REGRESSION
    goes: str = JSON  #: format of the answer: NUMPY, JSON, ND4J or ARROW
    bare: bool = False  #: whether the only output is answered, and not a map of outputs


def wish_of(first: str, comes: str, goes: str, *, bare: bool = False) -> Wish:
    """Return what a path asks for.

    Args:
        first: Its first word, in any case: what is made of the outputs, or the format of the answer.
        comes: Its second word, in any case.
        goes: The format of the answer where the first word is none.
        bare: Whether the only output is answered.
    """
    word = first.upper()
    if word in OUTPUT_FORMATS:
        return Wish(comes=comes.upper(), goes=word, bare=bare)
    return Wish(comes=comes.upper(), kind=word, goes=goes, bare=bare)
