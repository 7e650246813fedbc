"""Handlers of specs/provider.yaml, Ocean Provider."""

# ruff: noqa: N803, PLR0913 - the spec names the arguments, and nothing reads some of them yet.

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from importlib.metadata import version
from typing import Any, Final, cast

from generated import provider as api
from handlers.assets import params
from handlers.assets.access import Claim
from handlers.assets.shop import Quote
from handlers.compute import requests
from handlers.compute.records import ComputeJob, Which
from handlers.services import services
from handlers.wire import Reply, request

ENDPOINTS: Final = {
    "nonce": "GET nonce",
    "encrypt": "POST encrypt",
    "fileinfo": "POST fileinfo",
    "initialize": "GET initialize",
    "download": "GET download",
    "computeStart": "POST compute",
    "computeStatus": "GET compute",
    "computeStop": "PUT compute",
    "computeDelete": "DELETE compute",
    "computeResult": "GET computeResult",
}


def get_provider() -> api.Provider:
    """Tell who this provider is and which addresses it serves."""
    shop, mount, settings = services().shop, request().mount, services().settings
    pairs = {name: text.split(" ") for name, text in ENDPOINTS.items()}
    return {
        "software": "Seamark",
        "version": version("seamark"),
        "chainId": shop.chain_id(),
        "providerAddress": shop.address(),
        "computeAddress": shop.address() or None,
        "computeLimits": {"algoTimeLimit": int(settings.compute_time_s), "storageExpiry": settings.job_retention_s},
        "serviceEndpoints": {name: [verb, f"{mount}/api/v1/services/{path}"] for name, (verb, path) in pairs.items()},
    }


def read_nonce(*, userAddress: api.Address) -> api.Nonce:
    """Tell the nonce that an address has to sign next."""
    return {"nonce": services().nonces.read(params.needed("userAddress", userAddress))}


def read_nonce_by_post(*, userAddress: api.OptionalAddress) -> api.Nonce:
    """Tell the nonce that an address has to sign next, asked by POST."""
    return {"nonce": services().nonces.read(params.needed("userAddress", userAddress))}


def encrypt(
    *,
    documentId: api.OptionalDid,
    publisherAddress: api.OptionalAddress,
    document: api.FileDocument,
    signature: api.OptionalSignature | None = None,
) -> tuple[api.EncryptedDocument, int]:
    """Encrypt the addresses of an asset's files."""
    did = params.needed("documentId", documentId)
    publisher = params.needed("publisherAddress", publisherAddress)
    if signature:
        services().proofs.check(publisher, signature, did)
    else:
        services().limits.call("encrypt", request().remote_address)
    return {"encryptedDocument": services().shop.seal(document, did)}, HTTPStatus.CREATED


def encrypt_by_get(
    *, documentId: api.Did, publisherAddress: api.Address, document: str, signature: api.OptionalSignature | None = None
) -> tuple[api.EncryptedDocument, int]:
    """Encrypt the addresses of an asset's files, asked by GET."""
    return encrypt(documentId=documentId, publisherAddress=publisherAddress, document=document, signature=signature)


def inspect_files(
    *, url: api.FileUrl | None = None, did: api.OptionalDid | None = None, checksum: api.Switch | None = None
) -> Any:
    """Tell whether files can be had, and how large they are."""
    services().limits.call("fileinfo", request().remote_address)
    shop, whole = services().shop, params.switch(checksum)
    if did:
        return shop.inspect(shop.files_of(did), checksum=whole)
    found = shop.inspect(shop.file_at(params.needed("url", url)), checksum=whole)
    return found or [{"index": 0, "valid": False}]


def initialize(
    *,
    documentId: api.OptionalDid,
    consumerAddress: api.OptionalAddress,
    serviceId: api.OptionalIndex | None = None,
    serviceType: api.ServiceType | None = None,
    dataToken: api.OptionalAddress | None = None,
    userdata: api.UserdataOrText | None = None,
) -> api.Quote:
    """Quote the price of a service."""
    here = request()
    services().limits.call("initialize", here.remote_address)
    wanted = claim(documentId, consumerAddress, serviceId, serviceType, dataToken)
    return as_document(services().shop.quote(wanted, params.members("userdata", userdata), here))


