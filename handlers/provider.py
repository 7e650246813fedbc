"""Handlers of specs/provider.yaml, Ocean Provider."""

# ruff: noqa: ARG001, N803, PLR0913 - the spec names the arguments, and nothing reads them yet.

from __future__ import annotations

from typing import NoReturn

from generated import provider as api
from handlers.errors import NotBuilt


def get_provider() -> NoReturn:
    """Tell who this provider is and which addresses it serves."""
    raise NotBuilt("get_provider is not built yet.")


def read_nonce(*, userAddress: api.Address) -> NoReturn:
    """Tell the nonce that an address has to sign next."""
    raise NotBuilt("read_nonce is not built yet.")


def read_nonce_by_post(*, userAddress: api.OptionalAddress) -> NoReturn:
    """Tell the nonce that an address has to sign next, asked by POST."""
    raise NotBuilt("read_nonce_by_post is not built yet.")


def encrypt(
    *,
    documentId: api.OptionalDid,
    publisherAddress: api.OptionalAddress,
    document: api.FileDocument,
    signature: api.OptionalSignature | None = None,
) -> NoReturn:
    """Encrypt the addresses of an asset's files."""
    raise NotBuilt("encrypt is not built yet.")


def encrypt_by_get(
    *, documentId: api.Did, publisherAddress: api.Address, document: str, signature: api.OptionalSignature | None = None
) -> NoReturn:
    """Encrypt the addresses of an asset's files, asked by GET."""
    raise NotBuilt("encrypt_by_get is not built yet.")


def inspect_files(
    *, url: api.FileUrl | None = None, did: api.OptionalDid | None = None, checksum: api.Switch | None = None
) -> NoReturn:
    """Tell whether files can be had, and how large they are."""
    raise NotBuilt("inspect_files is not built yet.")


def initialize(
    *,
    documentId: api.Did,
    consumerAddress: api.Address,
    serviceId: api.OptionalIndex | None = None,
    serviceType: api.ServiceType | None = None,
    dataToken: api.OptionalAddress | None = None,
    userdata: api.UserdataOrText | None = None,
) -> NoReturn:
    """Quote the price of a service."""
    raise NotBuilt("initialize is not built yet.")


def initialize_by_post(
    *,
    documentId: api.OptionalDid,
    consumerAddress: api.OptionalAddress,
    serviceId: api.OptionalIndex | None = None,
    serviceType: api.ServiceType | None = None,
    dataToken: api.OptionalAddress | None = None,
    userdata: api.UserdataOrText | None = None,
) -> NoReturn:
    """Quote the price of a service, asked by POST."""
    raise NotBuilt("initialize_by_post is not built yet.")


def download(
    *,
    documentId: api.Did,
    fileIndex: api.FileIndex,
    signature: api.Signature,
    consumerAddress: api.Address,
    serviceId: api.OptionalIndex | None = None,
    serviceType: api.ServiceType | None = None,
    dataToken: api.OptionalAddress | None = None,
    transferTxId: api.TransactionHash | None = None,
    transactionId: api.TransactionHash | None = None,
    userdata: api.UserdataOrText | None = None,
) -> NoReturn:
    """Fetch a file of an asset."""
    raise NotBuilt("download is not built yet.")


def download_by_post(
    *,
    documentId: api.OptionalDid,
    fileIndex: api.OptionalIndex,
    signature: api.OptionalSignature,
    consumerAddress: api.OptionalAddress,
    serviceId: api.OptionalIndex | None = None,
    serviceType: api.ServiceType | None = None,
    dataToken: api.OptionalAddress | None = None,
    transferTxId: api.TransactionHash | None = None,
    transactionId: api.TransactionHash | None = None,
    userdata: api.UserdataOrText | None = None,
) -> NoReturn:
    """Fetch a file of an asset, asked by POST."""
    raise NotBuilt("download_by_post is not built yet.")


def start_compute(
    *,
    signature: api.OptionalSignature,
    documentId: api.OptionalDid,
    consumerAddress: api.OptionalAddress,
    output: api.ComputeOutputOrText | None = None,
    algorithmDid: api.OptionalDid | None = None,
    algorithmDID: api.OptionalDid | None = None,
    algorithmMeta: api.AlgorithmMetaOrText | None = None,
    jobId: api.OptionalComputeJobId | None = None,
    transferTxId: api.TransactionHash | None = None,
    transactionId: api.TransactionHash | None = None,
    serviceId: api.OptionalIndex | None = None,
    serviceType: api.ServiceType | None = None,
    dataToken: api.OptionalAddress | None = None,
    algorithmDataToken: api.OptionalAddress | None = None,
    algorithmTransferTxId: api.TransactionHash | None = None,
    additionalInputs: api.AdditionalInputsOrText | None = None,
    userdata: api.UserdataOrText | None = None,
    algouserdata: api.UserdataOrText | None = None,
) -> NoReturn:
    """Start a compute job, or restart a stopped one."""
    raise NotBuilt("start_compute is not built yet.")


