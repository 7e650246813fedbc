"""Handlers of specs/brizo.yaml, Brizo."""

# ruff: noqa: ARG001, N803 - the spec names the arguments, and nothing reads them yet.

from __future__ import annotations

from typing import NoReturn

from generated import brizo as api
from handlers.errors import NotBuilt


def start_compute(
    *,
    signature: api.OptionalSignature,
    serviceAgreementId: api.OptionalAgreementId,
    consumerAddress: api.OptionalAddress,
    output: api.ComputeOutputOrText | None = None,
    algorithmDid: api.OptionalDid | None = None,
    algorithmDID: api.OptionalDid | None = None,
    algorithmMeta: api.AlgorithmMetaOrText | None = None,
    jobId: api.OptionalComputeJobId | None = None,
) -> NoReturn:
    """Start a compute job, or restart a stopped one."""
    raise NotBuilt("start_compute is not built yet.")


def read_compute(
    *,
    signature: api.OptionalSignature | None = None,
    serviceAgreementId: api.OptionalAgreementId | None = None,
    jobId: api.OptionalComputeJobId | None = None,
    consumerAddress: api.OptionalAddress | None = None,
    owner: api.OptionalAddress | None = None,
) -> NoReturn:
    """Tell how far compute jobs have come, and where their results are."""
    raise NotBuilt("read_compute is not built yet.")


def stop_compute(
    *,
    signature: api.OptionalSignature,
    serviceAgreementId: api.OptionalAgreementId | None = None,
    jobId: api.OptionalComputeJobId | None = None,
    consumerAddress: api.OptionalAddress | None = None,
    owner: api.OptionalAddress | None = None,
) -> NoReturn:
    """Stop compute jobs."""
    raise NotBuilt("stop_compute is not built yet.")


def delete_compute(
    *,
    signature: api.OptionalSignature,
    serviceAgreementId: api.OptionalAgreementId | None = None,
    jobId: api.OptionalComputeJobId | None = None,
    consumerAddress: api.OptionalAddress | None = None,
    owner: api.OptionalAddress | None = None,
) -> NoReturn:
    """Delete compute jobs and all that belongs to them."""
    raise NotBuilt("delete_compute is not built yet.")
