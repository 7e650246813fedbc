"""The document of Konduit's API for the pipeline that is loaded: with the names that its callers have to use.

Clients that are generated from it have an argument for each input, where those of the general document have none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from handlers.pipelines.config import Configuration, read_configuration
from handlers.settings import Settings
from handlers.spec.documents import Api

NAME: Final = "konduit"
FILE: Final = {"type": "string", "format": "binary", "description": "A file in the format that the path names."}
TYPES: Final[Mapping[str, Mapping[str, Any]]] = {
    "String": {"type": "string"},
    "Categorical": {"type": "string"},
    "Integer": {"type": "integer", "format": "int32"},
    "Long": {"type": "integer", "format": "int64"},
    "Float": {"type": "number", "format": "float"},
    "Double": {"type": "number", "format": "double"},
    "Boolean": {"type": "boolean"},
    "NDArray": {"type": "array", "items": {}, "description": "An array as nested lists."},
}


def of_pipeline(api: Api, settings: Settings) -> Api:
    """Return an API as it is for the pipeline that is loaded; other APIs, and without a pipeline, as they are.

    Raises:
        Unusable: The configuration has faults.
    """
    if api.name != NAME or settings.konduit is None:
        return api
    return replace(api, document=tailored(api.document, read_configuration(settings.konduit)))


def tailored(document: Mapping[str, Any], configuration: Configuration) -> dict[str, Any]:
    """Return the general document with the inputs and columns of a pipeline."""
    components = dict(document["components"])
    schemas = dict(components["schemas"])
    schemas["InputFiles"] = files(configuration.input_names)
    if configuration.columns:
        schemas["Row"] = row(configuration.columns, configuration.extra_columns)
    components["schemas"] = schemas
    return {**document, "components": components}


def files(names: list[str]) -> dict[str, Any]:
    """Return the schema of an upload: a file for each input; several for one are numbered, as `x[0]`."""
    return {
        "description": "A file for each input of the pipeline; several for the input `x` are named `x[0]`, `x[1]`, ….",
        "type": "object",
        "required": names,
        "properties": {name: FILE for name in names},
        "additionalProperties": True,
    }


def row(columns: Mapping[str, str], extras: Mapping[str, str]) -> dict[str, Any]:
    """Return the schema of a row with *columns*, whose types are by name; it need not have *extras*."""
    needed = [name for name in columns if name not in extras]
    return {
        "description": "A value for each column of the pipeline's input.",
        "type": "object",
        **({"required": needed} if needed else {}),
        "properties": {name: dict(TYPES.get(kind, {})) for name, kind in {**extras, **columns}.items()},
    }
