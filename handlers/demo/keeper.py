"""The real contracts of the keeper-contracts package, for Brizo's agreements, and the verbs of those who use them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, files
from typing import Any, Final

from eth_abi.packed import encode_packed
from eth_utils.crypto import keccak

from handlers.chain.agreements import ACCESS, COMPUTE, CONDITIONS, CONTRACTS, DID, STORE, Kind, bytes_of
from handlers.demo.contracts import Ask, Contract
from handlers.settings import KEEPER_CONTRACTS

PACKAGE: Final = "keeper-contracts"
TEMPLATES: Final = "TemplateStoreManager"
REGISTRY: Final = "DIDRegistry"
TOKEN: Final = "OceanToken"  # noqa: S105 - a contract
LOCK: Final = "LockRewardCondition"
ESCROW: Final = "EscrowReward"
NAMES: Final = (STORE, CONDITIONS, TEMPLATES, REGISTRY, TOKEN, LOCK, ESCROW, ACCESS, COMPUTE)
LIBRARIES: Final = ("EpochLibrary", "DIDRegistryLibrary")

PROPOSE: Final = "proposeTemplate(bytes32,address[],bytes32[],string)"
AGREE: Final = "createAgreement(bytes32,bytes32,bytes32,bytes32[],uint256[],uint256[],address[])"
ACTORS: Final = ("provider", "consumer")  #: in this order in each template
#: Templates by what they are about; the ecosystem's names.
TEMPLATE_NAMES: Final[Mapping[Kind, str]] = {
    Kind.ACCESS: "EscrowAccessSecretStoreTemplate",
    Kind.COMPUTE: "EscrowComputeExecutionTemplate",
}


def artifact(name: str, libraries: Mapping[str, str] | None = None) -> Mapping[str, Any]:
    """Return what the compiler made of a contract, linked with libraries that are on the chain.

    Args:
        name: Of the contract.
        libraries: Their addresses by name; none where the contract is on the chain already.

    Raises:
        ModuleNotFoundError: The package is missing; it comes with the extra `demo`.
    """
    try:
        listed = files(PACKAGE) or []
    except PackageNotFoundError:
        raise ModuleNotFoundError("keeper-contracts is missing: pip install 'seamark[demo]'") from None
    path = next(file for file in listed if file.name == f"{name}.development.json")
    found = json.loads(path.read_text())
    for library, address in (libraries or {}).items():
        # The compiler leaves 40 characters free for an address, and writes the library's name into them.
        found["bytecode"] = found["bytecode"].replace(f"__{library}".ljust(40, "_"), address[2:].lower())
    return dict(found)


@dataclass(frozen=True, kw_only=True)
class Deal:
    """An agreement that was made: who gets what of which asset, for how much."""

    id: str  #: 0x and 64 hexadecimal digits
    kind: Kind
    did: bytes
    consumer: str
    provider: str
    amount: int  #: of the smallest unit of the token
    conditions: tuple[bytes, ...]  #: ids: granting, payment, and what becomes of the payment


class Keeper:
    """The contracts on a chain, used by accounts that the node signs for; all addresses have their checksum."""

    def __init__(self, ask: Ask, addresses: Mapping[str, str], minter: str) -> None:
        """Use the contracts that `deploy` has put on a chain, at their addresses."""
        self.ask = ask
        self.contracts = {name: Contract(ask, name, addresses[name], made=artifact(name)) for name in NAMES}
        self.minter = minter

    @property
    def addresses(self) -> dict[str, str]:
        """Addresses of the contracts by their names."""
        return {name: contract.address for name, contract in self.contracts.items()}

    def register(self, owner: str, provider: str, did: str = "", url: str = "") -> str:
        """Register an asset of *owner*'s that *provider* serves, and return its DID.

        Args:
            owner: Whose it is.
            provider: Who may grant it besides.
            did: Its DID; a new one by default.
            url: Where its DDO is.
        """
        asset = bytes_of(did.removeprefix(DID)) if did else secrets.token_bytes(32)
        self.contracts[REGISTRY].transact(owner, "registerAttribute", asset, keccak(asset), [provider], url)
        return DID + asset.hex()

    def agree(
        self, kind: Kind, did: str, consumer: str, provider: str, *, amount: int = 10, timeout_blocks: int = 0
    ) -> Deal:
        """Make an agreement of *consumer*'s with *provider*, which the template of its kind describes.

        Args:
            kind: What it is about.
            did: Of the asset.
            consumer: Who makes it.
            provider: Who has to grant.
            amount: Price, in the smallest unit of the token.
            timeout_blocks: Blocks after which it can no longer be granted; 0 for ever.
        """
        agreement, asset = secrets.token_bytes(32), bytes_of(did.removeprefix(DID))
        escrow = self.contracts[ESCROW].address
        grant = self._condition(agreement, CONTRACTS[kind], ("bytes32", asset), ("address", consumer))
        lock = self._condition(agreement, LOCK, ("address", escrow), ("uint256", amount))
        reward = (("uint256", amount), ("address", provider), ("address", consumer), ("bytes32", lock))
        release = self._condition(agreement, ESCROW, *reward, ("bytes32", grant))
        conditions = (grant, lock, release)
        template, timeouts = template_id(kind), (timeout_blocks, 0, 0)
        arguments = (agreement, asset, template, conditions, (0, 0, 0), timeouts, (provider, consumer))
        self.contracts[STORE].transact(consumer, AGREE, *arguments)
        return Deal(
            id="0x" + agreement.hex(),
            kind=kind,
            did=asset,
            consumer=consumer,
            provider=provider,
            amount=amount,
            conditions=conditions,
        )

    def pay(self, deal: Deal) -> None:
        """Let the consumer lock the price, of tokens that are minted for it."""
        self.contracts[TOKEN].transact(self.minter, "mint", deal.consumer, deal.amount)
        self.contracts[TOKEN].transact(deal.consumer, "approve", self.contracts[LOCK].address, deal.amount)
        escrow = self.contracts[ESCROW].address
        self.contracts[LOCK].transact(deal.consumer, "fulfill", bytes_of(deal.id), escrow, deal.amount)

    def grant(self, deal: Deal) -> None:
        """Let the provider give the consumer access, or start its computation."""
        contract = self.contracts[CONTRACTS[deal.kind]]
        contract.transact(deal.provider, "fulfill", bytes_of(deal.id), deal.did, deal.consumer)

    def abort(self, deal: Deal) -> None:
        """Let the consumer end what was not granted in its time."""
        self.contracts[CONTRACTS[deal.kind]].transact(deal.consumer, "abortByTimeOut", deal.conditions[0])

    def release(self, deal: Deal) -> None:
        """Hand on what was paid: to the provider, who has granted, or back where that was aborted."""
        grant, lock, _ = deal.conditions
        parties = (deal.amount, deal.provider, deal.consumer)
        self.contracts[ESCROW].transact(deal.consumer, "fulfill", bytes_of(deal.id), *parties, lock, grant)

    def renounce(self, deal: Deal, owner: str) -> None:
        """Let the owner of the asset take the consumer's access away."""
        self.contracts[ACCESS].transact(owner, "renouncePermission", deal.consumer, deal.did)

    def is_permitted(self, deal: Deal) -> bool:
        """Tell whether the consumer has what a deal is about, under this agreement or another."""
        if deal.kind is Kind.ACCESS:
            return self._number(ACCESS, "checkPermissions", deal.consumer, deal.did) == 1
        return self._number(COMPUTE, "wasComputeTriggered", deal.did, deal.consumer) == 1

    def balance(self, address: str) -> int:
        """Return how much of the token an address has."""
        return self._number(TOKEN, "balanceOf", address)

    def _number(self, contract: str, function: str, *args: Any) -> int:
        """Return the number that a function of a contract answers."""
        called = self.contracts[contract]
        answer = self.ask("eth_call", {"to": called.address, "data": called.data(function, *args)}, "latest")
        return int(answer, 16)

    def _condition(self, agreement: bytes, contract: str, *values: tuple[str, Any]) -> bytes:
        """Return the id of a contract's condition; *values* are what it depends on, each with its type."""
        hashed = keccak(encode_packed([kind for kind, _ in values], [value for _, value in values]))
        parts = (agreement, self.contracts[contract].address, hashed)
        return keccak(encode_packed(["bytes32", "address", "bytes32"], parts))


