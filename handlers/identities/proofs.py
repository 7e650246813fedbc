"""Proofs that a request comes from who it says: a signature over its text and a nonce, or an authentication token."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol, TypeVar

from handlers.errors import SignatureInvalid
from handlers.identities.limits import Limits
from handlers.identities.signatures import checksummed, signer_of

MESSAGE: Final = "Ocean Protocol Authentication"
TOKEN = re.compile(r"(?:0x)?([0-9a-fA-F]{130})-([0-9]{1,12})")
T = TypeVar("T")
SKEW_S: Final = 60  # by which a client's clock may be ahead of ours


def nobody() -> str:
    """Return the network address of a caller where nobody calls over the network."""
    return ""


class Nonces(Protocol):
    """The number that each address signs next."""

    def read(self, address: str) -> int:
        """Return it; 0 for an address that was never seen."""

    def spend(self, address: str, nonce: int) -> bool:
        """Use *nonce* up if it is the one; tell whether it was."""


class Proofs:
    """Checks proofs."""

    def __init__(self, nonces: Nonces, limits: Limits, *, token_s: int, client: Callable[[], str] = nobody) -> None:
        """Take what proofs are held against.

        Args:
            nonces: Where nonces are kept.
            limits: How often somebody may sign, or fail to.
            token_s: How long a token is good, in seconds.
            client: Returns the network address of who calls now.
        """
        self._nonces = nonces
        self._limits = limits
        self._token_s = token_s
        self._client = client

    def check(self, address: str, signature: str, *texts: str, spend: bool = True) -> str:
        """Return the address, checksummed, of who has signed one of *texts*.

        Args:
            address: Who the request says it is from.
            signature: Over a text and the address's nonce in decimal, or a token.
            texts: What may have been signed.
            spend: Whether the nonce is used up; a request without effect leaves it.

        Raises:
            SignatureInvalid: It is not theirs, has another nonce, or has expired.
            TooManyRequests: They have signed too often of late, or the client has sent too many wrong signatures.
        """
        nonce = self._counted(address, lambda: self._recognised(address, signature, texts))
        if spend and nonce is not None and not self._nonces.spend(address, nonce):
            raise invalid(f"The nonce {nonce} is used up.")
        return checksummed(address)

    def check_lasting(self, address: str, signature: str, *texts: str) -> str:
        """Return the address, checksummed, of who has signed one of *texts*, which have no nonce.

        Whoever sees such a signature can send it again: what it may do must bear that.

        Raises:
            SignatureInvalid: It is not theirs.
            TooManyRequests: As for `check`.
        """
        self._counted(address, lambda: self._recognised_without(address, signature, texts))
        return checksummed(address)

    def _counted(self, address: str, recognise: Callable[[], T]) -> T:
        """Return what *recognise* does, unless there were too many wrong signatures, or too many of this address."""
        client = self._client()
        self._limits.listen(client)
        try:
            found = recognise()
        except SignatureInvalid:
            self._limits.failed(client)
            raise
        self._limits.signed_call(address)
        return found

    def _recognised_without(self, address: str, signature: str, texts: Sequence[str]) -> None:
        """See that *address* has signed one of *texts*, or has sent a token.

        Raises:
            SignatureInvalid: It is not theirs, or has expired.
        """
        if (token := TOKEN.fullmatch(signature)) is not None:
            self._check_token(address, token[1], int(token[2]))
        elif not any(same(signer_of(text, signature), address) for text in texts):
            raise invalid(f"It is not the signature of {address} over this request's text.")

    def _recognised(self, address: str, signature: str, texts: Sequence[str]) -> int | None:
        """Return the nonce with which *address* has signed one of *texts*; None: they have sent a token.

        Raises:
            SignatureInvalid: It is not theirs, has another nonce, or has expired.
        """
        if (token := TOKEN.fullmatch(signature)) is not None:
            self._check_token(address, token[1], int(token[2]))
            return None
        nonce = self._nonces.read(address)
        if not any(same(signer_of(f"{text}{nonce}", signature), address) for text in texts):
            raise invalid(f"It is not the signature of {address} over this request's text with the nonce {nonce}.")
        return nonce

    def _check_token(self, address: str, signature: str, signed_s: int) -> None:
        """See that a token is that of *address*, and good still.

        Raises:
            SignatureInvalid: It is not.
        """
        age_s = time.time() - signed_s
        if not -SKEW_S <= age_s < self._token_s:
            raise invalid(f"An authentication token is good for {self._token_s} s; this one is too old, or too new.")
        if not same(signer_of(f"{MESSAGE}\n{signed_s}", signature), address):
            raise invalid(f"The authentication token is not that of {address}.")


def same(one: str | None, other: str) -> bool:
    """Tell whether two spellings are of one address."""
    return one is not None and one.lower() == other.lower()


def invalid(detail: str) -> SignatureInvalid:
    """Say what is wrong with a signature; clients ask for the next nonce and sign again."""
    return SignatureInvalid(detail, headers={"WWW-Authenticate": "Signature"})
