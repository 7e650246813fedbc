"""Requests to addresses that strangers name, which must not lead to what only this machine can reach.

A name is resolved once, what it resolves to is judged, and the connection goes to just that address, so that a name
which resolves differently the next moment gains nothing. Proxies of the environment are not used: they would resolve
for themselves. Redirects are answers like any other, and are not followed.

httpx takes longer to import than most processes take to start, and many never call anybody.
"""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import socket
import ssl
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from handlers.errors import AddressRefused, BadGateway
from handlers.settings import Network

if TYPE_CHECKING:
    import httpx

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Sequence[str]]

LONGEST: Final = 2048  # characters of a URL
NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
GLOBAL_UNICAST: Final = ipaddress.ip_network("2000::/3")  # RFC 4291; all that is given out lies in it


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host.

    Raises:
        OSError: It has none.
    """
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class Remote:
    """Sends requests to where they may go."""

    def __init__(
        self,
        networks: Sequence[Network] = (),
        *,
        trusted: str = "",
        resolve: Resolve = resolve,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Go to public addresses, and into *networks*.

        Args:
            networks: What may be called though it is not public.
            trusted: URL of a server that the operator has chosen, and that may be called wherever it is.
            resolve: Returns the addresses of a host and a port.
            transport: What connects; the network by default.
        """
        self._networks = networks
        self._trusted_url = trusted
        self._resolve = resolve
        self._transport = transport

    @functools.cached_property
    def _trusted(self) -> tuple[str, str, int] | None:
        """The server that may be called wherever it is, read when somebody is called for the first time."""
        return origin_of(parse(self._trusted_url)) if self._trusted_url else None

    def check(self, url: str) -> httpx.URL:
        """Return a URL that may be one to call; what its host's name resolves to is seen when it is called.

        Raises:
            AddressRefused: It is none, or names an address that is not public.
        """
        parsed = parse(url)
        host = host_of(parsed)
        if origin_of(parsed) == self._trusted:
            return parsed
        if (address := literal(host)) is not None:
            self._judge(address)
        elif host.rstrip(".").split(".")[-1] == "localhost":
            self._judge(ipaddress.ip_address("127.0.0.1"))
        return parsed

    def post(self, url: str, body: bytes, headers: dict[str, str], *, deadline_s: float) -> int:
        """Send a POST and return the status of the answer, of which no more is read.

        Raises:
            AddressRefused: The address is none that may be called.
            BadGateway: There is no answer within *deadline_s* seconds.
        """
        import httpx

        parsed = self.check(url)
        address = self.pinned(parsed)
        try:
            return asyncio.run(asyncio.wait_for(self._post(parsed, address, body, headers), deadline_s))
        except (TimeoutError, httpx.TimeoutException) as error:
            raise BadGateway(f"{parsed.host} did not answer within {deadline_s:g} s.") from error
        except (httpx.HTTPError, OSError) as error:
            raise BadGateway(f"{parsed.host} did not answer: {type(error).__name__}.") from error

    def pinned(self, url: httpx.URL) -> str:
        """Resolve the host of *url*, once, and return the address to connect to.

        Raises:
            AddressRefused: Not all of its addresses may be called.
            BadGateway: It has none.
        """
        try:
            found = self._resolve(host_of(url), port_of(url))
        except (OSError, UnicodeError) as error:
            raise BadGateway(f"{url.host} has no address.") from error
        if not found:
            raise BadGateway(f"{url.host} has no address.")
        for text in found if origin_of(url) != self._trusted else ():
            self._judge(ipaddress.ip_address(text.partition("%")[0]))
        return found[0]

    async def _post(self, url: httpx.URL, address: str, body: bytes, headers: dict[str, str]) -> int:
        """Send a POST for *url* to *address*."""
        import httpx

        transport = self._transport or httpx.AsyncHTTPTransport(verify=certificates())
        request = httpx.Request(
            "POST",
            url.copy_with(host=address),
            content=body,
            headers=headers | {"Host": url.netloc.decode("ascii")},
            # The certificate has to be that of the name, not of the address.
            extensions={"sni_hostname": host_of(url)},
        )
        async with httpx.AsyncClient(transport=transport, timeout=None, trust_env=False) as client:  # noqa: S113 - bounded by wait_for
            answer = await client.send(request, stream=True)
            await answer.aclose()
        return answer.status_code

    def keeps_secrets(self, url: httpx.URL, address: str) -> bool:
        """Tell whether nobody else reads what is sent for *url* to *address*: by https, or in one of our networks."""
        found = ipaddress.ip_address(address.partition("%")[0])
        return url.scheme == "https" or any(found in network for network in self._networks)

    def _judge(self, address: Address) -> None:
        """Refuse an address that neither is public nor lies in one of our networks."""
        if not is_public(address) and not any(address in network for network in self._networks):
            raise AddressRefused("The address is not a public one.")


def parse(url: str) -> httpx.URL:
    """Return a URL of http or https without credentials.

    Raises:
        AddressRefused: It is none.
    """
    import httpx

    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, TypeError) as error:
        raise AddressRefused("It is not a URL.") from error
    if parsed.scheme not in ("http", "https") or not parsed.host or parsed.userinfo or len(url) > LONGEST:
        raise AddressRefused("It has to be a URL with http or https, and without a password.")
    return parsed


def host_of(url: httpx.URL) -> str:
    """Return the host as it is resolved: ASCII, in lower case."""
    return url.raw_host.decode("ascii").lower()


def port_of(url: httpx.URL) -> int:
    """Return the port to connect to."""
    return url.port or (443 if url.scheme == "https" else 80)


def origin_of(url: httpx.URL) -> tuple[str, str, int]:
    """Return the server that a URL names: scheme, host and port."""
    return (url.scheme, host_of(url), port_of(url))


def literal(host: str) -> Address | None:
    """Return the address that *host* spells in any form that the system's resolver understands; None: it is a name."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        # 127.1, 0x7f.1 and 2130706433 are addresses, too; a dot at the end makes no difference.
        return ipaddress.IPv4Address(socket.inet_aton(host.rstrip(".")))
    except (OSError, UnicodeError):
        return None


def is_public(address: Address) -> bool:
    """Tell whether anybody on the internet may reach *address*, those that carry an IPv4 address judged by that."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is not None:
            return is_public(inner)
        # Outside lie forms that `is_global` takes for public: site-local, IPv4-compatible, a network's own NAT64.
        if address not in GLOBAL_UNICAST:
            return False
    return address.is_global and not address.is_multicast


@functools.cache
def certificates() -> ssl.SSLContext:
    """Return what certificates are checked with; it takes longer to make than most requests."""
    import httpx

    return httpx.create_ssl_context()
