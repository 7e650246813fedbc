"""Image files.

Only formats whose size stands at their beginning are opened, and nothing is decoded before that size was looked at.
"""

from __future__ import annotations

import warnings
from io import BytesIO
from typing import Final

import numpy
from PIL import Image, ImageOps, UnidentifiedImageError

from handlers.pipelines.faults import Refused
from handlers.pipelines.values import Array

FORMATS: Final = ("PNG", "JPEG", "BMP", "GIF", "WEBP")
MOST_PIXELS: Final = 1 << 25  #: 32 million; an image takes 3 bytes of each, and about 12 while it is decoded
DEEP: Final = ("I;16", "I;16B", "I;16L", "I;16N", "I")  #: greys of 16 bits


def read_image(data: bytes | memoryview) -> Array:
    """Return an image as bytes of red, green and blue.

    It is as a person sees it: turned as its EXIF data say, greys and palettes as colours, of an animation the first
    frame. Transparency is dropped, and the colour that lies below it shows, as OpenCV does it, which Konduit Serving
    reads images with. The layout that a network wants is made of it by the step that loads images.

    Returns:
        Shape (height, width, 3), of uint8; its first axes are the size of the image as it is seen, in pixels.

    Raises:
        Refused: It is no image, of another format, broken, or too large.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow tells by them what we refuse, or what does no harm
            return pixels(data)
    except Refused:
        raise
    except MemoryError:
        raise Refused("There is not enough memory for the image.") from None
    except Exception as error:  # decoders raise anything at broken files; whoever sent it is told
        raise Refused(f"The image is broken: {str(error)[:200] or type(error).__name__}.") from error


def pixels(data: bytes | memoryview) -> Array:
    """Return the pixels of an image; decoders may raise anything."""
    with opened(data) as image:
        ImageOps.exif_transpose(image, in_place=True)
        if image.mode in DEEP:
            return numpy.repeat((numpy.asarray(image) >> 8).clip(0, 255).astype("u1")[:, :, None], 3, axis=2)
        return numpy.array(image if image.mode == "RGB" else image.convert("RGB"))


def opened(data: bytes | memoryview) -> Image.Image:
    """Return an image that is not decoded yet.

    Raises:
        Refused: It is none, or too large.
    """
    if size := webp_size(memoryview(data)):
        see_size(*size)  # this decoder makes room for the image as soon as it is opened
    try:
        image = Image.open(BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        raise Refused(f"This is no image of the formats {', '.join(FORMATS)}, or a broken one.") from None
    except Image.DecompressionBombError:
        raise Refused(f"The image has too many pixels; {MOST_PIXELS} are the most.") from None
    see_size(*image.size)
    return image


def see_size(width: int, height: int) -> None:
    """See that an image can be decoded.

    Raises:
        Refused: It is too large.
    """
    if width * height > MOST_PIXELS:
        raise Refused(f"The image has {width} times {height} pixels; {MOST_PIXELS} are the most.")


def webp_size(view: memoryview) -> tuple[int, int] | None:
    """Return width and height that the first chunk of a WebP file tells; None: it tells none.

    Source:
        RFC 9649, sections 2.7 and 3; RFC 6386, section 9.1.
    """
    head = bytes(view[:30])
    if head[:4] != b"RIFF" or head[8:12] != b"WEBP" or len(head) < 30:
        return None
    chunk = head[12:16]
    if chunk == b"VP8X":
        return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
    if chunk == b"VP8 ":
        return int.from_bytes(head[26:28], "little") & 0x3FFF, int.from_bytes(head[28:30], "little") & 0x3FFF
    bits = int.from_bytes(head[21:25], "little")
    return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
