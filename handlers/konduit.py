"""Handlers of specs/konduit.yaml, Konduit Serving."""

# ruff: noqa: ARG001, N803 - the spec names the arguments; files are read from the request, under all their names.

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, cast

import orjson

from generated import konduit as api
from handlers import observability
from handlers.pipelines.largearray import LargeArray
from handlers.pipelines.rows import rows
from handlers.pipelines.service import Answer, check_room
from handlers.pipelines.values import Array
from handlers.pipelines.words import JSON, NUMPY, SCHEMA, Wish, wish_of
from handlers.services import services
from handlers.wire import Reply, request

BINARY = "application/octet-stream"


def get_config() -> api.InferenceConfiguration:
    """Read the configuration of the pipeline that is loaded."""
    return cast("api.InferenceConfiguration", services().pipelines.configuration.document)


def get_config_pretty() -> Reply:
    """Read the configuration, indented for people."""
    return Reply(body=orjson.dumps(get_config(), option=orjson.OPT_INDENT_2), content_type="application/json")


def check_health() -> None:
    """Tell whether the server answers."""


def get_metrics() -> Reply:
    """Read the server's metrics in the text format of Prometheus."""
    return Reply(body=observability.metrics().exposition(), content_type="text/plain; version=0.0.4; charset=utf-8")


def predict_with_schema(*, body: api.SchemaAndValues) -> Reply:
    """Run the pipeline on values that bring their own schema."""
    return run(Wish(comes=SCHEMA), body)


def read_array(*, arrayType: str) -> Reply:
    """Read the whole array."""
    return picked(LargeArray.whole, arrayType)


def read_array_indices(*, arrayType: str, body: api.Indices) -> Reply:
    """Read the rows with the given numbers, joined along the first axis."""
    return picked(lambda array: array.at(body), arrayType)


def read_array_range(*, start: int, stop: int, arrayType: str) -> Reply:
    """Read the rows from one number up to, but not including, another."""
    return picked(lambda array: array.between(start, stop), arrayType)


def predict_numpy(*, inputDataFormat: str, body: api.InputFiles) -> Reply:
    """Run the pipeline on files and answer with `.npy` files."""
    return run(wish_of(NUMPY, inputDataFormat, NUMPY), None)


def predict_nd4j(*, inputDataFormat: str, body: api.InputFiles) -> Reply:
    """Run the pipeline on files and answer with ND4J arrays."""
    return run(wish_of("ND4J", inputDataFormat, "ND4J"), None)


def predict_arrow(*, inputDataFormat: str, body: api.InputFiles) -> Reply:
    """Run the pipeline on files and answer with Arrow files."""
    return run(wish_of("ARROW", inputDataFormat, "ARROW"), None)


def predict_json(*, predictionType: str, shape: api.ReplyShape, body: api.RowOrRows) -> Reply:
    """Run the pipeline on rows of JSON."""
    return run(wish_of(predictionType, JSON, JSON, bare=shape == "bare"), body)


def predict_json_lower_case(*, predictionType: str, shape: api.ReplyShape, body: api.RowOrRows) -> Reply:
    """Run the pipeline on rows of JSON, by the path that Konduit's own clients write."""
    return predict_json(predictionType=predictionType, shape=shape, body=body)


def predict(*, predictionType: str, inputDataFormat: str, shape: api.ReplyShape, body: api.InputFiles) -> Reply:
    """Run the pipeline on files."""
    goes = services().pipelines.configuration.output_format
    accepted = request().headers.get("accept", "")
    if goes == JSON and accepted.startswith(BINARY):
        goes = NUMPY
    if accepted == "application/json":  # clients that are generated can read nothing else then
        goes = JSON
    return run(wish_of(predictionType, inputDataFormat, goes, bare=shape == "bare"), None)


def picked(pick: Callable[[LargeArray], Array], kind: str) -> Reply:
    """Answer with rows of the large array."""
    return answered(rows(services().pipelines.configuration, pick, kind))


def run(wish: Wish, value: Any) -> Reply:
    """Run the pipeline on a JSON value, or on the files of the request where there is none."""
    return answered(services().pipelines.ask(wish, files() if value is None else [("", as_json(value))]))


def as_json(value: Any) -> bytes:
    """Return a JSON value as it is handed over, with whole numbers of any length."""
    try:
        return orjson.dumps(value)
    except TypeError:  # these orjson does not write, nor what has more than 254 levels
        return json.dumps(value).encode()


def answered(answer: Answer) -> Reply:
    """Return what a pipeline says."""
    return Reply(body=answer.body, content_type=answer.content_type)


def files() -> list[tuple[str, bytes]]:
    """Return names and bytes of the files that were sent.

    Raises:
        TooLarge: They are more than a pipeline is given at once.
    """
    uploads = [upload for many in request().uploads.values() for upload in many]
    check_room(sum(upload.size for upload in uploads))
    return [(upload.field, upload.file.read()) for upload in uploads]
