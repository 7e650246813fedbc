"""Handlers of specs/brizo.yaml, Brizo."""

# ruff: noqa: N803 - the spec names the arguments.

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from generated import brizo as api
from handlers.assets import params
from handlers.compute import requests
from handlers.compute.records import ComputeJob, Which
from handlers.services import services
from handlers.wire import Reply, request


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
) -> list[api.ComputeJob]:
    """Start a compute job, or restart a stopped one."""
    wanted = requests.wish(
        consumer=consumerAddress, algorithms=[algorithmDid, algorithmDID], meta=algorithmMeta, output=output
    )
    agreement = params.needed("serviceAgreementId", serviceAgreementId)
    proof = params.needed("signature", signature)
    meant = requests.which(job=jobId, subject=agreement, owners=[consumerAddress], signature=proof)
    return told([services().compute.brizo.start(meant, wanted, request().caller)])


def read_compute(
    *,
    signature: api.OptionalSignature | None = None,
    serviceAgreementId: api.OptionalAgreementId | None = None,
    jobId: api.OptionalComputeJobId | None = None,
    consumerAddress: api.OptionalAddress | None = None,
    owner: api.OptionalAddress | None = None,
) -> list[api.ComputeJob]:
    """Tell how far compute jobs have come, and where their results are."""
    meant = requests.which(job=jobId, subject=serviceAgreementId, owners=[consumerAddress, owner], signature=signature)
    jobs, owned = services().compute.brizo.find(meant)
    return told(jobs, owner=owned)


def stop_compute(
    *,
    signature: api.OptionalSignature,
    serviceAgreementId: api.OptionalAgreementId | None = None,
    jobId: api.OptionalComputeJobId | None = None,
    consumerAddress: api.OptionalAddress | None = None,
    owner: api.OptionalAddress | None = None,
) -> list[api.ComputeJob]:
    """Stop compute jobs."""
    meant = requests.which(job=jobId, subject=serviceAgreementId, owners=[consumerAddress, owner], signature=signature)
    return told(services().compute.brizo.stop(meant))


def delete_compute(
    *,
    signature: api.OptionalSignature,
    serviceAgreementId: api.OptionalAgreementId | None = None,
    jobId: api.OptionalComputeJobId | None = None,
    consumerAddress: api.OptionalAddress | None = None,
    owner: api.OptionalAddress | None = None,
) -> list[api.ComputeJob]:
    """Delete compute jobs and all that belongs to them."""
    meant = requests.which(job=jobId, subject=serviceAgreementId, owners=[consumerAddress, owner], signature=signature)
    return told(services().compute.brizo.delete(meant))


def read_result(
    *,
    jobId: str,
    index: int,
    consumerAddress: api.OptionalAddress | None = None,
    signature: api.OptionalSignature | None = None,
    expires: int | None = None,
    token: str | None = None,
) -> Reply:
    """Fetch a file that a compute job has left."""
    compute = services().compute
    meant = Which(job=jobId, owner=consumerAddress or "", signature=signature or "")
    return compute.results.fetch(compute.brizo_door, meant, index, (expires, token), request())


def told(jobs: Sequence[ComputeJob], *, owner: bool = True) -> list[api.ComputeJob]:
    """Return what is told of jobs, to their owner or to somebody else."""
    here = request()
    address = f"{here.base_url}{here.mount}/api/v1/brizo/services/computeResult"
    return cast("list[api.ComputeJob]", services().compute.documents.all(jobs, address, owner=owner))
