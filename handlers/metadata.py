"""Handlers of specs/metadata.yaml: the store of DDOs."""

# ruff: noqa: N803 - the spec names the arguments.

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from generated import metadata as api
from handlers.assets import ddo as ddos
from handlers.assets import validation
from handlers.assets.did import canonical
from handlers.assets.store import Asset, missing
from handlers.errors import AssetNotFound, Fault, Forbidden, InputInvalid, Unauthorized
from handlers.services import services
from handlers.wire import Reply, request

#: What is valid; ocean-lib compares the bytes, with the line feed that Flask puts behind its JSON.
VALID: Final = Reply(body=b"true\n")


def list_ddos(offset: int = 0, limit: int = 100) -> Reply:
    """List the DDOs of all public assets, page by page."""
    page, total = services().assets.list(offset=offset, limit=limit, public=True)
    return Reply(body=[asset.ddo for asset in page], headers={"X-Total-Count": str(total)})


def register_ddo(body: api.Ddo, publisherAddress: str | None = None, signature: str | None = None) -> Reply:
    """Register the DDO of a new asset."""
    validation.check(body)
    require_writer(body, body["id"], publisherAddress, signature)
    asset = services().assets.register(body)
    here = request()
    location = f"{here.base_url}{here.mount}/api/v1/aquarius/assets/ddo/{asset.did}"
    return Reply(body=asset.ddo, status=HTTPStatus.CREATED, headers={"Location": location})


def validate_metadata(*, body: api.PublishedMetadata) -> Reply:  # noqa: ARG001 - the spec has checked it
    """Tell whether metadata may be published."""
    return VALID


def validate_ddo(*, body: api.Ddo) -> Reply:
    """Tell whether a DDO may be published."""
    validation.check(body)
    return VALID


def read_ddo(did: str) -> Any:
    """Read the DDO of an asset."""
    return shown(did).ddo


def replace_ddo(did: str, body: api.Ddo, publisherAddress: str | None = None, signature: str | None = None) -> Any:
    """Replace the DDO of an asset."""
    require_writer(stored(did, signature), did, publisherAddress, signature)
    validation.check(body)
    if canonical(str(body["id"])) != canonical(did):
        fault = Fault("body", "/id", f"The document is about {body['id']}; the path names {did}.")
        raise InputInvalid("The DDO is another asset's.", faults=[fault])
    return services().assets.replace(did, body).ddo


def retire_ddo(did: str, publisherAddress: str | None = None, signature: str | None = None) -> Any:
    """Remove an asset from the store, and return its last DDO."""
    require_writer(stored(did, signature), did, publisherAddress, signature)
    asset = services().assets.read(did)
    services().assets.remove(did)
    return asset.ddo


def read_metadata(did: str) -> Any:
    """Read the metadata of an asset."""
    attributes = ddos.metadata_of(shown(did).ddo)
    if attributes is None:
        raise AssetNotFound(f"The asset {did[:100]} has no metadata.")
    return attributes


def shown(did: str) -> Asset:
    """Return an asset that the caller may know of.

    Raises:
        AssetNotFound: There is none, or it is another's.
    """
    asset, caller = services().assets.read(did), request().caller
    if asset.owner is not None and asset.owner != caller.name and not caller.may("manage"):
        raise missing(did)
    return asset


def stored(did: str, signature: str | None) -> Mapping[str, Any]:
    """Return the DDO that decides who may sign for an asset; without a signature it is not looked at."""
    return services().assets.read(did).ddo if signature else {}


def require_writer(ddo: Mapping[str, Any], did: str, address: str | None, signature: str | None) -> None:
    """Let only those write who hold a token for it, or have signed as the publisher.

    Args:
        ddo: Names the publisher.
        did: As it was sent, which is what is signed.
        address: Of the publisher.
        signature: Theirs, over method, DID and nonce.

    Raises:
        Unauthorized: A token or a signature is needed.
        Forbidden: The asset is another publisher's.
    """
    if request().caller.may("assets"):
        return
    if not address or not signature:
        raise Unauthorized("Writing needs the publisher's signature, or a token with the scope `assets`.")
    if ddos.publisher_of(ddo).lower() != address.lower():
        raise Forbidden(f"{address[:100]} is not the publisher of {did[:100]}.")
    services().proofs.check(address, signature, request().method + did)
