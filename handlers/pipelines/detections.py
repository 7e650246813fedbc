"""Objects in images, from what networks of two kinds say: YOLO version 2, and SSD as TensorFlow's models have it.

Redmon and Farhadi, "YOLO9000: Better, Faster, Stronger" (2016), section 2, for the activations of YOLO.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy

from handlers.pipelines.faults import Refused
from handlers.pipelines.imagetypes import PRIORS
from handlers.pipelines.values import Array, Batch

OVERLAP: Final = 0.4  #: of two boxes of one class beyond which the less certain is dropped
MOST: Final = 10_000  #: boxes that are looked at, so that hostile weights cost no more than that


@dataclass(frozen=True, kw_only=True)
class Search:
    """What counts as an object."""

    threshold: float = 0.5  #: how sure the network has to be, from 0 to 1
    labels: Sequence[str] = ()  #: names of the classes; none where they are not known
    priors: Sequence[Sequence[float]] = PRIORS


@dataclass(frozen=True)
class Boxes:
    """Boxes in one image, as parts of its size, from 0 to 1."""

    centers: Array  #: shape (N, 2): from the left, from above
    sizes: Array  #: shape (N, 2): width, height
    classes: Array  #: shape (N,)
    confidences: Array  #: shape (N,)


def yolo(output: Array, search: Search) -> list[Boxes]:
    """Return the objects in each image, by the output of a YOLO 2 network.

    Args:
        output: Shape (images, boxes x (5 + classes), rows, columns), not activated.
        search: What counts.

    Raises:
        Refused: The output has another shape.
    """
    count = len(search.priors)
    if output.ndim != 4 or output.shape[1] % count or output.shape[1] // count < 6:
        raise Refused(
            f"YOLO wants an output of shape [images, {count} x (5 + classes), rows, columns], and not {output.shape}."
        )
    images, depth, rows, columns = output.shape
    cells = output.astype(numpy.float32).reshape(images, count, depth // count, rows, columns)
    across, down = numpy.meshgrid(numpy.arange(columns), numpy.arange(rows))
    grid = numpy.array([columns, rows])
    priors = numpy.asarray(search.priors, numpy.float32)
    found = []
    for one in cells:
        sure = sigmoid(one[:, 4])
        box, row, column = numpy.nonzero(sure >= search.threshold)
        picked = one[box, :, row, column]
        centers = sigmoid(picked[:, 0:2]) + numpy.stack([across[row, column], down[row, column]], axis=1)
        sizes = numpy.exp(numpy.minimum(picked[:, 2:4], 50)) * priors[box]
        classes = picked[:, 5:].argmax(axis=1)
        found.append(distinct(Boxes(centers / grid, sizes / grid, classes, sure[box, row, column])))
    return found


def ssd(outputs: Batch, search: Search) -> list[Boxes]:
    """Return the objects in each image, by the outputs of an SSD network, whose names hold `box`, `score`, `class`.

    Raises:
        Refused: One is missing, or they do not fit each other.
    """
    boxes, scores, classes = (wanted(outputs, word) for word in ("box", "score", "class"))
    scores, classes = (value.reshape(-1, value.shape[-1]) for value in (scores, classes))
    boxes = boxes.reshape(-1, *boxes.shape[-2:]) if boxes.ndim >= 2 else boxes
    if scores.shape != classes.shape or boxes.shape != (*scores.shape, 4):
        raise Refused("SSD wants boxes of shape [images, boxes, 4], and scores and classes of shape [images, boxes].")
    found = []
    for corners, sure, kinds in zip(boxes.astype(numpy.float32), scores, classes, strict=True):
        kept = sure >= search.threshold
        above, left, below, right = corners[kept].T
        centers = numpy.stack([left + right, above + below], axis=1) / 2
        sizes = numpy.stack([right - left, below - above], axis=1)
        found.append(Boxes(centers, sizes, kinds[kept].astype(numpy.int64), sure[kept]))
    return found


def wanted(outputs: Batch, word: str) -> Array:
    """Return the output whose name holds a word.

    Raises:
        Refused: There is none, or it is no array.
    """
    for name, value in outputs.items():
        if word in name:
            if isinstance(value, numpy.ndarray) and value.ndim:
                return value
            raise Refused(f"The output {name!r} is no array of boxes.")
    raise Refused(f"SSD wants an output whose name holds {word!r}; there are {', '.join(outputs)}.")


def distinct(boxes: Boxes) -> Boxes:
    """Return boxes without those that mostly cover a more certain one of their class."""
    order = numpy.argsort(-boxes.confidences, kind="stable")[:MOST]
    low, high = boxes.centers - boxes.sizes / 2, boxes.centers + boxes.sizes / 2
    areas = boxes.sizes.prod(axis=1)
    kept: list[int] = []
    while len(order):
        first, order = int(order[0]), order[1:]
        kept.append(first)
        sides = numpy.minimum(high[first], high[order]) - numpy.maximum(low[first], low[order])
        common = sides.clip(min=0).prod(axis=1)
        overlap = common / numpy.maximum(areas[first] + areas[order] - common, 1e-12)
        order = order[(overlap <= OVERLAP) | (boxes.classes[order] != boxes.classes[first])]
    return Boxes(boxes.centers[kept], boxes.sizes[kept], boxes.classes[kept], boxes.confidences[kept])


def sigmoid(values: Array) -> Array:
    """Return the logistic function of each value, without overflow."""
    found: Array = 0.5 * (1 + numpy.tanh(values / 2))
    return found


def as_objects(boxes: Boxes, search: Search, size: tuple[int, int], batch_id: str) -> list[Mapping[str, Any]]:
    """Return boxes as the API has them, in pixels of an image of *size* (width, height)."""
    scale = numpy.array(size, numpy.float64)
    rows = zip(
        (boxes.centers * scale).tolist(),
        (boxes.sizes * scale).tolist(),
        boxes.classes.tolist(),
        boxes.confidences.tolist(),
        strict=True,
    )
    return [
        {
            "@type": "DetectedObjectsBatch",
            "centerX": center[0],
            "centerY": center[1],
            "width": extent[0],
            "height": extent[1],
            "predictedClassNumbers": [kind],
            "predictedClasses": [search.labels[kind] if 0 <= kind < len(search.labels) else str(kind)],
            "confidences": [sure],
            "batchId": batch_id,
        }
        for center, extent, kind, sure in rows
    ]
