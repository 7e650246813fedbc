"""A chain of one's own over JSON-RPC, with the real contracts, on this machine alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import orjson

from handlers.demo.contracts import TOKEN, create_datatoken, deploy_all
from handlers.demo.keeper import deploy, setting_of
from handlers.demo.node import ACCOUNTS, CHAIN_ID, PARSE_ERROR, Node, failure, secret_of

HOST: Final = "127.0.0.1"
PORT: Final = 8545
BODY_LIMIT_BYTES: Final = 4 << 20
SUPPLY: Final = 1000  #: tokens of the demo's datatoken that each account gets
CORS: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Allow-Methods": "POST, OPTIONS",
}


@dataclass(frozen=True, kw_only=True)
class Devchain:
    """A chain that serves, and what lies on it."""

    node: Node
    server: ThreadingHTTPServer
    contracts: Mapping[str, str]
    datatoken: str

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{HOST}:{self.server.server_address[1]}"

    def described(self) -> dict[str, Any]:
        """Return what a client has to know, the keys of the accounts among it."""
        addresses = self.node.ask("eth_accounts")
        return {
            "url": self.url,
            "chainId": CHAIN_ID,
            "accounts": [
                {"address": address, "key": secret_of(number)} for number, address in enumerate(addresses[:ACCOUNTS])
            ],
            "contracts": dict(self.contracts),
            "datatoken": self.datatoken,
            "keeper": setting_of(self.contracts),
        }


def begin(port: int = PORT) -> Devchain:
    """Make a chain with the contracts on it; `server.serve_forever()` then serves it.

    Args:
        port: On the loopback address; 0 for any.

    Raises:
        OSError: The port is taken.
    """
    node = Node()
    server = Server((HOST, port), Handler)
    server.node = node
    accounts = node.ask("eth_accounts")
    contracts = deploy_all(node.ask, accounts[0]) | deploy(node.ask, accounts[0], accounts[-1]).addresses
    token = create_datatoken(node.ask, contracts["DTFactory"], accounts[0], "Demo", "DEMO")
    for account in accounts:
        token.transact(accounts[0], "mint", account, SUPPLY * TOKEN)
    return Devchain(node=node, server=server, contracts=contracts, datatoken=token.address)


class Server(ThreadingHTTPServer):
    """Answers each connection in a thread of its own."""

    daemon_threads = True
    node: Node


class Handler(BaseHTTPRequestHandler):
    """Speaks JSON-RPC over HTTP."""

    server: Server
    protocol_version = "HTTP/1.1"
    timeout = 30.0
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        """Answer a request or a batch."""
        try:
            length = int(self.headers.get("Content-Length", ""))
        except ValueError:
            length = -1
        if not 0 <= length <= BODY_LIMIT_BYTES:
            self.close_connection = True
            self._send(HTTPStatus.BAD_REQUEST, b"")
            return
        try:
            # The standard library's reader would end the process at deep nesting: py-evm raises the limit of recursion.
            request = orjson.loads(self.rfile.read(length))
        except orjson.JSONDecodeError:
            answer: Any = failure(None, PARSE_ERROR, "This is no JSON.")
        else:
            answer = self.server.node.answer(request)
        self._send(HTTPStatus.OK, json.dumps(answer).encode())

    def do_OPTIONS(self) -> None:
        """Let browsers call."""
        self._send(HTTPStatus.NO_CONTENT, b"")

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing about each request."""

    def _send(self, status: HTTPStatus, body: bytes) -> None:
        """Send an answer."""
        self.send_response(status)
        for name, value in CORS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
