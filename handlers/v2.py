"""Handlers of specs/v2.yaml, Open Inference Protocol."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from typing import Any, BinaryIO, Final, cast

from generated import v2 as api
from handlers.errors import InputInvalid
from handlers.models import inference
from handlers.models.records import Endpoint, Model
from handlers.models.tables import State
from handlers.models.tensors import NAMES
from handlers.services import services
from handlers.spec.documents import read_generated
from handlers.spec.schemas import Checker, Schemas
from handlers.wire import Reply, request

PAGE: Final = 200
EXTENSIONS: Final = ("binary_tensor_data", "model_repository")
STATES: Final = {State.IN_SERVICE: "READY", State.CREATING: "LOADING"}
DATATYPES: Final = {
    **dict.fromkeys(("int", "uint", "integer", "long", "short", "byte"), "INT64"),
    **dict.fromkeys(("float", "double", "number"), "FP64"),
    **dict.fromkeys(("bool", "boolean"), "BOOL"),
}


def server_metadata() -> api.ServerMetadata:
    """Tell what this server is."""
    return {"name": "seamark", "version": version("seamark"), "extensions": list(EXTENSIONS)}


def server_live() -> api.Live:
    """Tell that the server answers."""
    return {"live": True}


def server_ready() -> api.Ready:
    """Tell that models can be asked."""
    services().models.registry.models(limit=1, offset=0)
    return {"ready": True}


def repository_index(*, body: api.IndexRequest | None = None) -> list[api.IndexEntry]:
    """List all models and their versions."""
    only_ready, found, offset = bool((body or {}).get("ready")), [], 0
    registry = services().models.registry
    while page := registry.endpoints(limit=PAGE, offset=offset):
        found += [as_entry(endpoint) for endpoint in page]
        offset += len(page)
    return [entry for entry in reversed(found) if entry["state"] == "READY" or not only_ready]


def model_metadata(*, model_name: str) -> api.ModelMetadata:
    """Tell what a model takes and gives."""
    model = services().models.registry.named(model_name)
    return described(model, services().models.traffic.current(model))


def model_ready(*, model_name: str) -> api.ModelReady:
    """Tell that a model can be asked."""
    model = services().models.registry.named(model_name)
    return ready(model, services().models.traffic.current(model))


def model_infer(*, model_name: str, body: BinaryIO | api.InferenceRequest) -> Reply:
    """Ask a model."""
    return infer(*services().models.traffic.pick(model_name), body)


def version_metadata(*, model_name: str, model_version: str) -> api.ModelMetadata:
    """Tell what a version of a model takes and gives."""
    return described(*services().models.traffic.version(model_name, model_version))


def version_ready(*, model_name: str, model_version: str) -> api.ModelReady:
    """Tell that a version of a model can be asked."""
    return ready(*services().models.traffic.version(model_name, model_version))


def version_infer(*, model_name: str, model_version: str, body: BinaryIO | api.InferenceRequest) -> Reply:
    """Ask a version of a model."""
    return infer(*services().models.traffic.version(model_name, model_version), body)


def infer(model: Model, endpoint: Endpoint, body: Any) -> Reply:
    """Ask a version of a model, in the form in which the request came."""
    here = request()
    message = inference.read(body, here.stream, here.headers.get(inference.HEADER.lower()), check)
    return inference.infer(message, model, endpoint, services().models.predictor)


def check(document: Any) -> None:
    """Refuse an object that came with bytes behind it, and which the gateway has not seen.

    Raises:
        InputInvalid: It breaks the schema.
    """
    if faults := checker().faults(document, "body"):
        raise InputInvalid(faults=faults)


@cache
def checker() -> Checker:
    """Return what checks requests."""
    (found,) = read_generated(["v2"])
    return Schemas(found.document).compile({"$ref": "#/components/schemas/InferenceRequest"})


def ready(model: Model, endpoint: Endpoint) -> api.ModelReady:
    """Tell that a version of a model can be asked.

    Raises:
        Conflict, Unavailable: It cannot.
    """
    services().models.predictor.serving(endpoint.id, time.monotonic())
    return {"name": model.name, "ready": True}


def described(model: Model, endpoint: Endpoint) -> api.ModelMetadata:
    """Return what a version of a model takes and gives."""
    known = endpoint.known or {}
    features = model.input_schema or known.get("features") or ()
    outputs = known.get("output_schema") or {}
    return {
        "name": model.name,
        "versions": list(model.endpoints),
        "platform": endpoint.format,
        "inputs": [tensor(feature["name"], feature["type"]) for feature in features],
        "outputs": [
            tensor(NAMES.get(name, name), kind_of(one), width_of(name, outputs)) for name, one in outputs.items()
        ],
    }


def tensor(name: str, kind: str, width: int = 1) -> api.TensorMetadata:
    """Return what is known of a tensor; the type is one that Python, NumPy or JSON Schema knows."""
    word = kind.lower().rstrip("_").rstrip("0123456789")
    return cast("api.TensorMetadata", {"name": name, "datatype": DATATYPES.get(word, "BYTES"), "shape": [-1, width]})


def kind_of(schema: Mapping[str, Any]) -> str:
    """Return the type of what an output holds."""
    inner = schema.get("items", schema)
    return str(inner.get("type", "number")) if isinstance(inner, Mapping) else "number"


def width_of(name: str, outputs: Mapping[str, Any]) -> int:
    """Return how many values an output has for each row; -1: it is not known."""
    if name != "scores":
        return 1
    classes = (outputs.get("predictions") or {}).get("enum")
    return len(classes) if classes else -1


def as_entry(endpoint: Endpoint) -> api.IndexEntry:
    """Return a version of a model as the index lists it."""
    state = STATES.get(endpoint.status, "UNAVAILABLE")
    entry = {"name": endpoint.name, "version": endpoint.id, "state": state, "reason": endpoint.problem or ""}
    return cast("api.IndexEntry", entry)
