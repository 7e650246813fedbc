"""Lists of files: what of an asset's list is sealed, and what is public."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from handlers.assets import ddo as ddos
from handlers.assets.did import canonical
from handlers.errors import AssetNotFound, SealInvalid
from handlers.files.sealed import files_of, unseal
from handlers.keys import Keys

LONGEST_INDEX: Final = 10  # digits; a longer text is no index of a file
OWNER: Final = "assetDid"  # the member of a sealed entry that names its asset


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A file of an asset."""

    index: int
    url: str
    content_type: str = ""
    name: str = ""


def bound(document: Any, did: str) -> Any:
    """Return a list of files that says of each to which asset it belongs, so that no other can offer it.

    Whoever reads a DDO could write the sealed list that stands there into one of their own. What is no list of files,
    or for no DID, stays as it is.
    """
    try:
        owner = canonical(did)
    except AssetNotFound:
        return document
    entries = document if isinstance(document, list) else []
    if not entries or not all(isinstance(entry, dict) for entry in entries):
        return document
    return [entry | {OWNER: owner} for entry in entries]


def read_list(sealed: str, did: str, keys: Keys) -> list[Listed]:
    """Return the files of a list that was sealed for the asset *did*, or for none by name.

    Raises:
        SealInvalid: It is none of ours, or another asset's.
        KeyUnavailable: This provider has no key.
    """
    entries = files_of(unseal(sealed, keys.all))
    if any(entry.get(OWNER, did) != did for entry in entries):
        raise SealInvalid("The files were sealed for another asset.")
    return [listed(entry, place) for place, entry in enumerate(entries)]


def listed(entry: Mapping[str, Any], place: int) -> Listed:
    """Return what an entry says of a file."""
    index = entry.get("index", place)
    return Listed(
        index=int(index) if str(index).isdecimal() and len(str(index)) < LONGEST_INDEX else place,
        url=str(entry["url"]),
        content_type=str(entry.get("contentType") or ""),
        name=str(entry.get("name") or ""),
    )


def sealed_of(ddo: Mapping[str, Any]) -> str:
    """Return the sealed list of a DDO's files, as it stands there; empty where there is none."""
    found = (ddos.metadata_of(ddo) or {}).get("encryptedFiles")
    if isinstance(found, Mapping):
        return orjson.dumps(found).decode()
    return found if isinstance(found, str) else ""


def public_of(ddo: Mapping[str, Any], index: int) -> Mapping[str, Any]:
    """Return what a DDO tells everybody of a file; nothing where it tells nothing."""
    main = (ddos.metadata_of(ddo) or {}).get("main")
    files = main.get("files") if isinstance(main, Mapping) else None
    entries = files if isinstance(files, list) else []
    return next((entry for entry in entries if isinstance(entry, Mapping) and entry.get("index") == index), {})