def initialize_by_post(
    *,
    documentId: api.OptionalDid,
    consumerAddress: api.OptionalAddress,
    serviceId: api.OptionalIndex | None = None,
    serviceType: api.ServiceType | None = None,
    dataToken: api.OptionalAddress | None = None,
    userdata: api.UserdataOrText | None = None,
) -> api.Quote:
    """Quote the price of a service, asked by POST."""
    return initialize(
        documentId=documentId,
        consumerAddress=consumerAddress,
        serviceId=serviceId,
        serviceType=serviceType,
        dataToken=dataToken,
        userdata=userdata,
    )


def download(
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
) -> Reply:
    """Fetch a file of an asset."""
    proof = {"signature": params.needed("signature", signature), "order": transferTxId or transactionId or ""}
    index = params.needed("fileIndex", params.number("fileIndex", fileIndex))
    wanted = claim(documentId, consumerAddress, serviceId, serviceType, dataToken, **proof)
    return services().shop.fetch(wanted, index, params.members("userdata", userdata), request())


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
) -> Reply:
    """Fetch a file of an asset, asked by POST."""
    return download(
        documentId=documentId,
        fileIndex=fileIndex,
        signature=signature,
        consumerAddress=consumerAddress,
        serviceId=serviceId,
        serviceType=serviceType,
        dataToken=dataToken,
        transferTxId=transferTxId,
        transactionId=transactionId,
        userdata=userdata,
    )


def claim(
    did: str | None, consumer: str | None, service: int | str | None, kind: str | None, token: str | None, **proof: str
) -> Claim:
    """Return who wants which service of which asset."""
    named = params.needed("documentId", did)
    return Claim(
        asset=services().resolver.read(named),
        document_id=named,
        consumer=params.needed("consumerAddress", consumer),
        service=params.number("serviceId", service),
        kind=kind or "",
        token=token or "",
        client=request().remote_address,
        **proof,
    )


def as_document(quote: Quote) -> api.Quote:
    """Return a quote as clients read it."""
    return {
        "from": quote.consumer,
        "to": quote.recipient,
        "numTokens": quote.offer.tokens,
        "dataToken": quote.offer.token,
        "nonce": quote.nonce,
        "computeAddress": services().shop.address() or None,
        "validOrder": quote.order,
    }


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
) -> list[api.ComputeJob]:
    """Start a compute job, or restart a stopped one."""
    wanted = requests.wish(
        consumer=consumerAddress,
        document=params.needed("documentId", documentId),
        service=serviceId,
        kind=serviceType,
        token=dataToken,
        orders=[transferTxId, transactionId],
        userdata=userdata,
        algorithms=[algorithmDid, algorithmDID],
        algorithm_token=algorithmDataToken,
        algorithm_order=algorithmTransferTxId,
        algorithm_userdata=algouserdata,
        meta=algorithmMeta,
        more=additionalInputs,
        output=output,
    )
    proof = params.needed("signature", signature)
    meant = requests.which(job=jobId, subject=documentId, owners=[consumerAddress], signature=proof)
    return told([services().compute.provider.start(meant, wanted, request().caller)])


def read_compute(
    *,
    signature: api.OptionalSignature | None = None,
    documentId: api.OptionalDid | None = None,
    jobId: api.OptionalComputeJobId | None = None,
    consumerAddress: api.OptionalAddress | None = None,
    owner: api.OptionalAddress | None = None,
    transferTxId: api.TransactionHash | None = None,
    transactionId: api.TransactionHash | None = None,
) -> list[api.ComputeJob]:
    """Tell how far compute jobs have come, and where their results are."""
    meant = requests.which(
        job=jobId,
        subject=documentId,
        owners=[consumerAddress, owner],
        signature=signature,
        orders=[transferTxId, transactionId],
    )
    jobs, owned = services().compute.provider.find(meant)
    return told(jobs, owner=owned)


