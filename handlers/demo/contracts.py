"""The real contracts of the ocean-contracts package, put on a chain whose accounts sign for themselves."""

from __future__ import annotations

import importlib.util
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from eth_abi.abi import encode
from eth_utils.abi import abi_to_signature, event_abi_to_log_topic, function_abi_to_4byte_selector
from eth_utils.address import to_checksum_address

CAP: Final = 10**27  #: wei of a datatoken: a thousand million tokens
TOKEN: Final = 10**18
GAS: Final = 6_000_000  #: what a transaction may use; some nodes guess too little
MINED_S: Final = 10.0  # how long a transaction is waited for
POLL_S: Final = 0.02

Ask = Callable[..., Any]  #: asks a node: method, then its parameters


def artifact(name: str) -> Mapping[str, Any]:
    """Return what the compiler made of a contract: `abi`, `bytecode` and more.

    Raises:
        ModuleNotFoundError: The package is missing; it comes with the extra `demo`.
    """
    package = importlib.util.find_spec("artifacts")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("ocean-contracts is missing: pip install 'seamark[demo]'")
    found: Mapping[str, Any] = json.loads((Path(package.origin).parent / f"{name}.json").read_text())
    return found


class Contract:
    """A contract on a chain, or one that is to be put there."""

    def __init__(self, ask: Ask, name: str, address: str = "", *, made: Mapping[str, Any] | None = None) -> None:
        """Use the contract *name* at *address*, asked through *ask*; *made* is what the compiler made of it."""
        self.ask = ask
        self.artifact = made or artifact(name)
        self.address = address

    def deploy(self, sender: str, *args: Any) -> Contract:
        """Put it on the chain and return itself, with its address."""
        types = [one["type"] for one in self._entry("constructor")["inputs"]] if args else []
        data = self.artifact["bytecode"] + encode(types, args).hex()
        self.address = mined(self.ask, {"from": sender, "data": data})["contractAddress"]
        return self

    def transact(self, sender: str, function: str, *args: Any) -> Mapping[str, Any]:
        """Call a function, given by its name or its signature, in a transaction, and return the receipt."""
        data = self.data(function, *args)
        return mined(self.ask, {"from": sender, "to": self.address, "data": data})

    def data(self, function: str, *args: Any) -> str:
        """Return what calls a function."""
        entry = self._entry("function", function)
        arguments = encode([one["type"] for one in entry["inputs"]], args)
        return "0x" + (function_abi_to_4byte_selector(entry) + arguments).hex()

    def topic(self, event: str) -> str:
        """Return the first topic of an event's logs."""
        return "0x" + event_abi_to_log_topic(self._entry("event", event)).hex()

    def _entry(self, kind: str, name: str | None = None) -> Any:
        """Return a part of the ABI: the first of that name, or the one with that signature."""
        entries = [one for one in self.artifact["abi"] if one["type"] == kind]
        if name and name.endswith(")"):
            return next(one for one in entries if abi_to_signature(one) == name)
        return next(one for one in entries if one.get("name") == name)


def mined(ask: Ask, transaction: Mapping[str, Any]) -> Mapping[str, Any]:
    """Send a transaction to a node that mines without being told to, and return its receipt.

    Raises:
        RuntimeError: It failed, or is not mined in time.
    """
    tx = ask("eth_sendTransaction", {"gas": hex(GAS), **transaction})
    end = time.monotonic() + MINED_S
    while (receipt := ask("eth_getTransactionReceipt", tx)) is None and time.monotonic() < end:
        time.sleep(POLL_S)
    if receipt is None or receipt["status"] != "0x1":
        raise RuntimeError(f"The transaction {tx} failed.")
    found: Mapping[str, Any] = receipt
    return found


def deploy_all(ask: Ask, owner: str) -> dict[str, str]:
    """Put on the chain what clients look for, and return the addresses by the names that they know."""
    collector = Contract(ask, "OPFCommunityFeeCollector").deploy(owner, owner, owner)
    arguments = ("DataTokenTemplate", "TEMPLATE", owner, CAP, "", collector.address)
    template = Contract(ask, "DataTokenTemplate").deploy(owner, *arguments)
    made = {
        "DTFactory": Contract(ask, "DTFactory").deploy(owner, template.address, collector.address),
        "Metadata": Contract(ask, "Metadata").deploy(owner),
        "FixedRateExchange": Contract(ask, "FixedRateExchange").deploy(owner),
        "Dispenser": Contract(ask, "Dispenser").deploy(owner),
        "OPFCommunityFeeCollector": collector,
    }
    return {name: contract.address for name, contract in made.items()}


def create_datatoken(ask: Ask, factory: str, owner: str, name: str, symbol: str) -> Contract:
    """Let the factory make a datatoken whose minter is *owner*."""
    maker = Contract(ask, "DTFactory", factory)
    receipt = maker.transact(owner, "createToken", "", name, symbol, CAP)
    topic = maker.topic("TokenCreated")
    log = next(one for one in receipt["logs"] if one["topics"][0] == topic)
    return Contract(ask, "DataTokenTemplate", to_checksum_address("0x" + log["topics"][1][-40:]))