def deploy(ask: Ask, owner: str, minter: str) -> Keeper:
    """Put the contracts on a chain, with templates for access and for compute.

    Args:
        ask: Asks the node.
        owner: Whose they are.
        minter: Who may mint the token; the contract wants it to be somebody else.
    """
    libraries = {name: put(ask, owner, name).address for name in LIBRARIES}
    contracts = {name: put(ask, owner, name, libraries) for name in NAMES}
    at = {name: contract.address for name, contract in contracts.items()}
    for name in (CONDITIONS, TEMPLATES, REGISTRY):
        contracts[name].transact(owner, "initialize(address)", owner)
    stores = (at[CONDITIONS], at[TEMPLATES], at[REGISTRY])
    contracts[STORE].transact(owner, "initialize(address,address,address,address)", owner, *stores)
    contracts[CONDITIONS].transact(owner, "delegateCreateRole", at[STORE])
    contracts[TOKEN].transact(owner, "initialize(address,address)", owner, minter)
    for name, other in ((LOCK, TOKEN), (ESCROW, TOKEN), (ACCESS, STORE), (COMPUTE, STORE)):
        contracts[name].transact(owner, "initialize(address,address,address)", owner, at[CONDITIONS], at[other])
    approve_templates(contracts, owner)
    return Keeper(ask, at, minter)


def put(ask: Ask, owner: str, name: str, libraries: Mapping[str, str] | None = None) -> Contract:
    """Put one contract on a chain."""
    return Contract(ask, name, made=artifact(name, libraries)).deploy(owner)


def setting_of(addresses: Mapping[str, str]) -> str:
    """Return what SEAMARK_KEEPER_CONTRACTS has to be."""
    return ",".join(f"{name}={addresses[name]}" for name in KEEPER_CONTRACTS)


def approve_templates(contracts: Mapping[str, Contract], owner: str) -> None:
    """Propose and approve what agreements may be made of."""
    templates = contracts[TEMPLATES]
    for actor in ACTORS:
        templates.transact(owner, "registerTemplateActorType", actor)
    actors = [keccak(text=actor) for actor in ACTORS]
    for kind, name in TEMPLATE_NAMES.items():
        conditions = [contracts[one].address for one in (CONTRACTS[kind], LOCK, ESCROW)]
        templates.transact(owner, PROPOSE, template_id(kind), conditions, actors, name)
        templates.transact(owner, "approveTemplate", template_id(kind))


def template_id(kind: Kind) -> bytes:
    """Return the id under which the template of a kind is known."""
    return keccak(text=TEMPLATE_NAMES[kind])
