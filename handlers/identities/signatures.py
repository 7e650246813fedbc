"""Who signed a text with an Ethereum key."""

from __future__ import annotations

import binascii
from typing import Final

LENGTH: Final = 65  # bytes: r, s, v
V_OFFSET: Final = 27
PREFIX: Final = b"\x19Ethereum Signed Message:\n"


def signer_of(text: str, signature: str) -> str | None:
    """Return the address, checksummed, whose key signed *text*; None where the signature is none.

    Args:
        text: What the wallet showed; it signs the UTF-8 bytes with a prefix and their length (EIP-191, version 0x45).
        signature: 65 bytes in hexadecimal, 0x before them or not; the last is 0 or 1, or 27 or 28.
    """
    from eth_keys.datatypes import Signature
    from eth_keys.exceptions import BadSignature
    from eth_utils.crypto import keccak
    from eth_utils.exceptions import ValidationError

    try:
        data = binascii.unhexlify(signature.removeprefix("0x"))
        message = text.encode()
    except (binascii.Error, ValueError):
        return None
    if len(data) != LENGTH:
        return None
    v = data[-1] - V_OFFSET if data[-1] >= V_OFFSET else data[-1]
    try:
        signed = Signature(signature_bytes=data[:-1] + bytes([v]))
        digest = keccak(PREFIX + str(len(message)).encode() + message)
        return str(signed.recover_public_key_from_msg_hash(digest).to_checksum_address())
    except (BadSignature, ValidationError, ValueError):
        return None


def checksummed(address: str) -> str:
    """Return an address with the capitals that EIP-55 gives it."""
    from eth_utils.address import to_checksum_address

    return str(to_checksum_address(address))
