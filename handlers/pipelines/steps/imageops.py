"""What DataVec's image transforms do, as far as nothing in them is left to chance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from PIL import Image, ImageOps

from handlers.pipelines.checks import Node
from handlers.pipelines.faults import Refused
from handlers.pipelines.imagetypes import MOST_PIXELS
from handlers.pipelines.steps.datavec.schema import named

Picture = Image.Image
Do = Callable[[Picture], Picture]

MOST_TRANSFORMS: Final = 100
GREY_CODES: Final = (6, 7, 10, 11)  #: of OpenCV: from BGR, RGB, BGRA and RGBA to grey
COLOUR_CODES: Final = (8, 9)  #: of OpenCV: from grey to BGR and BGRA
SWAP_CODES: Final = (4, 5)  #: of OpenCV: BGR to RGB, BGRA to RGBA


def operations(node: Node) -> list[Do]:
    """Return what an ImageTransformProcess does, in order.

    Raises:
        Unusable: It has what is not served, or leaves something to chance.
    """
    transforms = node.items("transformList")
    if len(transforms) > MOST_TRANSFORMS:
        node.stop(f"There are more than {MOST_TRANSFORMS} transforms.", "transformList")
    seed = node.whole("seed")
    found = [operation(one, seed) for one in transforms]
    node.faults.check()
    return found


def operation(node: Node, seed: int) -> Do:
    """Return what one transform does."""
    name, members = named(node)
    if name not in TRANSFORMS:
        node.stop(f"The image transform {name[:100]!r} is not served.")
    if seed and name in BY_CHANCE:
        node.stop(f"With a 'seed', {name} is left to chance; a prediction is not. Without one it is done as written.")
    return TRANSFORMS[name](members)


def resize(node: Node) -> Do:
    """Make images of a size."""
    size = sides(node, "newWidth", "newHeight")
    return lambda image: image.resize(size, Image.Resampling.BILINEAR)


def scale(node: Node) -> Do:
    """Make images so much wider and higher."""
    across, down = int(node.number("dx", 0.0)), int(node.number("dy", 0.0))
    return lambda image: image.resize(checked(image.width + across, image.height + down), Image.Resampling.BILINEAR)


def crop(node: Node) -> Do:
    """Cut off so much of each side."""
    left, above, right, below = (max(0, node.whole(f"crop{side}")) for side in ("Left", "Top", "Right", "Bottom"))

    def do(image: Picture) -> Picture:
        checked(image.width - left - right, image.height - above - below)
        return image.crop((left, above, image.width - right, image.height - below))

    return do


def flip(node: Node) -> Do:
    """Mirror: 0 upside down, above 0 left and right, below 0 both."""
    mode = node.whole("flipMode")
    if mode == 0:
        return ImageOps.flip
    return ImageOps.mirror if mode > 0 else lambda image: ImageOps.flip(ImageOps.mirror(image))


def rotate(node: Node) -> Do:
    """Turn around a point beside the middle, and make larger; the size of the image stays."""
    across, down = node.number("centerx", 0.0), node.number("centery", 0.0)
    angle, larger = node.number("angle", 0.0), 1 + node.number("scale", 0.0)
    if larger <= 0:
        node.stop("Nothing would be left of the image.", "scale")

    def do(image: Picture) -> Picture:
        middle = (image.width / 2 + across, image.height / 2 + down)
        turned = image.rotate(angle, Image.Resampling.BILINEAR, center=middle)
        if larger == 1:
            return turned
        offsets = (middle[0] - middle[0] / larger, middle[1] - middle[1] / larger)
        matrix = (1 / larger, 0, offsets[0], 0, 1 / larger, offsets[1])
        return turned.transform(turned.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)

    return do


def box(node: Node) -> Do:
    """Make images of a size by cutting off or adding black around them."""
    width, height = sides(node, "width", "height")

    def do(image: Picture) -> Picture:
        left, above = (image.width - width) // 2, (image.height - height) // 2
        return image.crop((left, above, left + width, above + height))

    return do


def convert(node: Node) -> Do:
    """Make images grey, or of three colours, or swap red and blue, by a code of OpenCV."""
    code = node.whole("conversionCode")
    if code in GREY_CODES:
        return lambda image: image.convert("L")
    if code in COLOUR_CODES:
        return lambda image: image.convert("RGB")
    if code in SWAP_CODES:
        return swapped
    node.stop(f"The conversion {code} is not served; grey, three colours and swapping red and blue are.")


def swapped(image: Picture) -> Picture:
    """Return an image with red and blue swapped."""
    bands = image.split()
    return Image.merge(image.mode, (bands[2], bands[1], bands[0], *bands[3:])) if len(bands) > 2 else image


def equalize(_node: Node) -> Do:
    """Spread the brightness over its whole range."""
    return ImageOps.equalize


def sides(node: Node, width: str, height: str) -> tuple[int, int]:
    """Return width and height that members say."""
    found = node.whole(width), node.whole(height)
    if min(found) < 1 or found[0] * found[1] > MOST_PIXELS:
        node.stop(f"{found[0]} x {found[1]} is no size of an image of {MOST_PIXELS} pixels at most.")
    return found


def checked(width: int, height: int) -> tuple[int, int]:
    """Return the size that an image would have, if it can.

    Raises:
        Refused: Nothing would be left, or the image would be too large.
    """
    if min(width, height) < 1 or width * height > MOST_PIXELS:
        raise Refused(f"The image would be {width} x {height} pixels.")
    return width, height


BY_CHANCE: Final = frozenset(
    {"CropImageTransform", "FlipImageTransform", "RotateImageTransform", "ScaleImageTransform"}
)
TRANSFORMS: Final[Mapping[str, Callable[[Node], Do]]] = {
    "BoxImageTransform": box,
    "ColorConversionTransform": convert,
    "CropImageTransform": crop,
    "EqualizeHistTransform": equalize,
    "FlipImageTransform": flip,
    "ResizeImageTransform": resize,
    "RotateImageTransform": rotate,
    "ScaleImageTransform": scale,
}
