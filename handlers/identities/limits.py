"""How often somebody may ask for what is expensive: probes, quotes, seals, jobs, signatures to be checked.

A client counts by its network address, and who has signed by their Ethereum address. What somebody only says of
themselves counts for nobody: else anyone could use up what is another's.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable
from typing import Final

from handlers.identities.throttle import Throttle
from handlers.settings import Settings
from handlers.wire import Caller

NETWORK_BITS: Final = 64  # of an IPv6 address; the rest of it a client chooses as it likes


class Limits:
    """Counts the calls of this process."""

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Bear as many calls a minute as *settings* say; *clock* returns the present time, in seconds."""
        self._calls = Throttle(settings.calls_per_minute, clock=clock)
        self._signed = Throttle(settings.signed_calls_per_minute, clock=clock)
        self._failures = Throttle(settings.failures_per_minute, clock=clock)

    def call(self, what: str, client: str) -> None:
        """Count an expensive call of a client that has signed nothing.

        Raises:
            TooManyRequests: There were too many of late.
        """
        self._calls.take(what, network_of(client))

    def job(self, caller: Caller, client: str) -> None:
        """Count a job of a stranger; who has a token, or is on this machine, may submit as many as the queue takes.

        Raises:
            TooManyRequests: There were too many of late.
        """
        if caller.name is None and not caller.local:
            self.call("job", client)

    def signed_call(self, address: str) -> None:
        """Count a call that an address has signed.

        Raises:
            TooManyRequests: There were too many of late.
        """
        self._signed.take(address.lower())

    def listen(self, client: str) -> None:
        """Refuse to check a signature for a client that has sent too many wrong ones, or orders that are none.

        Raises:
            TooManyRequests: It has.
        """
        self._failures.check(network_of(client))

    def failed(self, client: str) -> None:
        """Note that a client has sent a wrong signature, or an order that is none, whomever it named."""
        self._failures.failed(network_of(client))


def network_of(client: str) -> str:
    """Return what a client counts by: its IPv4 address, or the network of its IPv6 address."""
    try:
        address = ipaddress.ip_address(client.partition("%")[0])
    except ValueError:
        return client
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped
        return str(inner or ipaddress.ip_network((address, NETWORK_BITS), strict=False))
    return str(address)
