"""Somebody with a key who calls a server, each request and each answer shown as it is sent."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import click
import httpx
from eth_account import Account
from eth_account.messages import encode_defunct

NONCE: Final = "/api/v1/services/nonce"
HEX: Final = re.compile(r"(0x[0-9a-fA-F]{6}|\b[0-9a-f]{6})[0-9a-fA-F]{20,}([0-9a-fA-F]{4})")
LINE: Final = 400  #: characters of a line that are shown
INDENT: Final = "   "
EMPTY: Final[tuple[Any, ...]] = (None, "", [], {})
#: What old clients read, and what stands beside it under another name.
TWICE: Final = frozenset({"error", "message", "description", "type", "instance", "resultsUrl", "results"})


class Surprised(Exception):
    """An answer was not what the story has it to be."""


class Player:
    """One of the people of the story."""

    def __init__(self, key: str, url: str) -> None:
        """Sign with *key*, and call the server at *url*."""
        self._account = Account.from_key(key)
        self.address = str(self._account.address)
        self._client = httpx.Client(base_url=url, timeout=60, trust_env=False)

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        expect: int = 200,
        shown: bool = True,
    ) -> Any:
        """Send a request, and return the JSON, or else the text, of its answer.

        Args:
            method: Of the request.
            path: Or an address that the server gave out.
            query: Parameters of the query.
            body: A JSON value.
            expect: Status that the answer has to have.
            shown: Whether request and answer are shown.

        Raises:
            Surprised: The answer has another status.
        """
        parts = urlsplit(path)
        asked = urlencode(query or {}, safe=":") or parts.query
        target = f"{parts.path}?{asked}" if asked else parts.path
        answer = self._client.request(method, target, json=body)
        if shown or answer.status_code != expect:
            show(f"{method} {target} {json.dumps(body) if body else ''}")
            show(f"{answer.status_code} {readable(answer)}")
        if answer.status_code != expect:
            raise Surprised(f"{method} {parts.path} was answered with {answer.status_code}, not {expect}.")
        return answer.json() if is_json(answer) else answer.text

    def signed(self, text: str) -> dict[str, Any]:
        """Return what says who asks, and proves it: a text, signed with the nonce that comes next, as in Provider."""
        asked = self.call("GET", NONCE, query={"userAddress": self.address}, shown=False)
        return self.signed_plainly(f"{text}{asked['nonce']}")

    def signed_plainly(self, text: str) -> dict[str, Any]:
        """Return what says who asks, and proves it: a text, signed as it is (EIP-191), as in Brizo."""
        proof = bytes(self._account.sign_message(encode_defunct(text=text)).signature).hex()
        return {"consumerAddress": self.address, "signature": f"0x{proof}"}


def asker(url: str) -> Callable[..., Any]:
    """Return what asks the node of a chain.

    Args:
        url: Where it answers JSON-RPC.
    """
    client = httpx.Client(timeout=60, trust_env=False)

    def ask(method: str, *params: Any) -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        answer = client.post(url, json=body).json()
        if "error" in answer:
            raise Surprised(f"The chain refused {method}: {answer['error']['message']}")
        return answer["result"]

    return ask


def is_json(answer: httpx.Response) -> bool:
    """Tell whether an answer is JSON; a result of somebody's is text, whatever it holds."""
    return "json" in answer.headers.get("content-type", "") and "content-disposition" not in answer.headers


def readable(answer: httpx.Response) -> str:
    """Return an answer without what is empty in it, or stands there twice."""
    if not is_json(answer):
        return answer.text
    found = answer.json()
    return json.dumps([lean(one) for one in found] if isinstance(found, list) else lean(found))


def lean(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object without what is empty in it, or stands there twice."""
    return {name: value for name, value in found.items() if name not in TWICE and value not in EMPTY}


def show(words: str) -> None:
    """Show what was sent, or done, and what came of it."""
    click.echo(f"{INDENT}{short(words)}")


def short(text: str) -> str:
    """Return a text with what nobody reads left out: the middle of long hexadecimal numbers, and what is very long."""
    plain = HEX.sub(r"\1…\2", text.strip().replace("\n", "\\n"))
    return plain if len(plain) <= LINE else plain[: LINE - 1] + "…"
