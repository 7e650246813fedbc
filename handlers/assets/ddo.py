"""DDOs: the documents that describe assets.

Source:
    Ocean OEP-8 (metadata) and OEP-7 (identifiers), the "version 3" layout: a list of services, of which `metadata`
    has index 0 and `access` index 3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from handlers.chain.orders import is_address

METADATA_INDEX = 0
ACCESS_INDEX = 3
WEI = Decimal(10) ** -18  #: least part of a datatoken


def make_ddo(
    did: str,
    *,
    name: str,
    files: Iterable[Mapping[str, Any]],
    created: datetime,
    kind: str = "dataset",
    author: str = "",
    license_name: str = "",
    description: str = "",
    price: str = "0",
) -> dict[str, Any]:
    """Return the DDO of an asset that this server keeps.

    Args:
        did: The asset's DID.
        name: What people call it.
        files: `contentType`, `contentLength` (text, bytes), `checksum` and so on of each file; never a URL.
        created: When it was made.
        kind: `dataset` or `algorithm`.
        author: Who made it.
        license_name: Under which terms.
        description: What it is, in prose.
        price: Datatokens for one access, as a decimal text; 0 is free.
    """
    when = as_text(created)
    main = {
        "type": kind,
        "name": name,
        "author": author,
        "license": license_name,
        "dateCreated": when,
        "files": [{"index": index, **file} for index, file in enumerate(files)],
    }
    metadata: dict[str, Any] = {"main": main}
    if description:
        metadata["additionalInformation"] = {"description": description}
    return {
        "@context": "https://w3id.org/did/v1",
        "id": did,
        "created": when,
        "publicKey": [],
        "authentication": [],
        "service": [
            {"type": "metadata", "index": METADATA_INDEX, "serviceEndpoint": "", "attributes": metadata},
            {
                "type": "access",
                "index": ACCESS_INDEX,
                "serviceEndpoint": "",
                "attributes": {"main": {"name": "dataAssetAccess", "cost": cost(price), "timeout": 0}},
            },
        ],
    }


def cost(price: str) -> str:
    """Return *price*, in whole datatokens, as the decimal text that a DDO carries.

    Raises:
        ValueError: It is no such number.
    """
    try:
        tokens = Decimal(price)
        exact = tokens.is_finite() and tokens >= 0 and tokens == tokens.quantize(WEI)
    except InvalidOperation:
        exact = False
    if not exact:
        raise ValueError(f"{price!r} is no price in datatokens: 0 or more, at most 18 decimals.")
    return f"{tokens.normalize():f}"


def as_text(moment: datetime) -> str:
    """Return a time in the form of DDOs: UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def services(ddo: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the services of a DDO that are objects."""
    found = ddo.get("service")
    return [service for service in found if isinstance(service, Mapping)] if isinstance(found, list) else []


def name_of(ddo: Mapping[str, Any]) -> str:
    """Return what people call the asset; empty where the DDO does not say."""
    main = (metadata_of(ddo) or {}).get("main")
    return str(main.get("name", ""))[:500] if isinstance(main, Mapping) else ""


def metadata_of(ddo: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the attributes of the metadata service; None where the DDO has none."""
    for service in services(ddo):
        if service.get("type") == "metadata" and isinstance(service.get("attributes"), Mapping):
            found: Mapping[str, Any] = service["attributes"]
            return found
    return None


def publisher_of(ddo: Mapping[str, Any]) -> str:
    """Return the Ethereum address of who published an asset: that of its first key, or of its proof; else nothing."""
    keys, proof = ddo.get("publicKey"), ddo.get("proof")
    first = keys[0] if isinstance(keys, list) and keys else None
    named = [
        first.get("owner") if isinstance(first, Mapping) else None,
        proof.get("creator") if isinstance(proof, Mapping) else None,
    ]
    return next((str(address) for address in named if is_address(str(address))), "")


def is_priced(ddo: Mapping[str, Any]) -> bool:
    """Tell whether any access to the asset costs something; what cannot be read counts as a price."""
    for service in services(ddo):
        if service.get("type") not in ("access", "compute"):
            continue
        attributes = service.get("attributes")
        main = attributes.get("main") if isinstance(attributes, Mapping) else None
        asked = main.get("cost", 0) if isinstance(main, Mapping) else 0
        if str(asked).strip() not in ("0", "0.0", ""):
            return True
    return False


def is_restricted(ddo: Mapping[str, Any]) -> bool:
    """Tell whether the asset names who may or may not have it."""
    credentials = ddo.get("credentials")
    return isinstance(credentials, Mapping) and any(credentials.get(rule) for rule in ("allow", "deny"))
