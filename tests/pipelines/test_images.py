"""ImageLoadingStep: from images of any size to the arrays that a network takes."""

from __future__ import annotations

import numpy
import pytest
from PIL import Image

from handlers.pipelines.faults import Refused, Unusable
from handlers.pipelines.steps.base import Notes
from tests.pipelines.made import load

RED = numpy.full((4, 6, 3), [255, 0, 10], numpy.uint8)
RAMP = numpy.arange(4 * 6 * 3, dtype=numpy.uint8).reshape(4, 6, 3)


def step(*transforms, **members):
    """Return an ImageLoadingStep; *transforms* are (class, members) of the images of its only input."""
    listed = [{"@class": f"org.datavec.image.transform.{name}ImageTransform", **more} for name, more in transforms]
    process = {"imageTransformProcesses": {"default": {"transformList": listed, "seed": 0}}} if listed else {}
    return {"@type": "ImageLoadingStep", **process, **members}


def test_an_image_becomes_an_array_of_channels(tmp_path):
    """Without settings it keeps its size, and has the layout NCHW, floats from 0 to 255, red first."""
    found = load(tmp_path, step()).run({"default": RED})["default"]

    assert ((1, 3, 4, 6), numpy.float32) == (found.shape, found.dtype)
    assert [255.0, 0.0, 10.0] == found[0, :, 0, 0].tolist()
    assert numpy.array_equal(RAMP.transpose(2, 0, 1), load(tmp_path, step()).run({"default": RAMP})["default"][0])


@pytest.mark.parametrize(("size", "shape"), [([8, 12, 3], (1, 8, 12, 3)), ([2, 3, 1], (1, 2, 3, 1))])
def test_an_image_is_resized_as_pillow_does_it(tmp_path, size, shape):
    """It gets the height, width and channels that are configured, between pixels by straight lines."""
    members = {"dimensionsConfigs": {"default": size}, "imageProcessingRequiredLayout": "NHWC"}
    found = load(tmp_path, step(**members)).run({"default": RAMP})["default"]

    mode = "RGB" if size[2] == 3 else "L"
    wanted = Image.fromarray(RAMP).convert(mode).resize((size[1], size[0]), Image.Resampling.BILINEAR)
    assert shape == found.shape
    assert numpy.array_equal(numpy.asarray(wanted).reshape(shape[1:]), found[0])


def test_colours_may_be_the_other_way_round(tmp_path):
    """Networks that were trained with OpenCV's order get blue first."""
    found = load(tmp_path, step(imageChannelOrder="BGR")).run({"default": RED})["default"]

    assert [10.0, 0.0, 255.0] == found[0, :, 0, 0].tolist()


def test_several_images_are_stacked_and_their_sizes_kept(tmp_path):
    """Images of one input become one array; what size each had is known to who draws boxes into it."""
    pipeline = load(tmp_path, step(dimensionsConfigs={"default": [2, 2, 3]}))
    notes = Notes()

    found = pipeline.run({"default": [{"image": RED}, {"image": numpy.zeros((10, 20, 1), numpy.uint8)}]}, notes)

    assert (2, 3, 2, 2) == found["default"].shape
    assert {"default": [(6, 4), (20, 10)]} == notes.sizes
    stacked = pipeline.run({"default": numpy.stack([RED, RAMP])})["default"]
    assert numpy.array_equal(found["default"][0], stacked[0])


def test_images_of_different_sizes_need_one(tmp_path):
    """Without a size that is configured they cannot be one array."""
    pipeline = load(tmp_path, step())
    with pytest.raises(Refused, match="not of one size; 'dimensionsConfigs' can say one"):
        pipeline.run({"default": [{"image": RED}, {"image": RED[:2]}]})
    with pytest.raises(Refused, match="rows without an image"):
        pipeline.run({"default": [{"image": RED}, {"image": 1.5}]})


@pytest.mark.parametrize(
    ("transform", "wanted"),
    [
        (("Resize", {"newWidth": 3, "newHeight": 2}), lambda image: image.resize((3, 2), Image.Resampling.BILINEAR)),
        (("Scale", {"dx": 2, "dy": -1}), lambda image: image.resize((8, 3), Image.Resampling.BILINEAR)),
        (
            ("Crop", {"cropTop": 1, "cropLeft": 2, "cropBottom": 0, "cropRight": 1}),
            lambda image: image.crop((2, 1, 5, 4)),
        ),
        (("Flip", {"flipMode": 0}), lambda image: image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)),
        (("Flip", {"flipMode": 1}), lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)),
        (("Flip", {"flipMode": -1}), lambda image: image.transpose(Image.Transpose.ROTATE_180)),
        (("Rotate", {"angle": 180}), lambda image: image.transpose(Image.Transpose.ROTATE_180)),
        (("Box", {"width": 2, "height": 2}), lambda image: image.crop((2, 1, 4, 3))),
        (("Box", {"width": 8, "height": 4}), lambda image: image.crop((-1, 0, 7, 4))),
    ],
    ids=range(9),
)
def test_transforms_do_what_datavec_does(tmp_path, transform, wanted):
    """Each transform that leaves nothing to chance makes the image that it says."""
    pipeline = load(tmp_path, step(transform, imageProcessingRequiredLayout="NHWC"))

    found = pipeline.run({"default": RAMP})["default"][0]

    assert numpy.array_equal(numpy.asarray(wanted(Image.fromarray(RAMP))), found)