def read_compute(
    *,
    signature: api.OptionalSignature | None = None,
    documentId: api.OptionalDid | None = None,
    jobId: api.OptionalComputeJobId | None = None,
    consumerAddress: api.OptionalAddress | None = None,
    owner: api.OptionalAddress | None = None,
    transferTxId: api.TransactionHash | None = None,
    transactionId: api.TransactionHash | None = None,
) -> NoReturn:
    """Tell how far compute jobs have come, and where their results are."""
    raise NotBuilt("read_compute is not built yet.")


def stop_compute(
    *,
    signature: api.OptionalSignature,
    documentId: api.OptionalDid | None = None,
    jobId: api.OptionalComputeJobId | None = None,
    consumerAddress: api.OptionalAddress | None = None,
    owner: api.OptionalAddress | None = None,
    transferTxId: api.TransactionHash | None = None,
    transactionId: api.TransactionHash | None = None,
) -> NoReturn:
    """Stop compute jobs."""
    raise NotBuilt("stop_compute is not built yet.")


def delete_compute(
    *,
    signature: api.OptionalSignature,
    documentId: api.OptionalDid | None = None,
    jobId: api.OptionalComputeJobId | None = None,
    consumerAddress: api.OptionalAddress | None = None,
    owner: api.OptionalAddress | None = None,
    transferTxId: api.TransactionHash | None = None,
    transactionId: api.TransactionHash | None = None,
) -> NoReturn:
    """Delete compute jobs and all that belongs to them."""
    raise NotBuilt("delete_compute is not built yet.")


def start_any_compute(
    *,
    signature: api.OptionalSignature,
    consumerAddress: api.OptionalAddress,
    documentId: api.OptionalDid | None = None,
    serviceAgreementId: api.OptionalAgreementId | None = None,
    output: api.ComputeOutputOrText | None = None,
    algorithmDid: api.OptionalDid | None = None,
    algorithmDID: api.OptionalDid | None = None,
    algorithmMeta: api.AlgorithmMetaOrText | None = None,
    jobId: api.OptionalComputeJobId | None = None,
    transferTxId: api.TransactionHash | None = None,
    transactionId: api.TransactionHash | None = None,
    serviceId: api.OptionalIndex | None = None,
    serviceType: api.ServiceType | None = None,
    dataToken: api.OptionalAddress | None = None,
    algorithmDataToken: api.OptionalAddress | None = None,
    algorithmTransferTxId: api.TransactionHash | None = None,
    additionalInputs: api.AdditionalInputsOrText | None = None,
    userdata: api.UserdataOrText | None = None,
    algouserdata: api.UserdataOrText | None = None,
) -> NoReturn:
    """Start or restart a compute job of Provider or of Brizo."""
    raise NotBuilt("start_any_compute is not built yet.")


def read_any_compute(
    *,
    signature: api.OptionalSignature | None = None,
    documentId: api.OptionalDid | None = None,
    serviceAgreementId: api.OptionalAgreementId | None = None,
    jobId: api.OptionalComputeJobId | None = None,
    consumerAddress: api.OptionalAddress | None = None,
    owner: api.OptionalAddress | None = None,
    transferTxId: api.TransactionHash | None = None,
    transactionId: api.TransactionHash | None = None,
) -> NoReturn:
    """Tell how far compute jobs of Provider or of Brizo have come."""
    raise NotBuilt("read_any_compute is not built yet.")


def stop_any_compute(
    *,
    signature: api.OptionalSignature,
    documentId: api.OptionalDid | None = None,
    serviceAgreementId: api.OptionalAgreementId | None = None,
    jobId: api.OptionalComputeJobId | None = None,
    consumerAddress: api.OptionalAddress | None = None,
    owner: api.OptionalAddress | None = None,
    transferTxId: api.TransactionHash | None = None,
    transactionId: api.TransactionHash | None = None,
) -> NoReturn:
    """Stop compute jobs of Provider or of Brizo."""
    raise NotBuilt("stop_any_compute is not built yet.")


def delete_any_compute(
    *,
    signature: api.OptionalSignature,
    documentId: api.OptionalDid | None = None,
    serviceAgreementId: api.OptionalAgreementId | None = None,
    jobId: api.OptionalComputeJobId | None = None,
    consumerAddress: api.OptionalAddress | None = None,
    owner: api.OptionalAddress | None = None,
    transferTxId: api.TransactionHash | None = None,
    transactionId: api.TransactionHash | None = None,
) -> NoReturn:
    """Delete compute jobs of Provider or of Brizo."""
    raise NotBuilt("delete_any_compute is not built yet.")
