"""Which formats a pipeline takes and gives, by its first and its last step.

Source: what Konduit's steps say of themselves; JSON is given by all, since its answer can hold everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from handlers.pipelines.checks import listed
from handlers.pipelines.faults import Refused
from handlers.pipelines.words import JSON, NUMPY, OUTPUT_FORMATS, RAW, SCHEMA

ARROW, IMAGE, ND4J = "ARROW", "IMAGE", "ND4J"
MODEL: Final = (NUMPY, ND4J, JSON, IMAGE)
EVERYTHING: Final = (NUMPY, JSON, ND4J, IMAGE, ARROW)
#: What can come to a first step.
TAKES: Final[Mapping[str, tuple[str, ...]]] = {
    "PythonStep": (ARROW, NUMPY, JSON, IMAGE),
    "TransformProcessStep": (JSON, ARROW, NUMPY, ND4J),
    "ImageLoadingStep": (NUMPY, ND4J, IMAGE),
    "ModelStep": MODEL,
    "PmmlStep": MODEL,
    "ArrayConcatenationStep": (ND4J, NUMPY),
    "JsonExpanderTransformStep": (JSON,),
    "CustomPipelineStep": EVERYTHING,
}
#: What can go from a last step that gives arrays only; others can give what they hold in any format.
ARRAYS_ONLY: Final = frozenset({"ImageLoadingStep", "ArrayConcatenationStep"})
ARRAY_FORMATS: Final = (NUMPY, ND4J, JSON)
#: What can be made of the outputs of a last step, where that is more than RAW.
MODELS: Final = frozenset({"ModelStep", "PmmlStep"})
KINDS: Final = ("CLASSIFICATION", "YOLO", "SSD", "RCNN", RAW, "REGRESSION")


def gives(kind: str) -> tuple[str, ...]:
    """Return the formats in which the outputs of a last step can go."""
    return ARRAY_FORMATS if kind in ARRAYS_ONLY else tuple(sorted(OUTPUT_FORMATS))


def allows(kind: str) -> tuple[str, ...]:
    """Return what can be made of the outputs of a last step."""
    return KINDS if kind in MODELS else (RAW,)


def check(first: str, last: str, comes: str, kind: str, goes: str) -> None:
    """Let pass what a pipeline takes, and can be answered with.

    Args:
        first: Kind of the first step.
        last: Kind of the last step.
        comes: Format of what comes; a request that brings its own schema is one of JSON.
        kind: What is to be made of the outputs.
        goes: Format of the answer.

    Raises:
        Refused: A word is none of the API, or the pipeline has nothing to do with it; its place is the parameter.
    """
    known(comes, (*EVERYTHING, SCHEMA), "inputDataFormat")
    known(kind, KINDS, "predictionType")
    known(goes, tuple(sorted(OUTPUT_FORMATS)), "predictionType")
    if (JSON if comes == SCHEMA else comes) not in TAKES[first]:
        raise Refused(f"The first step, {a(first)}, takes {listed(TAKES[first])}, and not {comes}.", "inputDataFormat")
    if kind not in allows(last):
        words = f"The last step, {a(last)}, allows {listed(allows(last))}, and not {kind}."
        raise Refused(words, "predictionType")
    if goes not in gives(last):
        raise Refused(f"The last step, {a(last)}, gives {listed(gives(last))}, and not {goes}.", "predictionType")


def known(word: str, words: tuple[str, ...], place: str) -> None:
    """Let pass a word of the API."""
    if word not in words:
        raise Refused(f"{word[:100]!r} is none of {listed([one for one in words if one != SCHEMA])}.", place)


def a(kind: str) -> str:
    """Return a kind of step with its article."""
    return f"{'an' if kind[0] in 'AEIOU' else 'a'} {kind}"
