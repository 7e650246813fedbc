"""The operation `hash`: SHA3-256 digests of a text and an asset.

Source:
    FIPS 202 (SHA3-256); the inputs are those of the contract's example, a string and an asset.
"""

from __future__ import annotations

import hashlib

from handlers.errors import Fault, InputInvalid
from handlers.operations.values import AssetFile


def run(to_hash: str, saved_model: AssetFile | None = None) -> dict[str, str]:
    """Return the digest of the text's UTF-8 bytes, and that of the asset's bytes where one is given."""
    try:
        outputs = {"hash_val": hashlib.sha3_256(to_hash.encode()).hexdigest()}
    except UnicodeEncodeError as error:
        fault = Fault("body", "/to_hash", f"The character at {error.start} is half of a pair: no UTF-8.")
        raise InputInvalid("The text has no UTF-8 form.", faults=[fault]) from error
    if saved_model is not None:
        with saved_model.open() as file:
            outputs["saved_model_hash_val"] = hashlib.file_digest(file, "sha3_256").hexdigest()
    return outputs
