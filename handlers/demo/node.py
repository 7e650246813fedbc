"""An Ethereum node in this process: JSON-RPC in, JSON-RPC out, over eth-tester's chain.

It mines a block for every transaction, and the keys of its accounts are the numbers 1 to 10, which everybody knows.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final

from eth_tester import EthereumTester, PyEVMBackend
from eth_tester.exceptions import TransactionFailed
from web3 import EthereumTesterProvider, Web3

from handlers.demo.contracts import GAS

CHAIN_ID: Final = 1337  #: what the clients of the ecosystem call `development`
ACCOUNTS: Final = 10
PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
INTERNAL_ERROR: Final = -32603
REVERTED: Final = 3
BLOOM_DIGITS: Final = 512
#: What web3 answers for eth-tester in the same words whatever its chain is.
FIXED: Final = {"eth_chainId": hex(CHAIN_ID), "net_version": str(CHAIN_ID)}

Answer = dict[str, Any]


class Node:
    """The chain, asked by one caller at a time."""

    def __init__(self) -> None:
        """Begin a chain with nothing on it but funded accounts."""
        backend = PyEVMBackend()
        # eth-tester has no option for it; the class is made for this one chain.
        type(backend.chain).chain_id = CHAIN_ID
        provider = EthereumTesterProvider(EthereumTester(backend))
        web3 = Web3(provider, middleware=[])
        self._ask = provider.request_func(web3, web3.middleware_onion)
        self._lock = threading.Lock()

    def answer(self, request: Any) -> Answer | list[Answer]:
        """Answer a request, or a batch of them."""
        if isinstance(request, list):
            return [self._answer_one(one) for one in request]
        return self._answer_one(request)

    def ask(self, method: str, *params: Any) -> Any:
        """Return the result of one method.

        Raises:
            RuntimeError: It failed; the message says how.
        """
        answer = self._answer_one({"id": 0, "method": method, "params": list(params)})
        if "error" in answer:
            raise RuntimeError(answer["error"]["message"])
        return answer["result"]

    def _answer_one(self, request: Any) -> Answer:
        """Answer one request."""
        if not isinstance(request, Mapping) or not isinstance(request.get("method"), str):
            return failure(None, INVALID_REQUEST, "This is no JSON-RPC request.")
        number, method, params = request.get("id"), request["method"], request.get("params") or []
        if method in FIXED:
            return {"jsonrpc": "2.0", "id": number, "result": FIXED[method]}
        if method == "eth_sendTransaction" and params and isinstance(params[0], dict):
            # eth-tester refuses a transaction that does not say how much.
            params = [{"gas": hex(GAS), **params[0]}]
        try:
            with self._lock:
                answer = dict(self._ask(method, params))
        except TransactionFailed as error:
            return failure(number, REVERTED, str(error))
        except Exception as error:  # noqa: BLE001 - eth-tester has no common error; whatever it is, the caller is told
            return failure(number, INTERNAL_ERROR, f"{type(error).__name__}: {error}")
        return as_wire(answer | {"id": number})


def failure(number: Any, code: int, message: str) -> Answer:
    """Return the answer to a request that failed."""
    return {"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": message}}


def as_wire(answer: Answer) -> Answer:
    """Return eth-tester's answer as a node writes it: quantities in hexadecimal."""
    if "result" in answer:
        answer["result"] = as_quantities(answer["result"])
    return answer


def as_quantities(value: Any) -> Any:
    """Return a value with its integers in hexadecimal, and what the standard gives another form in that."""
    match value:
        case bool() | float() | str() | None:
            return value
        case int():
            return hex(value)
        case bytes():
            return "0x" + value.hex()
        case Mapping():
            members = {name: as_quantities(member) for name, member in value.items()}
            if "logsBloom" in members:
                members["logsBloom"] = f"0x{int(members['logsBloom'], 16):0{BLOOM_DIGITS}x}"
            return members
        case Sequence():
            return [as_quantities(item) for item in value]
        case _:
            raise TypeError(f"A {type(value).__name__} has no form in JSON-RPC.")


def secret_of(account: int) -> str:
    """Return the key of an account, counted from 0."""
    return f"0x{account + 1:064x}"
