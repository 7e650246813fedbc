"""The two doors to compute: what Provider's callers sign and pay, and what Brizo's do."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from handlers.assets.access import Door as AssetDoor
from handlers.assets.access import check_person
from handlers.chain.agreements import Agreements, Kind
from handlers.compute.plan import Part, Wish
from handlers.compute.records import BRIZO, PROVIDER, Records, Which, reference_of
from handlers.identities.proofs import Proofs
from handlers.identities.throttle import Throttle
from handlers.wire import Caller


class Door(Protocol):
    """What differs between the two."""

    name: str
    sees: str | None  #: through which door the jobs came that are told of here; None: either

    def prove(self, address: str, which: Which, *texts: str) -> str:
        """Return the address, checksummed, of who has signed one of *texts*.

        Raises:
            SignatureInvalid: It is not *address*.
        """

    def complete(self, which: Which, wish: Wish) -> Wish:
        """Return what is wanted with the asset that the request is about.

        Raises:
            PaymentMissing: Nothing says which.
        """

    def entitle(self, part: Part, which: Which, signer: str, caller: Caller) -> None:
        """See that *signer* may compute on the asset that the request is about.

        Raises:
            Forbidden: It is not for them.
            PaymentMissing: It is not paid for.
            ChainUnavailable: Nobody can tell.
        """

    def may_act(self, job_id: str, verb: str, which: Which) -> bool:
        """Tell whether a proven request may change a job; a signature that can be sent again does each thing once."""


class ProviderDoor:
    """Signatures with a nonce, good for one request; orders of datatokens."""

    name = PROVIDER

    def __init__(self, proofs: Proofs, payments: Payments, *, sees: str | None = PROVIDER) -> None:
        """Check signatures with *proofs*, and orders with *payments*."""
        self.sees = sees
        self._proofs = proofs
        self._payments = payments

    def prove(self, address: str, which: Which, *texts: str) -> str:
        """Return the address, checksummed, of who has signed; their nonce is used up."""
        return self._proofs.check(address, which.signature, *texts)

    def complete(self, which: Which, wish: Wish) -> Wish:
        """Return what is wanted as it is: the request names the asset."""
        return wish

    def entitle(self, part: Part, which: Which, signer: str, caller: Caller) -> None:
        """See that *signer* has ordered the asset's service."""
        self._payments.entitle(part, signer, caller)

    def may_act(self, job_id: str, verb: str, which: Which) -> bool:
        """Tell that it may: the nonce is spent."""
        return True


class BrizoDoor:
    """Signatures without a nonce, good as often as wanted, within bounds; service agreements."""

    name = BRIZO
    sees: str | None = BRIZO

    def __init__(self, proofs: Proofs, agreements: Agreements, records: Records, rates: Throttle) -> None:
        """Check signatures with *proofs* and agreements with *agreements*; *records* know what signatures have done."""
        self._proofs = proofs
        self._agreements = agreements
        self._records = records
        self._rates = rates

    def prove(self, address: str, which: Which, *texts: str) -> str:
        """Return the address, checksummed, of who has signed."""
        signer = self._proofs.check_lasting(address, which.signature, *texts)
        # Counted only now: who names an agreement without having signed it uses up nothing of it.
        self._rates.take("agreement", reference_of(which.subject) or which.job)
        return signer

    def complete(self, which: Which, wish: Wish) -> Wish:
        """Return what is wanted with the asset of the agreement."""
        return replace(wish, data=replace(wish.data, did=self._agreements.asset_of(which.subject)))

    def entitle(self, part: Part, which: Which, signer: str, caller: Caller) -> None:
        """See that *signer* may compute under the agreement."""
        check_person(part.asset, signer, caller)
        self._agreements.check(
            which.subject, signer, part.asset.did, Kind.COMPUTE, timeout_s=part.offer.timeout_s, now_s=time.time()
        )

    def may_act(self, job_id: str, verb: str, which: Which) -> bool:
        """Tell whether this signature has not done this to the job before."""
        return self._records.spend(job_id, f"{verb} {which.signature.lower().removeprefix('0x')}")


class Payments:
    """Looks whether what takes part in a job was ordered."""

    def __init__(self, door: AssetDoor, provider: Callable[[], str | None]) -> None:
        """Ask *door*; an order may also be paid to the address that *provider* returns."""
        self._door = door
        self._provider = provider

    def entitle(self, part: Part, signer: str, caller: Caller) -> None:
        """See that *signer* may have an asset's service.

        Raises:
            Forbidden: It is not for them.
            PaymentMissing: It is not paid for.
            ChainUnavailable: Nobody can tell.
        """
        self._door.entitle(part.claim, part.offer, signer, caller, provider=self._provider())


def texts_of(which: Which, *, owner: str) -> Sequence[str]:
    """Return what may have been signed of a request about jobs; clients sign a DID of bare digits without its 0x."""
    subjects = dict.fromkeys((which.subject, which.subject.removeprefix("0x")))
    return [f"{owner}{which.job}{subject}" for subject in subjects]


def start_texts_of(which: Which) -> Sequence[str]:
    """Return what may have been signed to start a job: one client leaves the job's id out."""
    subjects = dict.fromkeys((which.subject, which.subject.removeprefix("0x")))
    return [f"{which.owner}{job}{subject}" for job in dict.fromkeys((which.job, "")) for subject in subjects]
