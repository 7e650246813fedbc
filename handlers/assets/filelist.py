"""Lists of files: what of an asset's list is sealed, and what is public."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from handlers.assets import ddo as ddos
from handlers.files.sealed import files_of, unseal
from handlers.keys import Keys


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A file of an asset."""

    index: int
    url: str
    content_type: str = ""
    name: str = ""


def read_list(sealed: str, keys: Keys) -> list[Listed]:
    """Return the files of a sealed list.

    Raises:
        SealInvalid: It is none of ours.
        KeyUnavailable: This provider has no key.
    """
    return [listed(entry, place) for place, entry in enumerate(files_of(unseal(sealed, keys.all)))]


def listed(entry: Mapping[str, Any], place: int) -> Listed:
    """Return what an entry says of a file."""
    index = entry.get("index", place)
    return Listed(
        index=int(index) if str(index).isdecimal() else place,
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
