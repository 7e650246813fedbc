"""A pipeline of two inputs and two outputs that is served, and the clients that are generated from its document."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest
from onnx import helper

from tests.e2e.conftest import running
from tests.pipelines.made import model_step, save_graph, write
from tools.clients.languages import LANGUAGES


@pytest.fixture(scope="session")
def served(tmp_path_factory):
    """A server that is up, with `total` and `product` of `x` and `y`."""
    folder = tmp_path_factory.mktemp("served")
    matrix = [None, None]
    save_graph(
        folder / "two.onnx",
        [helper.make_node("Add", ["x", "y"], ["total"]), helper.make_node("Mul", ["x", "y"], ["product"])],
        [(name, "FLOAT", matrix) for name in "xy"],
        [(name, "FLOAT", matrix) for name in ("total", "product")],
    )
    step = model_step("two.onnx", inputNames=["x", "y"], outputNames=["total", "product"])
    pipeline = write(folder, {"servingConfig": {"outputDataFormat": "JSON"}, "steps": [step]})
    with running(folder / "home", konduit=str(pipeline)) as server:
        yield server


@pytest.fixture(scope="session")
def clients(served, tmp_path_factory):
    """Generated clients of the pipeline that is served, a folder for each language."""
    folder = tmp_path_factory.mktemp("clients")
    generated(folder, "python", "typescript", "java", "csharp", "go", document=f"{served.url}/openapi/konduit.json")
    return folder


@pytest.fixture(scope="session")
def arrays():
    """The file that takes arrays, loaded as a stranger would."""
    spec = importlib.util.spec_from_file_location("konduit_arrays", LANGUAGES["python"].wrapper)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def generated(folder, *languages, **options):
    """Run the command and return what it printed; it has to succeed."""
    done = command(folder, *languages, **options)
    assert 0 == done.returncode, done.stderr
    return done.stdout


def command(folder, *languages, **options):
    """Run the command."""
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    return subprocess.run(
        [sys.executable, "-m", "tools.clients", *languages, "--out", str(folder), *words],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
