"""Agreements of Brizo: what the contracts of a keeper say of who may have which asset.

An agreement binds nothing and may be shown again and again. It counts while the chain says so: it is asked each time.

Source:
    keeper-contracts 0.13.2: AgreementStoreManager, ConditionStoreManager, AccessSecretStoreCondition and
    ComputeExecutionCondition.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from handlers.chain.orders import is_address
from handlers.errors import ChainUnavailable, InputInvalid, PaymentMissing
from handlers.settings import Settings

if TYPE_CHECKING:
    from handlers.chain.client import Chain

STORE: Final = "AgreementStoreManager"
CONDITIONS: Final = "ConditionStoreManager"
ACCESS: Final = "AccessSecretStoreCondition"
COMPUTE: Final = "ComputeExecutionCondition"

ID: Final = re.compile(r"(?:0x)?([0-9a-fA-F]{64})")
DID: Final = "did:op:"


class Kind(enum.StrEnum):
    """What an agreement is about."""

    ACCESS = "access"
    COMPUTE = "compute"


#: Contracts that grant, by what they grant.
CONTRACTS: Final[Mapping[Kind, str]] = {Kind.ACCESS: ACCESS, Kind.COMPUTE: COMPUTE}


class State(enum.IntEnum):
    """Where a condition of an agreement stands."""

    NEW = 0  #: it is not there
    OPEN = 1
    FULFILLED = 2  #: for good
    ABORTED = 3  #: for good: its time has passed, and what was paid goes back


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What somebody wants under an agreement; all in hexadecimal, with 0x and in lower case."""

    id: str  #: of the agreement
    consumer: str  #: address
    did: str  #: of the asset, 32 bytes
    kind: Kind
    timeout_s: int  #: how long an agreement lasts from its block on; 0 for ever


@dataclass(frozen=True, kw_only=True)
class Condition:
    """A condition of an agreement."""

    state: int  #: a `State`
    block: int  #: of its last change


@dataclass(frozen=True, kw_only=True)
class Found:
    """What the chain says of an agreement, and of who shows it."""

    did: str
    made_s: int  #: time of its block, Unix seconds
    is_actor: bool  #: whether the consumer is a party to it
    is_permitted: bool  #: whether the consumer has what is wanted of the asset, under this agreement or another
    conditions: Mapping[str, Condition]  #: by their ids
    head: int


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """An agreement that entitles its consumer to an asset."""

    id: str  #: 0x and 64 hexadecimal digits, in lower case
    consumer: str  #: address, in lower case
    did: str
    kind: Kind
    block: int  #: in which it was granted
    made_s: int  #: Unix seconds


class Agreements:
    """Checks the agreements of one chain."""

    def __init__(self, chain: Callable[[], Chain], settings: Settings) -> None:
        """Name the contracts; nothing is asked yet.

        Args:
            chain: Returns the chain; raises ChainUnavailable where none is configured.
            settings: Name the contracts.
        """
        self._chain = chain
        self._addresses = settings.keeper_addresses
        self._confirmations = settings.chain_confirmations

    def check(self, agreement: str, consumer: str, did: str, kind: Kind, *, timeout_s: int, now_s: float) -> Agreement:
        """Return the agreement *agreement*, if it entitles *consumer* to an asset now.

        Permissions on the chain are those of an address for an asset, whatever agreement they come from, and are noted
        even where an agreement's time had passed and the money goes back. So the agreement's own condition has to be
        fulfilled as well, and none of its conditions may be aborted.

        Args:
            agreement: Id of the agreement, 64 hexadecimal digits with 0x or without.
            consumer: Address of who wants the asset, in any case.
            did: DID of the asset, in its canonical form.
            kind: What is wanted of it.
            timeout_s: Seconds for which an agreement lasts from its block on; 0 for ever.
            now_s: Present time, Unix seconds.

        Raises:
            InputInvalid: *agreement* is no id, or *consumer* no address.
            PaymentMissing: The agreement does not; the detail says why.
            ChainUnavailable: The chain cannot be asked, or no contracts are named.
        """
        claim = claim_of(agreement, consumer, did, kind, timeout_s)
        self._demand_contracts()
        granting = condition_id(claim, self._addresses[CONTRACTS[kind]])
        found = self._ask(claim)
        if fault := fault_of(found, claim, granting, now_s=now_s, confirmations=self._confirmations):
            raise PaymentMissing(fault)
        block = found.conditions[granting].block
        return Agreement(id=claim.id, consumer=claim.consumer, did=did, kind=kind, block=block, made_s=found.made_s)

    def asset_of(self, agreement: str) -> str:
        """Return the DID of the asset that an agreement is about.

        Raises:
            InputInvalid: *agreement* is no id.
            PaymentMissing: There is none with this id.
            ChainUnavailable: The chain cannot be asked, or no contracts are named.
        """
        digits = ID.fullmatch(agreement)
        if digits is None:
            raise not_an_id()
        self._demand_contracts()
        with self._chain().bounded():
            made = self._call(STORE, "getAgreement", bytes_of(digits[1]))
        if not any(made[0]):
            raise not_there()
        return DID + hexed(made[0]).removeprefix("0x")

    def _demand_contracts(self) -> None:
        """Raise ChainUnavailable unless contracts are named."""
        if not self._addresses:
            raise ChainUnavailable(
                "This server knows no contracts of agreements (SEAMARK_KEEPER_CONTRACTS), so it cannot check them."
            )

    def _ask(self, claim: Claim) -> Found:
        """Ask the chain for an agreement.

        Raises:
            PaymentMissing: It is not on the chain.
            ChainUnavailable: The chain cannot be asked.
        """
        from eth_utils.address import to_checksum_address

        chain, agreement, consumer = self._chain(), bytes_of(claim.id), to_checksum_address(claim.consumer)
        with chain.bounded():
            made = self._call(STORE, "getAgreement", agreement)
            if not any(made[0]):
                raise not_there()
            return Found(
                did=hexed(made[0]),
                made_s=chain.time_of(made[5]),
                is_actor=any(self._call(STORE, "getActorType", agreement, consumer)),
                is_permitted=self._is_permitted(claim.kind, bytes_of(claim.did), consumer),
                conditions={hexed(one): self._condition(one) for one in made[3]},
                head=chain.head(),
            )

    def _is_permitted(self, kind: Kind, did: bytes, consumer: str) -> bool:
        """Tell whether a consumer has what is wanted of an asset, under whatever agreement."""
        if kind == Kind.ACCESS:
            return bool(self._call(ACCESS, "checkPermissions", consumer, did))
        return bool(self._call(COMPUTE, "wasComputeTriggered", did, consumer))

    def _condition(self, condition: bytes) -> Condition:
        """Return how a condition stands."""
        found = self._call(CONDITIONS, "getCondition", condition)
        return Condition(state=found[1], block=found[6])

    def _call(self, contract: str, function: str, *args: Any) -> Any:
        """Return what a function of a contract answers."""
        return self._chain().call(self._addresses[contract], contract, function, *args)


