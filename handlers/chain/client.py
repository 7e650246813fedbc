"""The chain, asked through web3; nothing else imports it. Importing it takes longer than most requests do.

A node's own words are never passed on: they may hold the key of the account with whoever runs it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib.resources import files
from typing import Any, Final

from eth_account import Account
from eth_utils.address import to_checksum_address
from web3 import Web3
from web3.exceptions import (
    BadFunctionCallOutput,
    BlockNotFound,
    ContractLogicError,
    TransactionNotFound,
    Web3Exception,
    Web3RPCError,
)
from web3.middleware import ExtraDataToPOAMiddleware
from web3.providers import BaseProvider

from handlers.chain.endpoints import Endpoints
from handlers.chain.values import Log, Receipt
from handlers.errors import ChainUnavailable, TimedOut, Unprocessable
from handlers.keys import Key

SILENCE_S: Final = 5.0  # for which a chain that did not answer is not asked which it is
POLL_S: Final = 0.25  # between two looks for a receipt
PENDING_S: Final = 4.0  # how long a transaction that waits to be mined is waited for
MINED_S: Final = 120.0  # how long a transaction of ours is waited for
UNKNOWN_S: Final = 0.5  # how long one that no node knows is; its way from one node to the next takes a moment

_deadline: ContextVar[float | None] = ContextVar("chain_deadline", default=None)


class Chain:
    """One chain, read through its endpoints; every method ends within `timeout_s` seconds.

    Raises:
        ChainUnavailable: From every method, where no endpoint gives an answer of use in time.
    """

    def __init__(self, urls: Sequence[str], *, timeout_s: float, chain_id: int | None = None) -> None:
        """Ask the endpoints *urls*, the first first; nothing is sent yet.

        Args:
            urls: JSON-RPC endpoints.
            timeout_s: Longest a question may take.
            chain_id: Number of the chain that they have to be of; None: they have to agree.
        """
        self.endpoints = Endpoints(urls, chain_id)
        self.timeout_s = timeout_s
        # web3's types tell less than they ask for: what is hexadecimal text, for one, they want cast.
        self._eth: Any = Web3(Provider(self.endpoints), middleware=[ExtraDataToPOAMiddleware]).eth
        self._id = chain_id
        self._silent_until = 0.0  # by the monotonic clock

    def id(self) -> int:
        """Return the number of the chain (EIP-155).

        Everybody who looks at the provider's document asks for it; so a chain that gave no answer is not asked again
        at once, or each of them would wait for it.
        """
        if self._id is None:
            if time.monotonic() < self._silent_until:
                raise ChainUnavailable("The chain did not say which one it is.")
            try:
                with self._asking():
                    self._id = int(self._eth.chain_id)
            except ChainUnavailable:
                self._silent_until = time.monotonic() + SILENCE_S
                raise
        return self._id

    def head(self) -> int:
        """Return the number of the newest block."""
        with self._asking():
            return int(self._eth.block_number)

    def receipt(self, tx: str) -> Receipt | None:
        """Return what became of a transaction, from the chain as it stands; None where it is not on it.

        A transaction that waits to be mined is waited for, a few seconds.
        """
        with self._asking() as deadline:
            pending_until, unknown_until = (
                min(time.monotonic() + s, deadline - POLL_S) for s in (PENDING_S, UNKNOWN_S)
            )
            while (found := self._receipt(tx)) is None and time.monotonic() < pending_until:
                if time.monotonic() > unknown_until and not self._knows(tx):
                    break
                time.sleep(POLL_S)
        return found

    def minter(self, token: str, block: int | None = None) -> str | None:
        """Return to whom the orders of a datatoken are paid; None where the contract does not say.

        Args:
            token: Address of the datatoken.
            block: At which block; the newest by default, and where the node no longer knows how that block was.
        """
        contract = self._eth.contract(address=to_checksum_address(token), abi=abi("datatoken"))
        # A contract may answer that the caller should fetch something elsewhere (EIP-3668). We never do.
        options = {"ccip_read_enabled": False}
        with self._asking():
            try:
                try:
                    found = contract.functions.minter().call(block_identifier=block or "latest", **options)
                except (Web3RPCError, BlockNotFound):
                    if block is None:
                        raise
                    found = contract.functions.minter().call(**options)
            except (ContractLogicError, BadFunctionCallOutput):
                return None  # it has no such function
        return str(found).lower()

    def transactions(self, token: str, topics: Sequence[str | None], blocks: int) -> list[str]:
        """Return the transactions in which a contract noted something within the newest *blocks*, newest first."""
        with self._asking():
            since = max(int(self._eth.block_number) - blocks, 0)
            wanted = {"address": to_checksum_address(token), "fromBlock": since, "toBlock": "latest", "topics": topics}
            found = self._eth.get_logs(wanted)
        newest_first = sorted(found, key=lambda log: (log["blockNumber"], log["logIndex"]), reverse=True)
        return list(dict.fromkeys(hexed(log["transactionHash"]) for log in newest_first))

    def call(self, to: str, contract: str, function: str, *args: Any) -> Any:
        """Return what a function of a contract answers, as the newest block has it.

        Args:
            to: Address of the contract.
            contract: Name of its interface in `abi/`.
            function: Name of the function.
            args: Its arguments.

        Raises:
            ChainUnavailable: There is no such contract at the address, too.
        """
        asked = self._eth.contract(address=to_checksum_address(to), abi=abi(contract)).functions[function](*args)
        with self._asking():
            try:
                return asked.call(ccip_read_enabled=False)
            except (ContractLogicError, BadFunctionCallOutput):
                raise ChainUnavailable(f"The chain has no {contract} at {to}.") from None

    def time_of(self, block: int) -> int:
        """Return when a block was made, Unix seconds."""
        with self._asking():
            return int(self._eth.get_block(block)["timestamp"])

    def transact(self, key: Key, to: str, contract: str, function: str, *args: Any) -> Receipt:
        """Call a function of a contract in a transaction, and return the receipt once it is mined.

        Args:
            key: Whose transaction it is; their address pays for the gas.
            to: Address of the contract.
            contract: Name of its interface in `abi/`.
            function: Name of the function.
            args: Its arguments.

        Raises:
            Unprocessable: The contract refuses, or the transaction failed.
            TimedOut: It is not mined yet; it may still be.
        """
        call = self._eth.contract(address=to_checksum_address(to), abi=abi(contract)).functions[function](*args)
        try:
            with self._asking():
                transaction = call.build_transaction({"from": key.address, **self._fees(key)})
        except ContractLogicError:
            raise Unprocessable("The contract refuses the transaction.") from None
        signed = Account.sign_transaction(transaction, key.secret)
        tx = hexed(signed.hash)
        self._send(signed.raw_transaction, tx)
        end = time.monotonic() + MINED_S
        while (receipt := self.receipt(tx)) is None:
            if time.monotonic() > end:
                raise TimedOut(f"The transaction {tx} is not mined yet.")
            time.sleep(POLL_S)
        if not receipt.succeeded:
            raise Unprocessable(f"The transaction {tx} failed.")
        return receipt

    def close(self) -> None:
        """End the connections."""
        self.endpoints.close()

    def _fees(self, key: Key) -> dict[str, Any]:
        """Return what a transaction of *key*'s offers for its gas, and its number among theirs."""
        fields = {"chainId": self.id(), "nonce": self._eth.get_transaction_count(key.address, "pending")}
        base = self._eth.get_block("latest").get("baseFeePerGas")
        if base is None:
            return fields | {"gasPrice": self._eth.gas_price}
        tip = self._eth.max_priority_fee
        # Twice the present fee holds for the next six blocks, whatever they are filled with (EIP-1559).
        return fields | {"maxPriorityFeePerGas": tip, "maxFeePerGas": 2 * base + tip}

    def _send(self, raw: bytes, tx: str) -> None:
        """Send a signed transaction; one that has arrived already is no error."""
        with self._asking():
            try:
                self._eth.send_raw_transaction(raw)
            except Web3RPCError:
                if not self._knows(tx):
                    raise ChainUnavailable(
                        "The chain refused the transaction; has the key funds for its gas?"
                    ) from None

    @contextmanager
    def bounded(self) -> Iterator[float]:
        """Bound the time of everything asked inside, together; give the deadline, `time.monotonic` seconds."""
        deadline = _deadline.get() or time.monotonic() + self.timeout_s
        mark = _deadline.set(deadline)
        try:
            yield deadline
        finally:
            _deadline.reset(mark)

    def _receipt(self, tx: str) -> Receipt | None:
        """Return a receipt; None: the transaction is in no block of the chain as it stands."""
        try:
            found = self._eth.get_transaction_receipt(tx)
            if found["blockNumber"] is None:
                return None
            block = self._eth.get_block(found["blockNumber"])
        except (TransactionNotFound, BlockNotFound):
            return None
        if block["hash"] != found["blockHash"]:
            return None  # it was in a block that has been replaced
        return Receipt(
            tx=tx.lower(),
            block=int(found["blockNumber"]),
            block_hash=hexed(found["blockHash"]),
            time_s=int(block["timestamp"]),
            succeeded=found["status"] == 1,
            logs=tuple(as_log(log) for log in found["logs"]),
        )

    def _knows(self, tx: str) -> bool:
        """Tell whether a node knows the transaction at all."""
        try:
            self._eth.get_transaction(tx)
        except TransactionNotFound:
            return False
        return True

    @contextmanager
    def _asking(self) -> Iterator[float]:
        """Bound the time of what is asked inside; say what failed in words of ours."""
        try:
            with self.bounded() as deadline:
                yield deadline
        except (ContractLogicError, BadFunctionCallOutput):
            raise
        except Web3Exception:
            raise ChainUnavailable("The chain refused the question.") from None
        except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
            # web3 and we take apart what a node answers on its word that it keeps to the standard.
            raise ChainUnavailable("The chain gave an answer that makes no sense.") from None


class Provider(BaseProvider):
    """Sends web3's questions to our endpoints."""

    global_ccip_read_enabled = False

    def __init__(self, endpoints: Endpoints) -> None:
        """Ask *endpoints*."""
        super().__init__()
        self._endpoints = endpoints

    def make_request(self, method: Any, params: Any) -> Any:
        """Ask one question."""
        deadline = _deadline.get()
        assert deadline is not None, "every question has a deadline"
        return self._endpoints.ask(method, json.loads(Web3.to_json(params)), deadline=deadline)

    def is_connected(self, show_traceback: bool = False) -> bool:
        """Tell nothing; web3 wants to be able to ask."""
        return True


@cache
def abi(name: str) -> Any:
    """Return what we use of the interface of a contract."""
    return json.loads((files("handlers.chain") / "abi" / f"{name}.json").read_text())


def as_log(found: Any) -> Log:
    """Return a log as a value."""
    topics = tuple(hexed(topic) for topic in found["topics"])
    return Log(address=str(found["address"]).lower(), topics=topics, data=hexed(found["data"]))


def hexed(data: bytes) -> str:
    """Return bytes in hexadecimal, with 0x."""
    return "0x" + bytes(data).hex()
