"""The second way to write a configuration, `konduit.yaml` of Konduit's command line: `serving`, and steps with `type`.

Its members are written with underscores. Only those that Konduit gives a meaning are renamed: what stands inside of
them may be names of inputs, columns and variables, which are whoever wrote them chose.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

#: What `type` says, and the kind of the model's configuration.
MODELS: Final[Mapping[str, str]] = {
    "TENSORFLOW": "TensorFlowConfig",
    "KERAS": "KerasConfig",
    "DL4J": "DL4JConfig",
    "COMPUTATION_GRAPH": "DL4JConfig",
    "MULTI_LAYER_NETWORK": "DL4JConfig",
    "SAMEDIFF": "SameDiffConfig",
    "PMML": "PmmlConfig",
    "ONNX": "OnnxConfig",
    "SKLEARN": "SklearnConfig",
    "XGBOOST": "XgboostConfig",
}
STEP_MEMBERS: Final = frozenset(
    {
        *("inputNames", "outputNames", "inputColumnNames", "outputColumnNames", "inputSchemas", "outputSchemas"),
        *("parallelInferenceConfig", "normalizationConfig"),
    }
)
NESTED: Final = frozenset({"parallelInferenceConfig", "normalizationConfig", "objectDetectionConfig"})
UNDERSCORE: Final = re.compile(r"_+([a-zA-Z0-9])")


def in_full(document: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return a document as Konduit's server writes it, and the place of each step in what was given.

    A document that is written so already is returned as it is. What is not understood is left for whoever checks it.
    """
    whole = dict(document)
    if isinstance(serving := whole.get("serving"), Mapping) and "servingConfig" not in whole:
        whole["servingConfig"] = camel(serving)
        del whole["serving"]
    steps = whole.get("steps")
    if isinstance(steps, Mapping):
        places = [f"/steps/{name.replace('~', '~0').replace('/', '~1')}" for name in steps]
        whole["steps"] = [step_in_full(step) for step in steps.values()]
        return whole, places
    if isinstance(steps, list):
        whole["steps"] = [step_in_full(step) for step in steps]
        return whole, [f"/steps/{number}" for number in range(len(steps))]
    return whole, []


def step_in_full(step: Any) -> Any:
    """Return a step as Konduit's server writes it."""
    if not isinstance(step, Mapping) or "@type" in step or not isinstance(step.get("type"), str):
        return step
    members = camel({name: value for name, value in step.items() if name != "type"})
    kind = step["type"]
    if kind == "PYTHON":
        return python_step(members)
    if kind in MODELS:
        return model_step(members, kind)
    return {"@type": kind, **members}


def python_step(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return a step that runs Python; what is not about the step is about the code."""
    own = {name: value for name, value in members.items() if name in STEP_MEMBERS}
    code = {name: value for name, value in members.items() if name not in STEP_MEMBERS}
    return {"@type": "PythonStep", **own, "pythonConfigs": {"default": code}}


def model_step(members: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return a step that runs a model."""
    rest = dict(members)
    path = rest.pop("modelLoadingPath", None) or rest.pop("path", None)
    types = {name: rest.pop(name) for name in ("inputDataTypes", "outputDataTypes") if name in rest}
    config = {
        "@type": MODELS[kind],
        "modelConfigType": {"modelType": kind, "modelLoadingPath": path},
        "tensorDataTypesConfig": types or None,
    }
    return {"@type": "ModelStep", **rest, "modelConfig": {name: one for name, one in config.items() if one is not None}}


def camel(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object whose members' names are written without underscores; inner ones only where they are Konduit's.

    `first_name` among the inputs of some code is a variable, and stays.
    """
    found = {}
    for name, value in members.items():
        renamed = UNDERSCORE.sub(lambda match: match[1].upper(), name)
        found[renamed] = camel(value) if renamed in NESTED and isinstance(value, Mapping) else value
    return found