def test_colours_are_converted_by_opencv_s_codes(tmp_path):
    """6 is grey, 4 swaps red and blue, 8 makes three colours of grey again."""
    conversions = [{"@class": "org.datavec.image.transform.ColorConversionTransform", "conversionCode": 0}]
    shapes = []
    for codes in ((4,), (6,), (6, 8)):
        process = {"transformList": [{**conversions[0], "conversionCode": code} for code in codes]}
        pipeline = load(tmp_path, {"@type": "ImageLoadingStep", "imageTransformProcesses": {"default": process}})
        shapes.append(pipeline.run({"default": RED})["default"][0, :, 0, 0].tolist())

    assert [[10.0, 0.0, 255.0], [77.0], [77.0, 77.0, 77.0]] == shapes


@pytest.mark.parametrize(
    ("transforms", "seed", "member", "words"),
    [
        ([("RandomCrop", {})], 0, "/transformList/0", "'RandomCropImageTransform' is not served"),
        ([("Flip", {"flipMode": 1})], 7, "/transformList/0", "With a 'seed', FlipImageTransform is left to chance"),
        ([("Resize", {"newWidth": 0, "newHeight": 3})], 0, "/transformList/0", "0 x 3 is no size"),
        ([("Resize", {"newWidth": 1 << 20, "newHeight": 1 << 20})], 0, "/transformList/0", "is no size"),
    ],
)
def test_transforms_that_are_not_served_are_told(tmp_path, transforms, seed, member, words):
    """What is left to chance, not known or too large is refused when it is loaded."""
    broken = step(*transforms)
    broken["imageTransformProcesses"]["default"]["seed"] = seed
    with pytest.raises(Unusable) as told:
        load(tmp_path, broken)
    assert f"/steps/0/imageTransformProcesses/default{member}" == told.value.place
    assert words in str(told.value)


def test_nothing_may_be_left_of_an_image(tmp_path):
    """An image that is smaller than what is cut off is refused."""
    pipeline = load(tmp_path, step(("Crop", {"cropTop": 4})))
    with pytest.raises(Refused, match="The image would be 6 x 0 pixels"):
        pipeline.run({"default": RED})


def test_arrays_of_numbers_only_change_their_layout(tmp_path):
    """What is no image of bytes is brought from the initial layout into the one that is required."""
    members = {"imageProcessingInitialLayout": "NCHW", "imageProcessingRequiredLayout": "NHWC"}
    pipeline = load(tmp_path, step(**members, dimensionsConfigs={"default": [9, 9, 3]}))
    array = numpy.arange(24.0).reshape(1, 2, 3, 4)

    assert array.transpose(0, 2, 3, 1).tolist() == pipeline.run({"default": array})["default"].tolist()
    assert array.transpose(0, 2, 3, 1).tolist() == pipeline.run({"default": array[0]})["default"].tolist()
    turned = load(tmp_path, step(("Flip", {"flipMode": 0})))
    with pytest.raises(Refused, match="'imageTransformProcesses' are for images of bytes"):
        turned.run({"default": array})
    with pytest.raises(Refused, match="is no image, and no array as NCHW"):
        pipeline.run({"default": numpy.zeros((2, 2))})


def test_what_counts_as_an_object_is_known(tmp_path):
    """Threshold, priors and the labels of a file are there for who looks for objects in the outputs."""
    (tmp_path / "labels.txt").write_text("cat\ndog\n\n")
    config = {"threshold": 0.7, "labelsPath": "labels.txt", "priors": [[1, 2], [3, 4.5]]}
    pipeline = load(tmp_path, step(objectDetectionConfig=config))

    search = pipeline.search

    assert (0.7, ["cat", "dog"], ((1.0, 2.0), (3.0, 4.5))) == (search.threshold, search.labels, search.priors)
    assert ["labels.txt"] == pipeline.configuration.files
    with pytest.raises(Unusable, match=r"There is no file 'none\.txt'"):
        load(tmp_path, step(objectDetectionConfig={"labelsPath": "none.txt"}))
