"""The one door to an asset's contents: who is it, may they, and have they paid."""

from __future__ import annotations

from dataclasses import dataclass

from handlers.assets import ddo, offers
from handlers.assets.offers import Offer
from handlers.assets.params import wrong
from handlers.assets.store import Asset
from handlers.chain.till import Till
from handlers.errors import Forbidden, PaymentMissing
from handlers.identities.limits import Limits
from handlers.identities.proofs import Proofs
from handlers.wire import Caller


@dataclass(frozen=True)
class Grant:
    """Leave to read one asset."""

    asset: Asset
    caller: str | None  #: name of the caller; None for a stranger


def check(asset: Asset, caller: Caller) -> Grant:
    """Return leave to read *asset*, if the caller may.

    Raises:
        PaymentMissing: It has a price, and there is no order of the caller's.
        Forbidden: It is another's, or withdrawn, or kept for named addresses.
    """
    if asset.owner is not None and not caller.may("manage"):
        if asset.owner == caller.name:
            return Grant(asset, caller.name)
        raise Forbidden(f"The asset {asset.did} belongs to somebody else.")
    if caller.may("manage"):
        return Grant(asset, caller.name)
    offers.check_state(asset)
    if ddo.is_priced(asset.ddo):
        raise PaymentMissing(f"The asset {asset.did} has a price, so an operation may not read it.")
    if ddo.is_restricted(asset.ddo):
        raise Forbidden(f"The asset {asset.did} is kept for named addresses.")
    return Grant(asset, caller.name)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What a request says of who wants which service, and why they may have it."""

    asset: Asset
    document_id: str  #: the DID as it was sent, which is what is signed
    consumer: str
    signature: str = ""
    service: int | None = None
    kind: str = ""
    token: str = ""
    order: str = ""  #: hash of the transaction
    client: str = ""  #: network address of who asks


class Door:
    """Lets those in who prove that they may have a service of an asset."""

    def __init__(self, proofs: Proofs, till: Till, limits: Limits) -> None:
        """Check signatures with *proofs*, and orders with *till*; count with *limits* what is no order."""
        self._proofs = proofs
        self._till = till
        self._limits = limits

    def admit(self, claim: Claim, caller: Caller, *, provider: str | None, spend: bool = True) -> Grant:
        """Return leave to have the asset's files.

        Whatever can be refused without the signature is refused before the nonce is used up.

        Args:
            claim: Who wants what.
            caller: Who calls, as their bearer token says, if they have one.
            provider: Address to which an order may be paid besides the asset's own.
            spend: Whether the nonce is used up.

        Raises:
            SignatureInvalid: The consumer has not signed this.
            Forbidden: The asset is not for them.
            PaymentMissing: They have not paid for it.
            ChainUnavailable: Nobody can tell.
        """
        offer = self.offer(claim)
        texts = {claim.document_id, claim.document_id.removeprefix("0x")}
        signer = self._proofs.check(claim.consumer, claim.signature, *texts, spend=spend)
        return self.entitle(claim, offer, signer, caller, provider=provider)

    def entitle(self, claim: Claim, offer: Offer, signer: str, caller: Caller, *, provider: str | None) -> Grant:
        """Return leave to have what *offer* offers, to one who has shown to be *signer*.

        Raises:
            Forbidden: The asset is not for them.
            PaymentMissing: They have not paid for it.
            ChainUnavailable: Nobody can tell.
        """
        check_person(claim.asset, signer, caller)
        if offer.amount:
            self._check_order(offer, claim, signer, provider)
        return Grant(claim.asset, signer)

    def offer(self, claim: Claim) -> Offer:
        """Return the service that is wanted; one that gives out files.

        Raises:
            NotFound: There is none.
            InputInvalid: It is another.
        """
        offer = offers.find(claim.asset, index=claim.service, kind=claim.kind)
        offers.check_token(offer, claim.token)
        if offer.kind != "access":
            raise wrong("serviceId", "The service computes on the files, and gives none out.")
        return offer

    def _check_order(self, offer: Offer, claim: Claim, signer: str, provider: str | None) -> None:
        if not claim.order:
            self._till.chain  # noqa: B018 - without a chain nobody could have paid, which is not the caller's fault
            raise PaymentMissing("The service has a price; `transferTxId` has to name the transaction that paid it.")
        try:
            self._till.check(claim.order, signer, offer.terms(provider), asset=offer.did)
        except PaymentMissing:
            # Addresses cost nothing to make, so that a guesser's each would have a count of its own.
            self._limits.failed(claim.client)
            raise


def check_person(asset: Asset, address: str, caller: Caller) -> None:
    """Let an address have an asset that is for everybody, or for just this address or caller.

    Raises:
        Forbidden: It is somebody else's, or is withdrawn, or kept for others.
    """
    offers.check_credentials(asset, address)
    if asset.owner is None or asset.owner == caller.name or asset.owner.lower() == address.lower():
        return
    if not caller.may("manage"):
        raise Forbidden(f"The asset {asset.did} belongs to somebody else.")
