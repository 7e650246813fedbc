"""What an ImageLoadingStep is set to do: the members of its configuration, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from handlers.pipelines.checks import Node, is_number, is_whole

#: Sizes of the boxes that YOLO 2 starts from, for the classes of COCO; width and height, in cells of its grid.
PRIORS: Final = ((0.57273, 0.677385), (1.87446, 2.06253), (3.33843, 5.47434), (7.88282, 3.52778), (9.77052, 9.16828))
LAYOUTS: Final = ("NCHW", "NHWC", "CHW", "HWC")
MOST_PIXELS: Final = 1 << 24  #: of an image after it was resized


@dataclass(frozen=True, kw_only=True)
class Detection:
    """What counts as an object in an image."""

    threshold: float = 0.5
    labels_path: str = ""
    priors: tuple[tuple[float, float], ...] = PRIORS


@dataclass(frozen=True, kw_only=True)
class ImageSettings:
    """What images are made into."""

    sizes: Mapping[str, tuple[int, int, int]]  #: height, width and channels for each input
    initial: str  #: layout of arrays that come
    required: str  #: layout of those that go
    order: str  #: of colours, RGB or BGR
    layout_first: bool
    processes: Mapping[str, Node]
    detection: Detection | None


def image_settings(step: Node) -> ImageSettings:
    """Return what images are made into."""
    sizes = {name: image_size(step.at("dimensionsConfigs"), name) for name in step.members("dimensionsConfigs")}
    return ImageSettings(
        sizes={name: size for name, size in sizes.items() if size is not None},
        initial=step.word("imageProcessingInitialLayout", LAYOUTS, "NCHW"),
        required=step.word("imageProcessingRequiredLayout", LAYOUTS, "NCHW"),
        order=step.word("imageChannelOrder", ("RGB", "BGR"), "RGB"),
        layout_first=step.flag("updateOrderingBeforeTransform"),
        processes=step.members("imageTransformProcesses"),
        detection=detection(step.at("objectDetectionConfig")),
    )


def image_size(node: Node, name: str) -> tuple[int, int, int] | None:
    """Return height, width and channels of an image."""
    value = node.get(name)
    fits = isinstance(value, list) and len(value) == 3 and all(is_whole(one) and one > 0 for one in value)
    if not fits or value[2] not in (1, 3, 4) or value[0] * value[1] > MOST_PIXELS:
        node.wrong(
            f"This is no [height, width, channels] with 1, 3 or 4 channels and {MOST_PIXELS} pixels at most.", name
        )
        return None
    return value[0], value[1], value[2]


def detection(node: Node) -> Detection | None:
    """Return what counts as an object; None: nothing is said of it."""
    if not isinstance(node.value, dict):
        return None
    threshold = node.number("threshold", 0.5)
    if not 0 <= threshold <= 1:
        node.wrong("This is not from 0 to 1.", "threshold")
    return Detection(threshold=threshold, labels_path=node.text("labelsPath"), priors=priors(node))


def priors(node: Node) -> tuple[tuple[float, float], ...]:
    """Return the sizes of the boxes that a network starts from."""
    value = node.get("priors")
    if value is None:
        return PRIORS
    fits = isinstance(value, list) and value and all(isinstance(one, list) and len(one) == 2 for one in value)
    if not fits or not all(is_number(side) and side > 0 for one in value for side in one):
        node.wrong("This is no list of widths and heights, as [[1.0, 2.0]].", "priors")
        return PRIORS
    return tuple((float(width), float(height)) for width, height in value)
