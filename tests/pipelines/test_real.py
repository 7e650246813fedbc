"""Configurations that were written for Konduit Serving, and what it answered."""

from __future__ import annotations

import numpy
import pytest
from onnx import helper

from handlers.pipelines.config import read_configuration
from handlers.pipelines.faults import Refused, Unusable
from handlers.pipelines.pipeline import load_pipeline
from tests.pipelines.made import load, model_step, python_step, save_graph, save_sum, write

ADD_TWO = {
    "servingConfig": {"httpPort": 1337},
    "steps": [
        {
            "@type": "PythonStep",
            "inputNames": ["default"],
            "outputNames": ["default"],
            "inputColumnNames": {"default": ["first"]},
            "inputSchemas": {"default": ["Integer"]},
            "outputColumnNames": {"default": ["second"]},
            "outputSchemas": {"default": ["Integer"]},
            "pythonConfigs": {
                "default": {
                    "pythonCode": "first += 2; second = first",
                    "pythonInputs": {"first": "INT"},
                    "pythonOutputs": {"second": "INT"},
                }
            },
        }
    ],
}
APPEND = {
    "memMapConfig": None,
    "servingConfig": {"httpPort": 15614, "listenHost": "localhost", "outputDataFormat": "JSON"},
    "steps": [
        {
            "@type": "TransformProcessStep",
            "inputColumnNames": {"default": ["first"]},
            "inputNames": ["default"],
            "inputSchemas": {"default": ["String"]},
            "outputColumnNames": {"default": ["first"]},
            "outputNames": ["default"],
            "outputSchemas": {"default": ["String"]},
            "transformProcesses": {
                "default": {
                    "actionList": [
                        {
                            "transform": {
                                "@class": "org.datavec.api.transform.transform.string.AppendStringColumnTransform",
                                "columnName": "first",
                                "toAppend": "two",
                            }
                        }
                    ],
                    "initialSchema": {
                        "@class": "org.datavec.api.transform.schema.Schema",
                        "columns": [{"@class": "org.datavec.api.transform.metadata.StringMetaData", "name": "first"}],
                    },
                }
            },
        }
    ],
}
#: As the Python client wrote it: an image, then code on it; names and columns that differ from step to step.
FACES = {
    "memMapConfig": None,
    "servingConfig": {"httpPort": 26652, "outputDataFormat": "JSON", "uploadsDirectory": "file-uploads/"},
    "steps": [
        {
            "@type": "ImageLoadingStep",
            "dimensionsConfigs": {"default": [48, 72, 3]},
            "imageProcessingInitialLayout": None,
            "imageProcessingRequiredLayout": None,
            "imageTransformProcesses": {},
            "inputColumnNames": {},
            "inputNames": ["inputimage"],
            "objectDetectionConfig": None,
            "originalImageHeight": 0,
            "outputNames": [],
            "updateOrderingBeforeTransform": False,
        },
        {
            "@type": "PythonStep",
            "inputColumnNames": {"default": ["inputimage"]},
            "inputNames": ["default"],
            "inputSchemas": {"default": ["NDArray"]},
            "outputColumnNames": {"default": ["boxes"]},
            "outputNames": ["default"],
            "outputSchemas": {"default": ["NDArray"]},
            "pythonConfigs": {
                "default": {
                    "extraInputs": {},
                    "pythonCode": None,
                    "pythonCodePath": "detect_image.py",
                    "pythonInputs": {"inputimage": "NDARRAY"},
                    "pythonOutputs": {"boxes": "NDARRAY"},
                    "pythonPath": ".",
                    "returnAllInputs": False,
                    "setupAndRun": False,
                }
            },
        },
    ],
}


def test_two_is_added_to_a_number_of_json(tmp_path):
    """`{"first": 2}` becomes `[{"second": 4}]`."""
    pipeline = load_pipeline(read_configuration(write(tmp_path, ADD_TWO)), tmp_path)

    assert {"default": [{"second": 4}]} == pipeline.run({"default": [{"first": 2}]})
    assert {"default": [{"second": 0}, {"second": 9}]} == pipeline.run({"default": [{"first": -2}, {"first": 7}]})
    with pytest.raises(Refused, match="'first' in row 1 has to be INT, which is a whole number; 'two' is none") as told:
        pipeline.run({"default": [{"first": 2}, {"first": "two"}]})
    assert "/1/first" == told.value.place


def test_two_named_arrays_are_added(tmp_path):
    """`x` and `y` of `/numpy/numpy` become `output`, whatever order they come in."""
    save_sum(tmp_path / "sum.onnx")
    step = model_step("sum.onnx", inputNames=["x", "y"], outputNames=["output"])
    pipeline = load(tmp_path, step, outputDataFormat="NUMPY")
    x, y = numpy.array([1, 2], numpy.float32), numpy.array([2, 3], numpy.float32)

    found = pipeline.run({"y": y, "x": x})["output"]

    assert [3.0, 5.0] == found.tolist()
    assert numpy.float32 == found.dtype
    assert (["x", "y"], ["output"]) == (pipeline.input_names, pipeline.output_names)
    with pytest.raises(Refused, match="The input 'y' is missing") as told:
        pipeline.run({"x": x})
    assert "y" == told.value.place
    with pytest.raises(Refused, match="There is no input 'z'; there are x, y"):
        pipeline.run({"x": x, "y": y, "z": y})


