"""What a ModelStep does to its inputs before the model sees them, by `normalizationConfig`.

Konduit leaves the members of its `config` open. Here `type` says how: STANDARDIZE with `mean` and `stdev`, MIN_MAX with
`min` and `max` (to the range from 0 to 1), IMAGE (from 0..255 to 0..1) and VGG16 (the mean colour of that network's
images is subtracted). Numbers may be written as texts, several of them separated by commas.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy

from handlers.pipelines.checks import Node, is_number
from handlers.pipelines.faults import Refused
from handlers.pipelines.values import Array

Normalize = Callable[[Array], Array]

VGG16_RGB: Final = (123.68, 116.779, 103.939)  #: mean colour of the images of ImageNet
CHANNELS: Final = 3
KINDS: Final = ("STANDARDIZE", "MIN_MAX", "IMAGE", "VGG16")


def normalizer(node: Node) -> Normalize | None:
    """Return what normalises an input; None: nothing is said of it.

    Raises:
        Unusable: What is said is not understood.
    """
    if node.value is None:
        return None
    config = node.at("config") if node.get("config") is not None else node
    if not isinstance(config.value, dict):
        node.stop("This is no object.")
    if not config.value:
        return None
    kind = config.word("type", KINDS, "IMAGE")
    if config.get("type") is None:
        config.stop(f"'type' is missing: one of {', '.join(KINDS)}.")
    found = MAKERS[kind](config)
    config.faults.check()
    return found


def standardize(node: Node) -> Normalize:
    """Subtract a mean and divide by a standard deviation, of each column or of all."""
    mean, deviation = numbers(node, "mean"), numbers(node, "stdev")
    if (deviation == 0).any():
        node.stop("A standard deviation is 0.", "stdev")
    return lambda array: fitted(lambda: (array - mean) / deviation, array, mean, deviation)


def min_max(node: Node) -> Normalize:
    """Scale from a range to that from 0 to 1."""
    least, most = numbers(node, "min"), numbers(node, "max")
    if least.shape != most.shape or (least >= most).any():
        node.stop("'min' is not less than 'max', or they are not as many as each other.")
    return lambda array: fitted(lambda: (array - least) / (most - least), array, least, most)


def image(_node: Node) -> Normalize:
    """Scale from bytes to the range from 0 to 1."""
    return lambda array: array.astype(numpy.float32) / numpy.float32(255)


def vgg16(_node: Node) -> Normalize:
    """Subtract the mean colour along the axis that has three channels: the second, or the last."""
    mean = numpy.array(VGG16_RGB, numpy.float32)

    def normalize(array: Array) -> Array:
        if array.ndim == 4 and array.shape[1] == CHANNELS:
            return array.astype(numpy.float32) - mean.reshape(1, CHANNELS, 1, 1)
        if array.ndim in (3, 4) and array.shape[-1] == CHANNELS:
            return array.astype(numpy.float32) - mean
        raise Refused(f"VGG16 takes images of three colours, and not an array of shape {list(array.shape)}.")

    return normalize


def fitted(compute: Callable[[], Array], array: Array, *parts: Array) -> Array:
    """Return what is computed, if there are as many numbers as columns."""
    if any(part.size > 1 and (array.ndim == 0 or part.size != array.shape[-1]) for part in parts):
        raise Refused(f"The normalisation has another number of columns than an array of shape {list(array.shape)}.")
    if array.dtype.kind not in "biuf":
        raise Refused("Texts cannot be normalised.")
    found = compute()
    return found.astype(numpy.float32) if array.dtype == numpy.float32 else found


def numbers(node: Node, member: str) -> Array:
    """Return the number of a member, or its numbers."""
    value = node.get(member)
    if value is None:
        node.stop(f"{member!r} is missing.")
    if isinstance(value, str):
        parts = [part.strip() for part in value.strip("[] ").split(",")]
        try:
            value = [float(part) for part in parts]
        except ValueError:
            node.stop("These are no numbers.", member)
    value = [value] if is_number(value) else value
    if not isinstance(value, list) or not value or not all(is_number(one) for one in value):
        node.stop("This is no number, and no list of numbers.", member)
    return numpy.array(value, numpy.float64)


MAKERS: Final[Mapping[str, Callable[[Node], Normalize]]] = {
    "STANDARDIZE": standardize,
    "MIN_MAX": min_max,
    "IMAGE": image,
    "VGG16": vgg16,
}
