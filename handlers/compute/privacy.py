"""Which algorithms may run on which data: what the `privacy` section of a compute service says.

Source:
    Ocean Provider from 0.4.7 on: `allowRawAlgorithm`, `allowNetworkAccess`, `allowAllPublishedAlgorithms`,
    `publisherTrustedAlgorithms`, `publisherTrustedAlgorithmPublishers`. Before that, and in Brizo, `trustedAlgorithms`
    was a list of DIDs, and what was not said was allowed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from handlers.assets import ddo as ddos
from handlers.assets.did import canonical
from handlers.assets.params import switch
from handlers.assets.store import Asset
from handlers.errors import AssetNotFound, Forbidden


@dataclass(frozen=True, kw_only=True)
class Trusted:
    """A published algorithm that may run, and what it has to be."""

    files_checksum: str = ""  #: empty: whatever it is
    container_checksum: str = ""


@dataclass(frozen=True, kw_only=True)
class Privacy:
    """What a compute service allows."""

    raw: bool
    network: bool
    all_published: bool
    algorithms: Mapping[str, Trusted]  #: by DID
    publishers: frozenset[str]  #: addresses in lower case


def privacy_of(service: Mapping[str, Any], *, lenient: bool = False) -> Privacy:
    """Return what a compute service of a DDO allows.

    Args:
        service: Of the DDO.
        lenient: Whether what is not said is allowed, as in Brizo.
    """
    section = section_of(service)
    entries = section.get("publisherTrustedAlgorithms") or section.get("trustedAlgorithms") or []
    publishers = section.get("publisherTrustedAlgorithmPublishers") or []
    named = bool(entries or publishers or "allowAllPublishedAlgorithms" in section)
    return Privacy(
        raw=switch(section["allowRawAlgorithm"]) if "allowRawAlgorithm" in section else lenient,
        network=switch(section.get("allowNetworkAccess")),
        all_published=switch(section.get("allowAllPublishedAlgorithms")) or (lenient and not named),
        algorithms=dict(trusted(entry) for entry in listed(entries) if isinstance(entry, Mapping | str)),
        publishers=frozenset(str(address).lower() for address in listed(publishers)),
    )


def section_of(service: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the `privacy` section of a service; an empty one where there is none."""
    attributes = service.get("attributes")
    main = attributes.get("main") if isinstance(attributes, Mapping) else None
    section = main.get("privacy") if isinstance(main, Mapping) else None
    return section if isinstance(section, Mapping) else {}


def listed(value: Any) -> list[Any]:
    """Return a list; an empty one in place of anything else, so that what cannot be read trusts nobody."""
    return value if isinstance(value, list) else []


def trusted(entry: Mapping[str, Any] | str) -> tuple[str, Trusted]:
    """Return an entry of the list of trusted algorithms: the DID, and what it has to be."""
    if isinstance(entry, str):
        return named(entry), Trusted()
    return named(str(entry.get("did", ""))), Trusted(
        files_checksum=str(entry.get("filesChecksum") or ""),
        container_checksum=str(entry.get("containerSectionChecksum") or ""),
    )


def trust(algorithm: Asset) -> dict[str, str]:
    """Return the entry of the list of trusted algorithms that lets an algorithm run as long as it stays what it is."""
    return {
        "did": algorithm.did,
        "filesChecksum": files_checksum(algorithm.ddo),
        "containerSectionChecksum": container_checksum(algorithm.ddo),
    }


def named(did: str) -> str:
    """Return a DID in the form in which DIDs are compared; what is none is nobody's."""
    try:
        return canonical(did)
    except AssetNotFound:
        return ""


def check_raw(privacy: Privacy, data: str) -> None:
    """Let an algorithm run that the caller brings along.

    Raises:
        Forbidden: The data are not for such.
    """
    if not privacy.raw:
        raise Forbidden(f"cannot run raw algorithm on this did {data}.")


def check_published(privacy: Privacy, data: str, algorithm: Asset) -> None:
    """Let a published algorithm run, if the publisher of the data trusts it, or who has published it.

    Raises:
        Forbidden: Neither; or it has changed since it was trusted.
    """
    if privacy.all_published:
        return
    entry = privacy.algorithms.get(algorithm.did)
    if entry is not None:
        check_unchanged(entry, algorithm)
    elif ddos.publisher_of(algorithm.ddo).lower() not in privacy.publishers - {""}:
        raise Forbidden(f"this algorithm did {algorithm.did} is not trusted by the publisher of {data}.")


def check_unchanged(entry: Trusted, algorithm: Asset) -> None:
    """See that an algorithm is still the one that was trusted.

    Raises:
        Forbidden: It is not.
    """
    if entry.files_checksum and entry.files_checksum.lower() != files_checksum(algorithm.ddo):
        raise Forbidden(f"filesChecksum for algorithm with did {algorithm.did} does not match")
    if entry.container_checksum and entry.container_checksum.lower() != container_checksum(algorithm.ddo):
        raise Forbidden(f"containerSectionChecksum for algorithm with did {algorithm.did} does not match")


def files_checksum(ddo: Mapping[str, Any]) -> str:
    """Return the SHA-256, in hex, of an asset's sealed list of files and of its public one."""
    metadata = ddos.metadata_of(ddo) or {}
    sealed = metadata.get("encryptedFiles") or ""
    files = main_of(metadata).get("files", [])
    return digest((sealed if isinstance(sealed, str) else compact(sealed)) + compact(files))


def container_checksum(ddo: Mapping[str, Any]) -> str:
    """Return the SHA-256, in hex, of an algorithm's container section."""
    section = main_of(ddos.metadata_of(ddo) or {}).get("algorithm")
    return digest(compact(section.get("container", {}) if isinstance(section, Mapping) else {}))


def main_of(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the `main` section of metadata."""
    found = metadata.get("main")
    return found if isinstance(found, Mapping) else {}


def compact(value: Any) -> str:
    """Return JSON as checksums are computed of it: without blanks, members as they stand in the DDO."""
    return json.dumps(value, separators=(",", ":"))


def digest(text: str) -> str:
    """Return the SHA-256 of a text, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()