def test_a_samediff_model_is_refused_with_the_way_out(tmp_path):
    """A server without Java says what the model would need, and what to do instead."""
    (tmp_path / "sum.fb").write_bytes(b"")
    with pytest.raises(Unusable, match=r"needs ND4J and Java.*ONNX") as told:
        load(tmp_path, model_step("sum.fb", "SAMEDIFF", inputNames=["x", "y"], outputNames=["output"]))
    assert "/steps/0/modelConfig/modelConfigType/modelType" == told.value.place


def test_a_classifier_of_digits_is_asked_by_the_names_of_tensorflow(tmp_path):
    """A network that tf2onnx has made keeps the names that a client knows, with or without `:0`."""
    nodes = [
        helper.make_node("Flatten", ["input_layer:0"], ["flat"]),
        helper.make_node("Softmax", ["flat"], ["output_layer/Softmax:0"]),
    ]
    save_graph(
        tmp_path / "mnist.onnx",
        nodes,
        [("input_layer:0", "FLOAT", (None, 2, 5))],
        [("output_layer/Softmax:0", "FLOAT", (None, 10))],
    )
    step = model_step(
        "mnist.onnx",
        inputNames=["input_layer"],
        outputNames=["output_layer/Softmax"],
        types={"inputDataTypes": {"input_layer": "FLOAT"}},
        parallelInferenceConfig={"workers": 1, "batchLimit": 32, "queueLimit": 64, "inferenceMode": "BATCHED"},
    )
    pipeline = load(tmp_path, step)

    found = pipeline.run({"input_layer": numpy.arange(30.0).reshape(3, 2, 5)})["output_layer/Softmax"]

    assert (3, 10) == found.shape
    assert [9, 9, 9] == found.argmax(axis=1).tolist()
    assert pytest.approx([1, 1, 1]) == found.sum(axis=1).tolist()


def test_a_text_is_appended(tmp_path):
    """`{"first": "value"}` becomes `{"first": "valuetwo"}`."""
    configuration = read_configuration(write(tmp_path, APPEND))
    pipeline = load_pipeline(configuration, tmp_path)

    assert {"default": [{"first": "valuetwo"}]} == pipeline.run({"default": [{"first": "value"}]})
    assert {"first": "String"} == configuration.columns


def test_an_image_goes_through_code_of_a_file(tmp_path):
    """An image under a name of its own gets to code that knows it as a variable, resized to the only size there is."""
    (tmp_path / "detect_image.py").write_text("from sizes import middle\nboxes = middle(inputimage)\n")
    (tmp_path / "sizes.py").write_text("def middle(image):\n    return image[:, :, 24, 36]\n")
    configuration = read_configuration(write(tmp_path, FACES))
    pipeline = load_pipeline(configuration, tmp_path)
    image = numpy.full((100, 200, 3), [10, 20, 30], numpy.uint8)

    found = pipeline.run({"inputimage": image})

    assert [[10.0, 20.0, 30.0]] == found["default"].tolist()
    assert ["detect_image.py", "sizes.py"] == configuration.files


def test_a_copy_of_what_it_names_is_all_that_it_needs(tmp_path):
    """The answered configuration, and the files that it lists, make the same pipeline in another folder."""
    own, copy = tmp_path / "own", tmp_path / "copy"
    (own / "lib").mkdir(parents=True)
    (own / "lib" / "scales.py").write_text("def doubled(value):\n    return value * 2\n")
    (own / "code.py").write_text("from scales import doubled\nx = y = doubled(n)\n")
    (own / "unrelated.txt").write_text("")
    save_sum(own / "sum.onnx")
    code = python_step(None, {"n": "FLOAT"}, {"x": "FLOAT", "y": "FLOAT"}, pythonCodePath="code.py", pythonPath="lib")
    step = model_step("sum.onnx", inputNames=["x", "y"])
    configuration = read_configuration(write(own, {"steps": [code, step]}))

    copy.mkdir()
    for name in configuration.files:
        (copy / name).parent.mkdir(exist_ok=True)
        (copy / name).write_bytes((own / name).read_bytes())
    pipeline = load_pipeline(read_configuration(write(copy, configuration.document)), copy)

    assert [4.0, 12.0] == pipeline.run({"default": [{"n": 1}, {"n": 3}]})["default"].tolist()
    assert ["code.py", "lib/scales.py", "sum.onnx"] == sorted(configuration.files)
