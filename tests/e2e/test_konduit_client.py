"""Konduit's published client, unchanged, against a server that is up."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy
import pytest
from PIL import Image

from handlers.pipelines.wire.binaryserde import write_binaryserde
from tests.e2e.conftest import running
from tests.e2e.environments import python_with
from tests.pipelines.made import model_step, save_sum, write

pytestmark = pytest.mark.long

STORY = Path(__file__).parent / "clients" / "konduit" / "story.py"
NEEDED = ("requests", "requests-toolbelt", "numpy", "pyarrow")  # by the client; what its servers need is not installed


@pytest.fixture(scope="module")
def client():
    """A Python that has the client."""
    return python_with("konduit", NEEDED, ("--no-deps", "konduit==0.1.11"))


def tell(client, *arguments):
    """Return what the client has to tell."""
    command = [client, STORY, *map(str, arguments)]
    told = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert 0 == told.returncode, told.stderr
    return json.loads(told.stdout)


def test_konduits_client_asks_a_model(client, tmp_path):
    """It reads the configuration, and sends arrays, several parts and rows; what it gets back it can read."""
    save_sum(tmp_path / "sum.onnx")
    step = model_step("sum.onnx", inputNames=["x", "y"], outputNames=["output"])
    path = write(tmp_path, {"servingConfig": {"outputDataFormat": "NUMPY"}, "steps": [step]})

    with running(tmp_path / "home", konduit=str(path)) as server:
        story = tell(client, server.port)

    assert [["x", "y"], ["output"], "NUMPY"] == story["configuration"]
    assert [[3, 5]] * 2 == [story["sum"], story["stacked"]]
    assert {"dataType": "FLOAT", "shape": [2], "data": [3, 5]} == story["rows"]["output"]["ndArray"]
    assert [1] == story["classes"]["output"]["decisions"]
    assert write_binaryserde(numpy.array([3, 5], "f4")).hex() == story["nd4j"]
    assert "error code: 400" in story["refused"]
    assert "There is no file for the input 'y'." in story["refused"]


def test_konduits_client_sends_a_picture(client, tmp_path):
    """It has the pixels back, in the layout of networks."""
    Image.new("RGB", (2, 1), (10, 20, 30)).save(tmp_path / "picture.png")
    load = {"@type": "ImageLoadingStep", "inputNames": ["photo"]}
    path = write(tmp_path, {"servingConfig": {"outputDataFormat": "NUMPY"}, "steps": [load]})

    with running(tmp_path / "home", konduit=str(path)) as server:
        story = tell(client, server.port, tmp_path / "picture.png")

    assert [[[[10, 10]], [[20, 20]], [[30, 30]]]] == story["picture"]
