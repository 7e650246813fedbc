"""Image files. They are made here, by Pillow and by hand."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import numpy
import pytest
from PIL import Image

from handlers.pipelines.faults import Refused
from handlers.pipelines.wire.images import read_image

COLOURS = numpy.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]], [[0, 0, 0], [255, 255, 255], [9, 99, 199]]], "u1")
RED = (200, 10, 20)


def saved(image, kind, **options):
    """Return an image as a file."""
    sink = BytesIO()
    image.save(sink, kind, **options)
    return sink.getvalue()


def png(width, height, data=b""):
    """Return a PNG that says that it has this size."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("BMP", {}), ("WEBP", {"lossless": True})])
def test_an_image_is_its_pixels(kind, options):
    """A file of a format that loses nothing becomes height, width, and red, green and blue."""
    found = read_image(memoryview(saved(Image.fromarray(COLOURS), kind, **options)))

    numpy.testing.assert_array_equal(COLOURS, found, strict=True)
    assert found.flags.writeable


@pytest.mark.parametrize(("kind", "options"), [("JPEG", {"quality": 95}), ("WEBP", {"quality": 95}), ("GIF", {})])
def test_formats_that_lose_something_are_read(kind, options):
    """A plain image keeps about its colour."""
    found = read_image(saved(Image.new("RGB", (31, 17), RED), kind, **options))

    assert (17, 31, 3) == found.shape
    assert numpy.abs(found.astype(int) - RED).max() <= 4


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("L", 77, (77, 77, 77)),
        ("1", 1, (255, 255, 255)),
        ("LA", (77, 0), (77, 77, 77)),
        ("RGBA", (*RED, 0), RED),
        ("I;16", 0x4DFF, (0x4D, 0x4D, 0x4D)),
    ],
)
def test_greys_and_transparent_colours_become_colours(mode, colour, expected):
    """Grey is three times the same, of 16 bits the upper 8; what is transparent has the colour that it has."""
    found = read_image(saved(Image.new(mode, (2, 2), colour), "PNG"))

    assert [list(expected)] * 4 == found.reshape(-1, 3).tolist()


def test_a_palette_becomes_colours():
    """An image of a palette has the palette's colours."""
    image = Image.fromarray(COLOURS).quantize(6)

    numpy.testing.assert_array_equal(numpy.asarray(image.convert("RGB")), read_image(saved(image, "PNG")))


def test_colours_of_print_become_colours_of_screens():
    """A JPEG of cyan, magenta, yellow and black has three channels, too."""
    found = read_image(saved(Image.new("CMYK", (8, 8), (0, 0, 0, 0)), "JPEG"))

    assert (8, 8, 3) == found.shape
    assert found.min() > 250


def test_an_image_is_turned_as_its_camera_was():
    """An image that says that it lies on its side is as a person sees it, and so is its size."""
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by a quarter
    left_red = numpy.zeros((16, 32, 3), "u1")
    left_red[:, :16, 0] = 255
    found = read_image(saved(Image.fromarray(left_red), "JPEG", exif=exif, quality=95))

    assert (32, 16, 3) == found.shape
    assert found[:12, :, 0].min() > 200  # what was on the left is above now
    assert found[20:, :, 0].max() < 50


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_an_animation_is_its_first_frame(kind):
    """Of several frames the first is the image."""
    frames = [Image.new("RGB", (4, 3), colour) for colour in ("black", "white")]
    found = read_image(saved(frames[0], kind, save_all=True, append_images=frames[1:]))

    assert (3, 4, 3) == found.shape
    assert found.max() < 8


def webp(chunk):
    """Return a WebP file of which nothing is right but its size."""
    return b"RIFF" + struct.pack("<I", 100) + b"WEBP" + chunk + bytes(80)


@pytest.mark.parametrize(
    "data",
    [
        png(100_000, 100_000),
        png(2**31 - 1, 1),
        png(8192, 4097),
        b"GIF89a"
        + struct.pack("<HH", 65535, 65535)
        + bytes(3)
        + b","
        + bytes(4)
        + struct.pack("<HH", 65535, 65535)
        + bytes(9),
        b"BM" + struct.pack("<IIIIiiHHIIiiII", 54, 0, 54, 40, 40000, 40000, 1, 24, 0, 0, 0, 0, 0, 0),
        webp(b"VP8X" + struct.pack("<I", 10) + bytes(4) + (16382).to_bytes(3, "little") * 2),
        webp(b"VP8 " + struct.pack("<I", 10) + bytes(3) + b"\x9d\x01\x2a" + struct.pack("<HH", 16383, 16383)),
        webp(b"VP8L" + struct.pack("<I", 10) + b"\x2f" + struct.pack("<I", 16382 | 16382 << 14)),
    ],
    ids=["png", "wide", "little", "gif", "bmp", "webp", "lossy webp", "lossless webp"],
)
def test_a_large_image_is_refused_before_it_is_decoded(data, monkeypatch):
    """An image that says that it is too large is refused, and no decoder has seen it."""
    monkeypatch.setattr(Image.Image, "convert", None)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", None)

    with pytest.raises(Refused, match="33554432 are the most"):
        read_image(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a",
        b"<svg/>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n",
        saved(Image.fromarray(COLOURS), "TIFF"),
        saved(Image.fromarray(COLOURS), "PPM"),
        saved(Image.fromarray(COLOURS), "ICO"),
    ],
    ids=["nothing", "cut", "svg", "eps", "tiff", "ppm", "ico"],
)
def test_what_is_no_image_of_these_formats_is_refused(data):
    """Formats that are not named are not even tried."""
    with pytest.raises(Refused, match="no image of the formats PNG, JPEG, BMP, GIF, WEBP"):
        read_image(data)


@pytest.mark.parametrize(
    "data",
    [
        png(8, 8),
        saved(Image.new("RGB", (64, 64), RED), "JPEG")[:-200],
        webp(b"VP8X" + struct.pack("<I", 10) + bytes(10)),
    ],
    ids=["png", "jpeg", "webp"],
)
def test_an_image_that_is_cut_short_is_refused(data):
    """An image of which a part is missing is broken, and not grey there."""
    with pytest.raises(Refused, match="The image is broken"):
        read_image(data)
