"""Objects that networks have found, in pixels of the image that was sent."""

from __future__ import annotations

import math

import numpy
import pytest

from handlers.pipelines.detections import Search, as_objects, ssd, yolo
from handlers.pipelines.faults import Refused
from handlers.pipelines.imagetypes import PRIORS

DARK = -20.0  # before its activation a certainty of nothing


def grid(*objects, rows=19, columns=19, classes=3):
    """Return the output of a network that has found *objects*: prior, row, column, class, certainty."""
    cells = numpy.zeros((len(PRIORS), 5 + classes, rows, columns), numpy.float32)
    cells[:, 4] = DARK
    for prior, row, column, kind, sure in objects:
        cells[prior, 4, row, column] = math.log(sure / (1 - sure))
        cells[prior, 5 + kind, row, column] = 9.0
    return cells.reshape(1, -1, rows, columns)


def test_a_box_of_yolo_is_in_pixels_of_the_image():
    """Its centre is that of its cell, its size that of its prior, both scaled to the image as it was sent."""
    search = Search(labels=["cat", "dog", "cow"])
    (boxes,) = yolo(grid((2, 4, 9, 1, 0.9)), search)

    (found,) = as_objects(boxes, search, (1900, 190), "b")

    assert found["centerX"] == pytest.approx(950)  # column 9 of 19, and half a cell
    assert found["centerY"] == pytest.approx(45)
    assert found["width"] == pytest.approx(PRIORS[2][0] * 100, rel=1e-5)
    assert found["height"] == pytest.approx(PRIORS[2][1] * 10, rel=1e-5)
    assert ["dog"] == found["predictedClasses"]
    assert [1] == found["predictedClassNumbers"]
    assert found["confidences"] == pytest.approx([0.9])


def test_of_boxes_that_cover_each_other_the_surest_is_kept():
    """Boxes of one class in one place are one object; those of another class, or elsewhere, are others."""
    output = grid((2, 4, 9, 1, 0.9), (2, 4, 10, 1, 0.8), (3, 4, 9, 2, 0.7), (2, 15, 1, 1, 0.6))

    (boxes,) = yolo(output, Search())

    assert [1, 2, 1] == boxes.classes.tolist()
    assert boxes.confidences == pytest.approx([0.9, 0.7, 0.6])


def test_what_the_network_is_not_sure_of_is_no_object():
    """A certainty below the threshold does not count."""
    (boxes,) = yolo(grid((0, 0, 0, 0, 0.4)), Search(threshold=0.5))

    assert 0 == len(boxes.classes)


@pytest.mark.parametrize("shape", [(3,), (1, 40, 19), (1, 41, 19, 19), (1, 25, 4, 4)])
def test_an_output_of_another_shape_is_refused(shape):
    """The shape that YOLO has is named."""
    with pytest.raises(Refused, match="classes"):
        yolo(numpy.zeros(shape, numpy.float32), Search())


def test_boxes_of_ssd_are_corners():
    """Its corners are above, left, below, right, as parts of the image; outputs are found by words in their names."""
    outputs = {
        "detection_boxes": numpy.array([[[0.1, 0.2, 0.3, 0.6], [0, 0, 1, 1]]], numpy.float32),
        "detection_scores": numpy.array([[0.75, 0.2]], numpy.float32),
        "detection_classes": numpy.array([[17.0, 1.0]], numpy.float32),
    }
    (boxes,) = ssd(outputs, Search())

    (found,) = as_objects(boxes, Search(), (100, 1000), "b")

    assert (found["centerX"], found["centerY"]) == pytest.approx((40, 200))
    assert (found["width"], found["height"]) == pytest.approx((40, 200))
    assert ["17"] == found["predictedClasses"]


@pytest.mark.parametrize("missing", ["detection_boxes", "detection_scores", "detection_classes"])
def test_an_output_that_ssd_misses_is_named(missing):
    """Whoever asks for SSD of another pipeline learns what it would take."""
    outputs = {
        "detection_boxes": numpy.zeros((1, 2, 4)),
        "detection_scores": numpy.zeros((1, 2)),
        "detection_classes": numpy.zeros((1, 2)),
    }
    del outputs[missing]

    with pytest.raises(Refused, match=missing[10:-2]):
        ssd(outputs, Search())
