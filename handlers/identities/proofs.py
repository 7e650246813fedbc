"""Proofs that a request comes from who it says: a signature over its text and a nonce, or an authentication token."""

from __future__ import annotations

import re
import time
from typing import Final, Protocol

from handlers.errors import SignatureInvalid
from handlers.identities.signatures import checksummed, signer_of

MESSAGE: Final = "Ocean Protocol Authentication"
TOKEN = re.compile(r"(?:0x)?([0-9a-fA-F]{130})-([0-9]{1,12})")
SKEW_S: Final = 60  # by which a client's clock may be ahead of ours


class Nonces(Protocol):
    """The number that each address signs next."""

    def read(self, address: str) -> int:
        """Return it; 0 for an address that was never seen."""

    def spend(self, address: str, nonce: int) -> bool:
        """Use *nonce* up if it is the one; tell whether it was."""


class Proofs:
    """Checks proofs."""

    def __init__(self, nonces: Nonces, *, token_s: int) -> None:
        """Take where nonces are kept, and how long a token is good, in seconds."""
        self._nonces = nonces
        self._token_s = token_s

    def check(self, address: str, signature: str, *texts: str, spend: bool = True) -> str:
        """Return the address, checksummed, of who has signed one of *texts*.

        Args:
            address: Who the request says it is from.
            signature: Over a text and the address's nonce in decimal, or a token.
            texts: What may have been signed.
            spend: Whether the nonce is used up; a request without effect leaves it.

        Raises:
            SignatureInvalid: It is not theirs, has another nonce, or has expired.
        """
        if (token := TOKEN.fullmatch(signature)) is not None:
            return self._check_token(address, token[1], int(token[2]))
        nonce = self._nonces.read(address)
        if not any(same(signer_of(f"{text}{nonce}", signature), address) for text in texts):
            raise invalid(f"It is not the signature of {address} over this request's text with the nonce {nonce}.")
        if spend and not self._nonces.spend(address, nonce):
            raise invalid(f"The nonce {nonce} is used up.")
        return checksummed(address)

    def _check_token(self, address: str, signature: str, signed_s: int) -> str:
        """Return the address of who has signed a token."""
        age_s = time.time() - signed_s
        if not -SKEW_S <= age_s < self._token_s:
            raise invalid(f"An authentication token is good for {self._token_s} s; this one is too old, or too new.")
        if not same(signer_of(f"{MESSAGE}\n{signed_s}", signature), address):
            raise invalid(f"The authentication token is not that of {address}.")
        return checksummed(address)


def same(one: str | None, other: str) -> bool:
    """Tell whether two spellings are of one address."""
    return one is not None and one.lower() == other.lower()


def invalid(detail: str) -> SignatureInvalid:
    """Say what is wrong with a signature; clients ask for the next nonce and sign again."""
    return SignatureInvalid(detail, headers={"WWW-Authenticate": "Signature"})
