"""Quotes, and files for those who may have them."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from handlers.assets import ddo as ddos
from handlers.assets import filelist, offers
from handlers.assets.access import Claim, Door, check_person
from handlers.assets.delivery import Delivery, File
from handlers.assets.offers import Offer
from handlers.assets.resolver import Resolver
from handlers.assets.store import Asset
from handlers.chain.orders import is_address
from handlers.chain.till import Till
from handlers.errors import AddressRefused, BadGateway, NotFound, TooLarge, Unavailable, Unprocessable
from handlers.files.content import described
from handlers.files.ranges import wanted
from handlers.files.sealed import document_of, seal
from handlers.identities.nonces import Nonces
from handlers.identities.signatures import checksummed
from handlers.keys import Keys
from handlers.wire import Reply, Request

#: What makes a file one that cannot be had, and no fault of this server's.
NOT_TO_BE_HAD: Final = (AddressRefused, BadGateway, NotFound, TooLarge, Unavailable, Unprocessable)


@dataclass(frozen=True, kw_only=True)
class Quote:
    """What a service costs, and to whom it is paid."""

    offer: Offer
    consumer: str  #: as it was sent
    recipient: str
    nonce: int
    order: str | None  #: hash of an order of the consumer's that is still good


class Shop:
    """Sells what assets offer."""

    def __init__(
        self,
        *,
        assets: Resolver,
        door: Door,
        delivery: Delivery,
        nonces: Nonces,
        till: Till,
        keys: Keys,
        has_chain: bool,
        checksum_bytes: int,
        look_s: float,
    ) -> None:
        """Take those who do parts of it.

        Args:
            assets: Finds assets.
            door: Lets in who may have their files.
            delivery: Finds the files.
            nonces: What each address signs next.
            till: Looks up orders.
            keys: Seal lists of files.
            has_chain: Whether there is a chain to ask.
            checksum_bytes: Of the largest file whose checksum is computed.
            look_s: How long one call may look at files, in seconds.
        """
        self._assets = assets
        self._door = door
        self._delivery = delivery
        self._nonces = nonces
        self._till = till
        self._keys = keys
        self._has_chain = has_chain
        self._checksum_bytes = checksum_bytes
        self._look_s = look_s

    def quote(self, claim: Claim, userdata: Mapping[str, Any], at: Request) -> Quote:
        """Return what a service costs, once it is seen that its first file can be had.

        Raises:
            NotFound: There is no such asset or service.
            Forbidden: It is not for the consumer.
            BadGateway: Its file cannot be had.
            ChainUnavailable: It has a price, and nobody can tell what was paid.
        """
        offer = offers.find(claim.asset, index=claim.service, kind=claim.kind)
        offers.check_token(offer, claim.token)
        check_person(claim.asset, claim.consumer, at.caller)
        quote = self._priced(claim.asset, offer, claim.consumer)
        self._delivery.files(claim.asset, userdata)[0].source.probe()
        return quote

    def fetch(self, claim: Claim, index: int, userdata: Mapping[str, Any], at: Request) -> Reply:
        """Return a file to whom it is due; HEAD tells what it is, and has no effect.

        Raises:
            SignatureInvalid: The consumer has not signed this.
            Forbidden: The asset is not for them, or not paid for.
            NotFound: There is no such file.
            RangeNotSatisfiable: It has no such part.
            BadGateway: It cannot be had.
        """
        only_look = at.method == "HEAD"
        provider = self.address() or None
        self._door.offer(claim)
        file = self._delivery.file(claim.asset, index, userdata)
        self._door.admit(claim, at.caller, provider=provider, spend=not only_look)
        if only_look:
            return described(file.described(file.source.probe()))
        content = file.source.open(wanted(at.headers.get("range", "")), at.headers.get("if-range", ""))
        return content.as_reply(file.described(content.facts))

    def inspect(self, files: list[File], *, checksum: bool) -> list[dict[str, Any]]:
        """Return what is known of files; those that cannot be had, or that there was no time for, are not valid."""
        until = time.monotonic() + self._look_s
        return [self._inspected(file, checksum, until) for file in files]

    def files_of(self, did: str) -> list[File]:
        """Return the files of an asset.

        Raises:
            NotFound: There is no such asset, or its files are not on offer here.
        """
        return self._delivery.files(self._assets.read(did))

    def file_at(self, url: str) -> list[File]:
        """Return the file at an address; none where no file may be had from there."""
        try:
            return [self._delivery.address(url)]
        except NOT_TO_BE_HAD:
            return []

    def seal(self, document: Any, did: str) -> str:
        """Return a list of files, encrypted for the asset *did* alone where that is a DID.

        Raises:
            InputInvalid: It is no JSON.
            KeyUnavailable: The provider has no key.
        """
        return seal(filelist.bound(document_of(document), did), self._keys.current)

    def address(self) -> str:
        """Return the provider's Ethereum address; empty where it has no key."""
        try:
            return self._keys.current.address
        except Unavailable:
            return ""

    def chain_id(self) -> int | None:
        """Return the id of the chain on which orders are looked up; None where there is none, or it does not answer."""
        if not self._has_chain:
            return None
        try:
            return self._till.chain.id()
        except Unavailable:
            return None

    def _priced(self, asset: Asset, offer: Offer, consumer: str) -> Quote:
        """Return a quote; what is free needs no chain."""
        recipient, order = ddos.publisher_of(asset.ddo) or self.address(), None
        if offer.amount:
            minter = self._till.minter(offer.token)
            recipient = checksummed(minter) if minter else recipient
            if is_address(consumer):
                order = self._till.current(consumer, offer.terms(self.address() or None), asset=asset.did)
        return Quote(
            offer=offer,
            consumer=consumer,
            recipient=recipient,
            nonce=self._nonces.read(consumer),
            order=order.tx if order else None,
        )

    def _inspected(self, file: File, checksum: bool, until: float) -> dict[str, Any]:
        """Return what is known of a file, of which nothing more is begun after *until*, `time.monotonic` seconds."""
        try:
            check_time(until)
            facts = file.described(file.source.probe())
            found: dict[str, Any] = {"index": file.index, "valid": True, "contentType": facts.content_type}
            if facts.length is not None:
                found["contentLength"] = str(facts.length)
            return found | (self._checksum(file, until) if checksum else {})
        except NOT_TO_BE_HAD:
            return {"index": file.index, "valid": False}

    def _checksum(self, file: File, until: float) -> dict[str, Any]:
        """Return the checksum of a file that is not too large, and is here by *until*, `time.monotonic` seconds.

        Raises:
            TooLarge: It is.
            BadGateway: It is not here by then, or breaks off.
        """
        content = file.source.open(None, "")
        try:
            if content.total > self._checksum_bytes:
                raise TooLarge(f"Checksums are computed of files up to {self._checksum_bytes} bytes.")
            digest = hashlib.sha256()
            for chunk in content.chunks:
                check_time(until)
                digest.update(chunk)
        finally:
            content.chunks.close()
        return {"contentLength": str(content.total), "checksum": digest.hexdigest(), "checksumType": "sha256"}


def check_time(until: float) -> None:
    """Go on only before *until*, `time.monotonic` seconds.

    Raises:
        BadGateway: It has passed.
    """
    if time.monotonic() > until:
        raise BadGateway("The file's server took too long.")
