"""Handlers of specs/ops.yaml, the Open Prediction Service."""

# ruff: noqa: ARG001 - the spec names the arguments, and nothing reads them yet.

from __future__ import annotations

from typing import NoReturn

from generated import ops as api
from handlers.errors import NotBuilt


def get_capabilities() -> NoReturn:
    """Tell what the service is able to do."""
    raise NotBuilt("get_capabilities is not built yet.")


def get_info() -> NoReturn:
    """Tell how the service is and what it runs on."""
    raise NotBuilt("get_info is not built yet.")


def list_models(*, limit: int, offset: int, total_count: bool) -> NoReturn:
    """List the models, page by page."""
    raise NotBuilt("list_models is not built yet.")


def add_model(*, body: api.ModelCreation) -> NoReturn:
    """Add a model that has no endpoint yet."""
    raise NotBuilt("add_model is not built yet.")


def upload_model(*, body: api.SerializedModel) -> NoReturn:
    """Add a model and its endpoint from one file."""
    raise NotBuilt("upload_model is not built yet.")


def get_model_by_id(*, model_id: str) -> NoReturn:
    """Read one model."""
    raise NotBuilt("get_model_by_id is not built yet.")


def upload_model_with_id(*, model_id: str, body: api.SerializedModel) -> NoReturn:
    """Put a file of this model into service as a new endpoint."""
    raise NotBuilt("upload_model_with_id is not built yet.")


def update_model_by_model_id(*, model_id: str, body: api.ModelUpdate) -> NoReturn:
    """Change what is known of a model."""
    raise NotBuilt("update_model_by_model_id is not built yet.")


def delete_model_by_model_id(*, model_id: str) -> NoReturn:
    """Remove a model, its endpoints and its files."""
    raise NotBuilt("delete_model_by_model_id is not built yet.")


def get_binary_by_id(*, model_id: str) -> NoReturn:
    """Download the file of a model."""
    raise NotBuilt("get_binary_by_id is not built yet.")


def get_metadata_by_id(*, model_id: str) -> NoReturn:
    """Tell what kind of model the file of a model holds."""
    raise NotBuilt("get_metadata_by_id is not built yet.")


def list_endpoints(*, limit: int, offset: int, total_count: bool, model_id: str | None = None) -> NoReturn:
    """List the endpoints, page by page."""
    raise NotBuilt("list_endpoints is not built yet.")


def get_endpoint_by_id(*, endpoint_id: str) -> NoReturn:
    """Read one endpoint and its status."""
    raise NotBuilt("get_endpoint_by_id is not built yet.")


def update_endpoint_by_endpoint_id(*, endpoint_id: str, body: api.EndpointUpdate) -> NoReturn:
    """Rename an endpoint, describe it, or take it in or out of service."""
    raise NotBuilt("update_endpoint_by_endpoint_id is not built yet.")


def delete_endpoint_by_id(*, endpoint_id: str) -> NoReturn:
    """Remove an endpoint and its file; the model stays."""
    raise NotBuilt("delete_endpoint_by_id is not built yet.")


def prediction(*, body: api.Prediction) -> NoReturn:
    """Ask an endpoint for a prediction."""
    raise NotBuilt("prediction is not built yet.")
