"""What each kind of step is set to do: the members of its configuration, checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from handlers.pipelines.checks import Node, is_whole, kind_of
from handlers.pipelines.imagetypes import image_settings

PYTHON_TYPES: Final = ("BOOL", "STR", "INT", "FLOAT", "NDARRAY", "LIST", "DICT")
TENSOR_TYPES: Final[Mapping[str, str]] = {
    "FLOAT": "float32",
    "DOUBLE": "float64",
    "FLOAT16": "float16",
    "HALF": "float16",
    "INT8": "int8",
    "BYTE": "int8",
    "INT16": "int16",
    "SHORT": "int16",
    "INT": "int32",
    "INT32": "int32",
    "LONG": "int64",
    "INT64": "int64",
    "UINT8": "uint8",
    "UBYTE": "uint8",
    "UINT16": "uint16",
    "UINT32": "uint32",
    "UINT64": "uint64",
    "BOOL": "bool",
    "BOOLEAN": "bool",
    "STRING": "str",
}


@dataclass(frozen=True, kw_only=True)
class PythonSettings:
    """A piece of Python; its place is where its faults are told."""

    place: str
    code: str
    code_path: str
    paths: tuple[str, ...]
    inputs: Mapping[str, str]  #: type of each variable, by its name
    outputs: Mapping[str, str]
    extra: Mapping[str, str]  #: variables that may be there
    return_inputs: bool
    setup_and_run: bool


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """A model and what is done to its arrays."""

    place: str
    kind: str  #: ONNX, PMML, TENSORFLOW, ...
    path: str
    input_types: Mapping[str, str]  #: types as NumPy calls them
    output_types: Mapping[str, str]
    normalization: Node


@dataclass(frozen=True, kw_only=True)
class TransformSettings:
    """Processes of DataVec, by the name of the input."""

    processes: Mapping[str, Node]


@dataclass(frozen=True, kw_only=True)
class ConcatenationSettings:
    """The axis along which arrays are joined, by the number of the input."""

    axes: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class NoSettings:
    """Nothing can be set."""


def python_settings(step: Node) -> Mapping[str, PythonSettings]:
    """Return the code for each input."""
    configs = step.members("pythonConfigs")
    if not configs:
        step.wrong("There is no code: 'pythonConfigs' is missing or empty.")
    return {name: code_settings(node) for name, node in configs.items()}


def code_settings(node: Node) -> PythonSettings:
    """Return one piece of Python."""
    if not isinstance(node.value, dict):
        node.wrong("This is no object.")
    code, path = node.text("pythonCode"), node.text("pythonCodePath")
    if bool(code) == bool(path):
        node.wrong("Either 'pythonCode' or 'pythonCodePath' says what is run, and not both.")
    found = PythonSettings(
        place=node.place,
        code=code,
        code_path=path,
        paths=python_paths(node),
        inputs=python_variables(node, "pythonInputs"),
        outputs=python_variables(node, "pythonOutputs"),
        extra=python_variables(node, "extraInputs"),
        return_inputs=node.flag("returnAllInputs"),
        setup_and_run=node.flag("setupAndRun"),
    )
    if not found.outputs and not found.return_inputs:
        node.wrong("Nothing is returned: 'pythonOutputs' names no variable, and 'returnAllInputs' is not set.")
    return found


def python_paths(node: Node) -> tuple[str, ...]:
    """Return the folders in which the code's modules are; in a text they are separated by a colon or semicolon."""
    return tuple(
        part.strip() for text in node.texts("pythonPath") for part in text.replace(";", ":").split(":") if part.strip()
    )


def python_variables(node: Node, member: str) -> dict[str, str]:
    """Return the type of each variable."""
    found = {}
    inner = node.at(member)
    for name in node.texts_by_name(member):
        if not name.isidentifier():
            inner.wrong("This is no name of a variable.", name)
        found[name] = inner.word(name, PYTHON_TYPES, "STR")
    return found


def model_settings(step: Node) -> ModelSettings:
    """Return the model of a step."""
    config = step.at("modelConfig")
    if not isinstance(config.value, dict):
        step.wrong("There is no model: 'modelConfig' is missing or no object.")
    about = config.at("modelConfigType")
    kind = about.text("modelType").upper() or config.text("@type").removesuffix("Config").upper()
    path = about.text("modelLoadingPath") or config.text("path")
    if not path and isinstance(config.value, dict):
        about.wrong("'modelLoadingPath' is missing.")
    types = config.at("tensorDataTypesConfig")
    return ModelSettings(
        place=config.place,
        kind=kind,
        path=path,
        input_types=tensor_types(types, "inputDataTypes"),
        output_types=tensor_types(types, "outputDataTypes"),
        normalization=step.at("normalizationConfig"),
    )


def tensor_types(node: Node, member: str) -> dict[str, str]:
    """Return the type of each array as NumPy calls it."""
    inner = node.at(member)
    return {name: TENSOR_TYPES[inner.word(name, TENSOR_TYPES, "FLOAT")] for name in node.texts_by_name(member)}


def transform_settings(step: Node) -> TransformSettings:
    """Return the processes of a step."""
    processes = step.members("transformProcesses")
    if not processes:
        step.wrong("There is no process: 'transformProcesses' is missing or empty.")
    for node in processes.values():
        if not isinstance(node.value, dict):
            node.wrong(f"This is {kind_of(node.value)}, and not the object that DataVec's JSON is.")
    return TransformSettings(processes=processes)


def concatenation_settings(step: Node) -> ConcatenationSettings:
    """Return along which axes arrays are joined."""
    axes = {}
    for number, node in step.members("concatDimensions").items():
        if number.isdigit() and is_whole(node.value):
            axes[int(number)] = node.value
        else:
            node.wrong("This is no number of an input and of an axis.")
    return ConcatenationSettings(axes=axes)


def no_settings(_step: Node) -> NoSettings:
    """Return nothing."""
    return NoSettings()


KINDS: Final[Mapping[str, Callable[[Node], Any]]] = {
    "PythonStep": python_settings,
    "TransformProcessStep": transform_settings,
    "ImageLoadingStep": image_settings,
    "ModelStep": model_settings,
    "PmmlStep": model_settings,
    "ArrayConcatenationStep": concatenation_settings,
    "JsonExpanderTransformStep": no_settings,
    "CustomPipelineStep": no_settings,
}
