"""Configurations and models that the tests of pipelines make."""

from __future__ import annotations

import json

import onnx
from onnx import TensorProto, helper

from handlers.pipelines.config import read_configuration
from handlers.pipelines.pipeline import load_pipeline


def write(folder, document, *files):
    """Write a configuration, and empty *files* beside it; return its file."""
    path = folder / "pipeline.json"
    for file in files:
        (folder / file).touch()
    path.write_text(json.dumps(document))
    return path


def load(folder, *steps, **serving):
    """Return a pipeline of steps; *serving* is its servingConfig."""
    configuration = read_configuration(write(folder, {"servingConfig": serving, "steps": list(steps)}))
    return load_pipeline(configuration, folder)


def python_step(code, inputs, outputs, **members):
    """Return a PythonStep; *members* are further ones of its only PythonConfig."""
    config = {"pythonInputs": inputs, "pythonOutputs": outputs, **members}
    if code is not None:
        config["pythonCode"] = code
    return {"@type": "PythonStep", "pythonConfigs": {"default": config}}


def transform_step(columns, *actions):
    """Return a TransformProcessStep; *columns* are (class, name, members), *actions* (class, members)."""
    schema = [
        {"@class": f"org.datavec.api.transform.metadata.{kind}MetaData", "name": name, **more}
        for kind, name, more in ((*column, {})[:3] for column in columns)
    ]
    process = {
        "initialSchema": {"@class": "org.datavec.api.transform.schema.Schema", "columns": schema},
        "actionList": [action(*one) for one in actions],
    }
    return {"@type": "TransformProcessStep", "transformProcesses": {"default": process}}


def action(name, members, kind="transform"):
    """Return one action of DataVec."""
    return {kind: java(name, **members)}


def java(name, **members):
    """Return an object of one of DataVec's classes; the package does not matter to who reads it."""
    return {"@class": f"org.datavec.api.transform.{name}", **members}


def model_step(path, kind="ONNX", **members):
    """Return a ModelStep."""
    config = {
        "@type": f"{kind.title()}Config",
        "modelConfigType": {"modelType": kind, "modelLoadingPath": path},
        "tensorDataTypesConfig": members.pop("types", None),
    }
    return {"@type": "ModelStep", "modelConfig": config, **members}


def save_graph(path, nodes, inputs, outputs):
    """Write an ONNX file; *inputs* and *outputs* are (name, type, shape)."""
    infos = [
        [helper.make_tensor_value_info(name, getattr(TensorProto, kind), shape) for name, kind, shape in some]
        for some in (inputs, outputs)
    ]
    graph = helper.make_graph(nodes, "made", *infos)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def save_sum(path, shape=(None,)):
    """Write an ONNX file that adds `x` and `y` of float32 to `output`."""
    node = helper.make_node("Add", ["x", "y"], ["output"])
    save_graph(path, [node], [(name, "FLOAT", shape) for name in "xy"], [("output", "FLOAT", shape)])
