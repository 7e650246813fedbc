"""JSON-RPC over HTTP to the first of several endpoints that answers, within a bounded time.

The one retry policy: each endpoint is tried twice, beginning with those that did not fail of late; a try may take its
share of the time that is left. Everything sent may be sent twice: questions change nothing, and a signed transaction
counts once.

An endpoint's URL often holds a key, so that no message names it: endpoints go by their number in the settings.

The requests run on an event loop in a thread of its own, because only there a deadline holds for the whole of one,
whatever the other side does: a socket's timeout starts again with each byte.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Final

import orjson
import structlog

from handlers.errors import ChainUnavailable

if TYPE_CHECKING:
    import httpx

ROUNDS: Final = 2
PAUSE_S: Final = 0.2  # between two rounds
AVOIDED_S: Final = 30.0  # how long an endpoint that failed is asked last
ANSWER_LIMIT_BYTES: Final = 16 << 20
GRACE_S: Final = 0.5  # for the loop to notice that a deadline has passed
REVERTED: Final = 3
FINAL_CODES: Final = frozenset({REVERTED, -32600, -32601, -32602})  # no request, no such method, wrong parameters

log = structlog.get_logger(__name__)


class EndpointFailed(Exception):
    """An endpoint gave no answer that can be used; the message names no URL."""


class Endpoints:
    """The endpoints of one chain."""

    def __init__(self, urls: Sequence[str], chain_id: int | None = None) -> None:
        """Ask *urls*, the first first; nothing is sent yet.

        Args:
            urls: Of JSON-RPC endpoints.
            chain_id: Of the chain that they have to be of; None: of that of the first which answers.
        """
        self._urls = tuple(urls)
        self._avoided = [0.0] * len(self._urls)  # until when, by the monotonic clock
        self._chain_id = chain_id
        self._of_chain: set[int] = set()  # numbers of the endpoints that have said which chain they are of
        self._lock = threading.Lock()
        self._loop: Loop | None = None

    def ask(self, method: str, params: Sequence[Any], *, deadline: float) -> dict[str, Any]:
        """Return the answer to a question: a JSON-RPC object with `result` or `error`.

        Args:
            method: Name of the method.
            params: Its parameters, in JSON's types.
            deadline: By which it has to be there, `time.monotonic` seconds.

        Raises:
            ChainUnavailable: No endpoint gave an answer in time.
        """
        loop = self._running()
        job: Future[dict[str, Any]] = loop.submit(self._ask_all(loop, method, params, deadline))
        try:
            return job.result(max(deadline - time.monotonic(), 0) + GRACE_S)
        except TimeoutError:
            job.cancel()
            raise ChainUnavailable("The chain did not answer in time.") from None

    def close(self) -> None:
        """End the connections and the thread."""
        with self._lock:
            loop, self._loop = self._loop, None
        if loop is not None and loop.pid == os.getpid():
            loop.close()

    def _running(self) -> Loop:
        """Return the loop of this process; one that was made before a fork has stayed with the parent."""
        with self._lock:
            if self._loop is None or self._loop.pid != os.getpid():
                self._loop = Loop()
            return self._loop

    async def _ask_all(self, loop: Loop, method: str, params: Sequence[Any], deadline: float) -> dict[str, Any]:
        """Try endpoint after endpoint."""
        order = self._in_order()
        tries = [(number, round_) for round_ in range(ROUNDS) for number in order]
        refusal: dict[str, Any] | None = None
        for done, (number, round_) in enumerate(tries):
            if round_ and number == order[0]:
                await asyncio.sleep(min(PAUSE_S, max(deadline - time.monotonic(), 0)))
            share_s = (deadline - time.monotonic()) / (len(tries) - done)
            if share_s <= 0:
                break
            try:
                async with asyncio.timeout(share_s):
                    answer = await self._ask_one(loop, number, method, params)
            except (EndpointFailed, TimeoutError) as error:
                self._failed(number, str(error) or "no answer in time")
                continue
            self._avoided[number] = 0.0
            if "error" not in answer or is_final(answer["error"]):
                return answer
            refusal = answer
        if refusal is not None:
            return refusal
        raise ChainUnavailable("None of the chain's endpoints answers at the moment.")

    async def _ask_one(self, loop: Loop, number: int, method: str, params: Sequence[Any]) -> dict[str, Any]:
        """Ask one endpoint, which has to be of the right chain."""
        if number not in self._of_chain:
            await self._check_chain(loop, number)
        return await self._post(loop, number, method, params)

    async def _check_chain(self, loop: Loop, number: int) -> None:
        """See which chain an endpoint is of, once; a single one is believed where nobody says which it should be.

        Raises:
            EndpointFailed: It is of another one.
        """
        if self._chain_id is not None or len(self._urls) > 1:
            answer = await self._post(loop, number, "eth_chainId", ())
            found = quantity(answer.get("result"))
            self._chain_id = found if self._chain_id is None else self._chain_id
            if found != self._chain_id:
                raise EndpointFailed("it is of another chain")
        self._of_chain.add(number)

    async def _post(self, loop: Loop, number: int, method: str, params: Sequence[Any]) -> dict[str, Any]:
        """Send one request to one endpoint and return its answer.

        Raises:
            EndpointFailed: There is none, or it is no JSON-RPC.
        """
        import httpx

        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        try:
            async with loop.client().stream("POST", self._urls[number], json=body) as answer:
                content = await limited(answer)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            raise EndpointFailed(type(error).__name__) from None
        try:
            found = orjson.loads(content)
        except orjson.JSONDecodeError:
            raise EndpointFailed(f"status {answer.status_code}, no JSON") from None
        if not isinstance(found, dict) or not ("result" in found or isinstance(found.get("error"), Mapping)):
            raise EndpointFailed(f"status {answer.status_code}, no JSON-RPC")
        return found

    def _in_order(self) -> list[int]:
        """Return the numbers of the endpoints, those that failed of late last."""
        moment = time.monotonic()
        return sorted(range(len(self._urls)), key=lambda number: self._avoided[number] > moment)

    def _failed(self, number: int, why: str) -> None:
        """Note that an endpoint failed."""
        self._avoided[number] = time.monotonic() + AVOIDED_S
        log.warning("an endpoint of the chain failed", endpoint=number + 1, of=len(self._urls), why=why)


class Loop:
    """An event loop in a thread, with a client for HTTP."""

    def __init__(self) -> None:
        """Start the thread."""
        self.pid = os.getpid()
        self._client: httpx.AsyncClient | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="chain", daemon=True)
        self._thread.start()

    def submit(self, work: Any) -> Future[Any]:
        """Run a coroutine on the loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def client(self) -> httpx.AsyncClient:
        """Return the client; called on the loop alone."""
        import httpx

        if self._client is None:
            self._client = httpx.AsyncClient(timeout=None)  # noqa: S113 - bounded by asyncio.timeout
        return self._client

    def close(self) -> None:
        """Close the connections and end the thread."""
        if self._client is not None:
            self.submit(self._client.aclose()).result(GRACE_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def limited(answer: httpx.Response) -> bytes:
    """Read the body of an answer.

    Raises:
        ValueError: It is larger than any that is expected.
    """
    content = bytearray()
    async for chunk in answer.aiter_bytes():
        content += chunk
        if len(content) > ANSWER_LIMIT_BYTES:
            raise ValueError("too large")
    return bytes(content)


def is_final(error: Any) -> bool:
    """Tell whether another endpoint would say the same: it is the question that is wrong, not the node."""
    return error.get("code") in FINAL_CODES or "revert" in str(error.get("message", "")).lower()


def quantity(value: Any) -> int:
    """Return a number as JSON-RPC writes it.

    Raises:
        EndpointFailed: It is none.
    """
    try:
        return int(value, 16)
    except (TypeError, ValueError):
        raise EndpointFailed("it does not say which chain it is of") from None
