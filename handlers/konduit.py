"""Handlers of specs/konduit.yaml, Konduit Serving."""

# ruff: noqa: ARG001, N803 - the spec names the arguments, and nothing reads them yet.

from __future__ import annotations

from typing import NoReturn

from generated import konduit as api
from handlers.errors import NotBuilt


def get_config() -> NoReturn:
    """Read the configuration of the pipeline that is loaded."""
    raise NotBuilt("get_config is not built yet.")


def get_config_pretty() -> NoReturn:
    """Read the configuration, indented for people."""
    raise NotBuilt("get_config_pretty is not built yet.")


def check_health() -> NoReturn:
    """Tell whether the server answers."""
    raise NotBuilt("check_health is not built yet.")


def get_metrics() -> NoReturn:
    """Read the server's metrics in the text format of Prometheus."""
    raise NotBuilt("get_metrics is not built yet.")


def predict_with_schema(*, body: api.SchemaAndValues) -> NoReturn:
    """Run the pipeline on values that bring their own schema."""
    raise NotBuilt("predict_with_schema is not built yet.")


def read_array(*, arrayType: str) -> NoReturn:
    """Read the whole array."""
    raise NotBuilt("read_array is not built yet.")


def read_array_indices(*, arrayType: str, body: api.Indices) -> NoReturn:
    """Read the rows with the given numbers, joined along the first axis."""
    raise NotBuilt("read_array_indices is not built yet.")


def read_array_range(*, start: int, stop: int, arrayType: str) -> NoReturn:
    """Read the rows from one number up to, but not including, another."""
    raise NotBuilt("read_array_range is not built yet.")


def predict_numpy(*, inputDataFormat: str, body: api.InputFiles) -> NoReturn:
    """Run the pipeline on files and answer with `.npy` files."""
    raise NotBuilt("predict_numpy is not built yet.")


def predict_nd4j(*, inputDataFormat: str, body: api.InputFiles) -> NoReturn:
    """Run the pipeline on files and answer with ND4J arrays."""
    raise NotBuilt("predict_nd4j is not built yet.")


def predict_arrow(*, inputDataFormat: str, body: api.InputFiles) -> NoReturn:
    """Run the pipeline on files and answer with Arrow files."""
    raise NotBuilt("predict_arrow is not built yet.")


def predict_json(*, predictionType: str, shape: api.ReplyShape, body: api.RowOrRows) -> NoReturn:
    """Run the pipeline on rows of JSON."""
    raise NotBuilt("predict_json is not built yet.")


def predict_json_lower_case(*, predictionType: str, shape: api.ReplyShape, body: api.RowOrRows) -> NoReturn:
    """Run the pipeline on rows of JSON, by the path that Konduit's own clients write."""
    raise NotBuilt("predict_json_lower_case is not built yet.")


def predict(*, predictionType: str, inputDataFormat: str, shape: api.ReplyShape, body: api.InputFiles) -> NoReturn:
    """Run the pipeline on files."""
    raise NotBuilt("predict is not built yet.")