def stop_compute(
    *,
    signature: api.OptionalSignature,
    documentId: api.OptionalDid | None = None,
    jobId: api.OptionalComputeJobId | None = None,
    consumerAddress: api.OptionalAddress | None = None,
    owner: api.OptionalAddress | None = None,
    transferTxId: api.TransactionHash | None = None,
    transactionId: api.TransactionHash | None = None,
) -> list[api.ComputeJob]:
    """Stop compute jobs."""
    meant = requests.which(
        job=jobId,
        subject=documentId,
        owners=[consumerAddress, owner],
        signature=signature,
        orders=[transferTxId, transactionId],
    )
    return told(services().compute.provider.stop(meant))


def delete_compute(
    *,
    signature: api.OptionalSignature,
    documentId: api.OptionalDid | None = None,
    jobId: api.OptionalComputeJobId | None = None,
    consumerAddress: api.OptionalAddress | None = None,
    owner: api.OptionalAddress | None = None,
    transferTxId: api.TransactionHash | None = None,
    transactionId: api.TransactionHash | None = None,
) -> list[api.ComputeJob]:
    """Delete compute jobs and all that belongs to them."""
    meant = requests.which(
        job=jobId,
        subject=documentId,
        owners=[consumerAddress, owner],
        signature=signature,
        orders=[transferTxId, transactionId],
    )
    return told(services().compute.provider.delete(meant))


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
) -> list[api.ComputeJob]:
    """Start or restart a compute job of Provider or of Brizo."""
    if documentId or not serviceAgreementId:
        return start_compute(
            signature=signature,
            documentId=documentId,
            consumerAddress=consumerAddress,
            output=output,
            algorithmDid=algorithmDid,
            algorithmDID=algorithmDID,
            algorithmMeta=algorithmMeta,
            jobId=jobId,
            transferTxId=transferTxId,
            transactionId=transactionId,
            serviceId=serviceId,
            serviceType=serviceType,
            dataToken=dataToken,
            algorithmDataToken=algorithmDataToken,
            algorithmTransferTxId=algorithmTransferTxId,
            additionalInputs=additionalInputs,
            userdata=userdata,
            algouserdata=algouserdata,
        )
    wanted = requests.wish(
        consumer=consumerAddress, algorithms=[algorithmDid, algorithmDID], meta=algorithmMeta, output=output
    )
    proof = params.needed("signature", signature)
    meant = requests.which(job=jobId, subject=serviceAgreementId, owners=[consumerAddress], signature=proof)
    return told([services().compute.brizo.start(meant, wanted, request().caller)])


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
) -> list[api.ComputeJob]:
    """Tell how far compute jobs of Provider or of Brizo have come."""
    meant = requests.which(
        job=jobId,
        subject=documentId or serviceAgreementId,
        owners=[consumerAddress, owner],
        signature=signature,
        orders=[transferTxId, transactionId],
    )
    jobs, owned = services().compute.meant(documentId, serviceAgreementId).find(meant)
    return told(jobs, owner=owned)


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
) -> list[api.ComputeJob]:
    """Stop compute jobs of Provider or of Brizo."""
    meant = requests.which(
        job=jobId,
        subject=documentId or serviceAgreementId,
        owners=[consumerAddress, owner],
        signature=signature,
        orders=[transferTxId, transactionId],
    )
    return told(services().compute.meant(documentId, serviceAgreementId).stop(meant))


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
) -> list[api.ComputeJob]:
    """Delete compute jobs of Provider or of Brizo."""
    meant = requests.which(
        job=jobId,
        subject=documentId or serviceAgreementId,
        owners=[consumerAddress, owner],
        signature=signature,
        orders=[transferTxId, transactionId],
    )
    return told(services().compute.meant(documentId, serviceAgreementId).delete(meant))


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
    return compute.results.fetch(compute.provider_door, meant, index, (expires, token), request())


def told(jobs: Sequence[ComputeJob], *, owner: bool = True) -> list[api.ComputeJob]:
    """Return what is told of jobs, to their owner or to somebody else."""
    here = request()
    address = f"{here.base_url}{here.mount}/api/v1/services/computeResult"
    return cast("list[api.ComputeJob]", services().compute.documents.all(jobs, address, owner=owner))
