"""ImageLoadingStep: makes images the arrays that a network takes, of one size and layout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy
from PIL import Image

from handlers.pipelines import paths
from handlers.pipelines.config import StepConfig
from handlers.pipelines.detections import Search
from handlers.pipelines.faults import Refused, Unusable
from handlers.pipelines.flow import array_of
from handlers.pipelines.imagetypes import Detection, ImageSettings
from handlers.pipelines.schemas import DEFAULT
from handlers.pipelines.steps.base import Notes, Step
from handlers.pipelines.steps.imageops import Do, Picture, operations
from handlers.pipelines.values import Array, Batch, Value

MODES: Final[Mapping[int, str]] = {1: "L", 3: "RGB", 4: "RGBA"}  #: by the number of channels
LABELS_BYTES: Final = 1 << 20


class ImageStep(Step):
    """Loads images.

    An image is an array of bytes of shape (height, width, channels), its colours in the order red, green, blue. Several
    images of one input have one more axis before these, or are records with one array each. Any other array is one of
    numbers in the initial layout, and is only brought into the one that is required.

    What is given has the shape (images, channels, height, width), or as the layout says, and is of float32 from 0 to
    255.
    """

    def __init__(self, config: StepConfig, folder: Path) -> None:
        """Compile the transforms, and read the labels.

        Raises:
            Unusable: A transform is not served, or the labels cannot be read.
        """
        super().__init__(config)
        self.settings: ImageSettings = config.settings
        self.processes = {name: operations(node.anew()) for name, node in self.settings.processes.items()}
        self.search: Search | None = None
        if self.settings.detection is not None:
            self.search = search_of(self.settings.detection, config, folder)
            self.labels = self.search.labels

    def run(self, batch: Batch, notes: Notes) -> Batch:
        """Return an array for each input.

        Raises:
            Refused: It is no image, or no array of the initial layout.
        """
        return {self.output_of(name): self._loaded(batch[name], name, notes) for name in self.input_names}

    def _loaded(self, value: Value, name: str, notes: Notes) -> Array:
        """Return the images of an input as one array."""
        given = images_of(value, name)
        if given is None:
            assert isinstance(value, numpy.ndarray), "records are images"
            return self._laid_out(value, name)
        notes.sizes[name] = [(image.width, image.height) for image in given]
        size = self.settings.sizes.get(name) or self.settings.sizes.get(DEFAULT)
        made = [self._made(image, size, self.processes.get(name, ())) for image in given]
        if len({one.shape for one in made}) > 1:
            raise Refused("The images are not of one size; 'dimensionsConfigs' can say one.", name)
        return self._permuted(numpy.stack(made), "NHWC")

    def _made(self, image: Picture, size: tuple[int, int, int] | None, process: Sequence[Do]) -> Array:
        """Return one image, resized and transformed, as an array of shape (height, width, channels)."""
        if size is not None:
            height, width, channels = size
            image = image.convert(MODES[channels]).resize((width, height), Image.Resampling.BILINEAR)
        for do in process:
            image = do(image)
        found = numpy.asarray(image, numpy.float32)
        found = found[:, :, None] if found.ndim == 2 else found
        return found[:, :, [2, 1, 0, *range(3, found.shape[2])]] if self._backwards(found) else found

    def _backwards(self, array: Array) -> bool:
        """Tell whether colours are wanted the other way round."""
        return self.settings.order == "BGR" and array.shape[2] >= 3

    def _laid_out(self, array: Array, name: str) -> Array:
        """Return an array of numbers in the layout that is required."""
        layout = with_images(self.settings.initial)
        if array.ndim == 3:
            array = array[None]
        if array.ndim != 4 or array.dtype.kind not in "biuf":
            raise Refused(f"The input {name!r} is no image, and no array as {self.settings.initial}.", name)
        if self.processes.get(name):
            words = f"The input {name!r} is no image; 'imageTransformProcesses' are for images of bytes."
            raise Refused(words, name)
        return self._permuted(array.astype(numpy.float32), layout)

    def _permuted(self, array: Array, layout: str) -> Array:
        """Return an array of one layout in the one that is required."""
        required = with_images(self.settings.required)
        return numpy.ascontiguousarray(array.transpose([layout.index(axis) for axis in required]))


def with_images(layout: str) -> str:
    """Return a layout with an axis of images."""
    return layout if layout[0] == "N" else f"N{layout}"


def images_of(value: Value, name: str) -> list[Picture] | None:
    """Return the images that a value holds; None: it is an array of other numbers.

    Raises:
        Refused: Records have no images.
    """
    if isinstance(value, list):
        cells = [array_of(cell, name) for row in value for cell in row.values()]
        if not cells or not all(is_image(cell) for cell in cells):
            raise Refused(f"The input {name!r} has rows without an image.", name)
        return [picture(cell) for cell in cells]
    if value.ndim == 4 and len(value) and all(is_image(one) for one in value):
        return [picture(one) for one in value]
    return [picture(value)] if is_image(value) else None


def is_image(array: Array) -> bool:
    """Tell whether an array is an image of bytes."""
    return array.dtype == numpy.uint8 and array.ndim == 3 and array.shape[2] in MODES and array.size > 0


def picture(array: Array) -> Picture:
    """Return an array as an image."""
    return Image.fromarray(array[:, :, 0] if array.shape[2] == 1 else array)


def search_of(detection: Detection, config: StepConfig, folder: Path) -> Search:
    """Return what counts as an object, with the labels of a file.

    Raises:
        Unusable: The file is not there, or is no text of one label per line.
    """
    labels: list[str] = []
    if detection.labels_path:
        place = f"{config.place}/objectDetectionConfig/labelsPath"
        path = paths.existing(folder, detection.labels_path, place)
        try:
            if path.stat().st_size > LABELS_BYTES:
                raise Unusable(f"The labels have more than {LABELS_BYTES} bytes.", place)
            labels = [line.strip() for line in path.read_text("utf-8").splitlines() if line.strip()]
        except UnicodeDecodeError as error:
            raise Unusable("The labels are no text in UTF-8.", place) from error
    return Search(threshold=detection.threshold, labels=labels, priors=detection.priors)