def not_an_id() -> InputInvalid:
    """Return what is wrong with a text that is no id of an agreement."""
    return InputInvalid("The id of the agreement is not 64 hexadecimal digits, with 0x before them or without.")


def not_there() -> PaymentMissing:
    """Return what is wrong with an id that is no agreement's."""
    return PaymentMissing("The agreement is not on the chain, or not yet.")


def claim_of(agreement: str, consumer: str, did: str, kind: Kind, timeout_s: int) -> Claim:
    """Return what is wanted, in the chain's terms.

    Raises:
        InputInvalid: *agreement* is no id, or *consumer* no address.
        PaymentMissing: The DID is shorter than those of a keeper.
    """
    found = ID.fullmatch(agreement)
    if found is None:
        raise not_an_id()
    if not is_address(consumer):
        raise InputInvalid("The consumer's address is not 0x and 40 hexadecimal digits.")
    asset = ID.fullmatch(did.removeprefix(DID))
    if asset is None:
        raise PaymentMissing("There are no agreements of this asset: its DID does not have 64 digits.")
    digits = {"id": found[1], "consumer": consumer[2:], "did": asset[1]}
    return Claim(**{name: "0x" + one.lower() for name, one in digits.items()}, kind=kind, timeout_s=timeout_s)


def fault_of(found: Found, claim: Claim, granting: str, *, now_s: float, confirmations: int) -> str | None:
    """Say why an agreement does not entitle its consumer now; None: it does.

    Args:
        found: What the chain says of it.
        claim: What is wanted.
        granting: Id of the condition that grants this very claim.
        now_s: Present time, Unix seconds.
        confirmations: Blocks that have to follow the granting.
    """
    grant = found.conditions.get(granting, Condition(state=State.NEW, block=0))
    aborted = any(one.state == State.ABORTED for one in found.conditions.values())
    missing = grant.block + confirmations - found.head
    late_s = int(now_s - found.made_s - claim.timeout_s)
    faults = (
        (found.did != claim.did, "The agreement is of another asset."),
        (not found.is_actor, "The address is no party to the agreement."),
        (grant.state == State.NEW, f"The agreement is not of {claim.kind} by this address."),
        (aborted, "The agreement was aborted: what a condition of it asks for was not done in time."),
        (grant.state != State.FULFILLED, f"The agreement waits: its {claim.kind} is not granted yet."),
        (not found.is_permitted, f"The {claim.kind} that the agreement granted was taken back."),
        (missing > 0, f"The agreement needs {missing} more blocks after it was granted."),
        (claim.timeout_s > 0 and late_s > 0, f"The agreement ended {late_s} seconds ago."),
    )
    return next((words for wrong, words in faults if wrong), None)


def condition_id(claim: Claim, contract: str) -> str:
    """Return the id of the condition by which a contract grants a claim.

    Only that contract can fulfil it, and it does so for who owns or provides the asset.

    Source:
        keeper-contracts 0.13.2: `generateId` and `hashValues` of the condition's contract.
    """
    from eth_utils.crypto import keccak

    values = keccak(bytes_of(claim.did) + bytes_of(claim.consumer))
    return hexed(keccak(bytes_of(claim.id) + bytes_of(contract) + values))


def bytes_of(text: str) -> bytes:
    """Return the bytes that hexadecimal digits stand for."""
    return bytes.fromhex(text.removeprefix("0x"))


def hexed(data: bytes) -> str:
    """Return bytes in hexadecimal, with 0x."""
    return "0x" + data.hex()
