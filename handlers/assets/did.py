"""Decentralized identifiers of assets: `did:op:` and 64 (older: 40) hexadecimal digits.

Clients of the DEP ecosystem call the same asset `did:dep:<id of the agent>/<id of the asset>`.
"""

from __future__ import annotations

import re
import secrets

from handlers.errors import AssetNotFound

PREFIX = "did:op:"
DEP = re.compile(r"did:dep:[0-9a-fA-F]{64}/(?:0x)?(?=[0-9a-fA-F]{64}\Z)")
DIGITS = re.compile(r"(?:[0-9a-fA-F]{64}|[0-9a-fA-F]{40})\Z")


def new_did() -> str:
    """Return a DID that nobody has."""
    return PREFIX + secrets.token_hex(32)


def canonical(did: str) -> str:
    """Return the one spelling under which an asset is kept.

    Args:
        did: `did:op:…`, or the bare digits with `0x` (the same asset), in any case; or `did:dep:…/…`.

    Raises:
        AssetNotFound: It is no DID of this method, so there is no such asset.
    """
    did = DEP.sub(PREFIX, did)
    digits = did.removeprefix(PREFIX) if did.startswith(PREFIX) else did.removeprefix("0x")
    if not DIGITS.match(digits):
        raise AssetNotFound(f"{did[:100]!r} is not a DID such as {PREFIX}, then 64 hexadecimal digits.")
    return PREFIX + digits.lower()
