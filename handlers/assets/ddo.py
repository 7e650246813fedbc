"""DDOs: the documents that describe assets.

Source:
    Ocean OEP-8 (metadata) and OEP-7 (identifiers), the "version 3" layout: a list of services, of which `metadata`
    has index 0 and `access` index 3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation, localcontext
from typing import Any, Final

from handlers.chain.orders import DIGITS, is_address

METADATA_INDEX = 0
INDEXES: Final = {"access": 3, "compute": 4}
NAMES: Final = {"access": "dataAssetAccess", "compute": "dataAssetComputingService"}
SECTIONS: Final = frozenset({"main", "additionalInformation", "curation", "encryptedFiles"})
KNOWN: Final = frozenset({"type", "dateCreated", "files", "algorithm"})  #: of `main`, what nobody else has a say in
WEI = Decimal(10) ** -18  #: least part of a datatoken
MOST_TOKENS = 10**20  #: below which a price is, as the specs have it


@dataclass(frozen=True, kw_only=True)
class Sale:
    """How an asset is offered."""

    services: Sequence[str] = ("access",)  #: access, compute or both
    price: str = "0"  #: datatokens for one order, as a decimal text; 0 is free
    timeout_s: int = 0  #: how long an order is good; 0: for ever
    token: str = ""  #: address of the datatoken
    publisher: str = ""  #: address
    endpoint: str = ""  #: address of the server from which it is had, as buyers see it
    allow: Sequence[str] = ()  #: the only addresses that may have it; none: all
    deny: Sequence[str] = ()  #: addresses that may not
    privacy: Mapping[str, Any] = field(default_factory=dict)  #: which algorithms may compute on it
    container: Mapping[str, str] = field(default_factory=dict)  #: how an algorithm is run
    sealed: str = ""  #: the list of its files, where they are elsewhere


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
    sale: Sale | None = None,
    said: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the DDO of an asset.

    Args:
        did: The asset's DID.
        name: What people call it.
        files: `contentType`, `contentLength` (text, bytes), `checksum` and so on of each file; never a URL.
        created: When it was made.
        kind: `dataset` or `algorithm`.
        author: Who made it.
        license_name: Under which terms.
        description: What it is, in prose.
        sale: How it is offered; by default everybody may have it.
        said: Metadata that somebody else gives it, whole or the `main` section alone; goes before name, author and
            license, and not before what this server knows.

    Raises:
        ValueError: The price is none.
    """
    sale = sale or Sale()
    said_main, said_more = sections_of(said or {})
    when = as_text(created)
    main = {
        "name": name,
        "author": author,
        "license": license_name,
        **said_main,
        "type": kind,
        "dateCreated": when,
        "files": [{"index": index, **file} for index, file in enumerate(files)],
        **({"algorithm": {"container": dict(sale.container)}} if sale.container else {}),
    }
    metadata: dict[str, Any] = {"main": main}
    if more := ({"description": description} if description else {}) | said_more:
        metadata["additionalInformation"] = more
    if sale.sealed:
        metadata["encryptedFiles"] = sale.sealed
    return {
        "@context": "https://w3id.org/did/v1",
        "id": did,
        "created": when,
        "publicKey": [{"id": did, "type": "EthereumECDSAKey", "owner": sale.publisher}] if sale.publisher else [],
        "authentication": [],
        **({"dataToken": sale.token} if sale.token else {}),
        **credentials(sale),
        "service": [
            {"type": "metadata", "index": METADATA_INDEX, "serviceEndpoint": sale.endpoint, "attributes": metadata},
            *(sold(kind, sale, when) for kind in sale.services),
        ],
    }


def sections_of(said: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what is said of an asset for `main` and for `additionalInformation`; what has to be a text is one."""
    main, more = said.get("main"), said.get("additionalInformation")
    inner = main if isinstance(main, Mapping) else {key: said[key] for key in said.keys() - SECTIONS}
    texts = [name for name in ("name", "author", "license") if not (isinstance(inner.get(name), str) and inner[name])]
    found = {key: value for key, value in inner.items() if key not in KNOWN and key not in texts}
    return found, dict(more) if isinstance(more, Mapping) else {}


def sold(kind: str, sale: Sale, when: str) -> dict[str, Any]:
    """Return a service that is sold."""
    main: dict[str, Any] = {
        "name": NAMES[kind],
        "datePublished": when,
        "cost": cost(sale.price),
        "timeout": sale.timeout_s,
        **({"creator": sale.publisher} if sale.publisher else {}),
    }
    if kind == "compute":
        main |= {"privacy": dict(sale.privacy), "provider": environment(sale)}
    return {"type": kind, "index": INDEXES[kind], "serviceEndpoint": sale.endpoint, "attributes": {"main": main}}


def environment(sale: Sale) -> dict[str, Any]:
    """Return the part of a service that says where is computed; which images and machines there are is not said."""
    cluster = {"type": "Seamark", "url": sale.endpoint}
    return {
        "type": "Seamark",
        "environment": {"cluster": cluster, "supportedContainers": [], "supportedServers": []},
    }


def credentials(sale: Sale) -> dict[str, Any]:
    """Return the part of a DDO that says who may have the asset; nothing where everybody may."""
    rules = {"allow": sale.allow, "deny": sale.deny}
    found = {rule: [{"type": "address", "values": list(listed)}] for rule, listed in rules.items() if listed}
    return {"credentials": found} if found else {}


def cost(price: str) -> str:
    """Return *price*, in whole datatokens, as the decimal text that a DDO carries.

    Raises:
        ValueError: It is no such number.
    """
    words = f"{price!r} is no price in datatokens: 0 or more, at most 20 digits and 18 decimals."
    try:
        with localcontext(prec=DIGITS):
            tokens = Decimal(price)
            if tokens.is_finite() and 0 <= tokens < MOST_TOKENS and tokens == tokens.quantize(WEI):
                return f"{tokens.normalize():f}"
    except InvalidOperation as error:
        raise ValueError(words) from error
    raise ValueError(words)


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
