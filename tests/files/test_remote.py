"""Requests to addresses of strangers: where they may lead, and where never. Nobody is called here but this test."""

from __future__ import annotations

import asyncio
import ipaddress

import httpx
import pytest

from handlers.errors import AddressRefused, BadGateway
from handlers.files.remote import Remote, certificates, is_public

PUBLIC, OTHER = "93.184.216.34", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"


class Line:
    """Connects to nothing, and remembers where it was to."""

    def __init__(self, answer=None):
        self.requests = []
        self.answer = answer or (lambda request: httpx.Response(204))

    def transport(self):
        """Return what a client connects with."""

        async def handle(request):
            self.requests.append(request)
            found = self.answer(request)
            return await found if asyncio.iscoroutine(found) else found

        return httpx.MockTransport(handle)


def remote(addresses, line=None, networks=()):
    """Return a remote for whom every name has these *addresses*."""
    transport = (line or Line()).transport()
    allowed = [ipaddress.ip_network(network) for network in networks]
    return Remote(allowed, resolve=lambda host, port: addresses, transport=transport)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - nothing listens here, it is what is refused
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "64:ff9b:1::a00:1",
        "2001:0:7f00:1::",
        "::ffff:0:a00:1",
        "::10.0.0.1",
        "fec0::1",
    ],
)
def test_what_only_this_machine_can_reach_is_not_public(address):
    """Loopback, private, link-local, shared, multicast, and each of these in IPv6's disguises."""
    assert not is_public(ipaddress.ip_address(address))
    with pytest.raises(AddressRefused):
        remote([address]).post("http://name.example/", b"", {}, deadline_s=1)


@pytest.mark.parametrize("address", [PUBLIC, OTHER, "64:ff9b::5db8:d822", "2002:5db8:d822::"])
def test_what_anybody_can_reach_is_public(address):
    """Also where IPv6 carries a public IPv4 address."""
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://017700000001/",
        "http://127.0.0.1./",
        "http://0/",
        "http://\uff11\uff12\uff17.0.0.1/",
        "http://[::1]:8000/",
        "http://[::ffff:10.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://[fe80::1%25eth0]/",
        "http://receiver.example@127.0.0.1/",
        "http://localhost/",
        "http://LOCALHOST./",
        "http://a.localhost/",
        "http://169.254.169.254/latest/meta-data",
        "http://ann:secret@receiver.example/",
        "ftp://receiver.example/",
        "file:///etc/passwd",
        "//receiver.example/",
        "receiver.example",
        "http://",
        "http://[::1/",
        "http://receiver.example/" + "x" * 2048,
        "",
    ],
)
def test_what_can_be_told_from_the_url_is_refused_at_once(url):
    """Addresses in any spelling, passwords, other schemes, and what is no URL."""
    with pytest.raises(AddressRefused):
        remote([PUBLIC]).check(url)


def test_the_connection_goes_to_the_address_that_was_judged():
    """The name is resolved once; it stays in Host and in what the certificate is checked against."""
    line = Line()

    status = remote([PUBLIC], line).post("https://Receiver.example:8443/a?b=c", b"body", {"X-A": "1"}, deadline_s=1)

    (request,) = line.requests
    assert 204 == status
    assert f"https://{PUBLIC}:8443/a?b=c" == str(request.url)
    assert ("receiver.example:8443", "1") == (request.headers["Host"], request.headers["X-A"])
    assert "receiver.example" == request.extensions["sni_hostname"]
    assert b"body" == request.content


def test_one_private_address_among_public_ones_is_enough():
    """A name that has both leads nowhere: which one would be taken is not for its owner to say."""
    line = Line()

    with pytest.raises(AddressRefused):
        remote([PUBLIC, "10.0.0.1"], line).post("http://receiver.example/", b"", {}, deadline_s=1)

    assert [] == line.requests


def test_networks_of_ones_own_can_be_allowed():
    """What the settings name may be called, its neighbours may not."""
    line = Line()
    allowed = remote(["10.1.0.9"], line, ["10.1.0.0/16"])

    assert 204 == allowed.post("http://inside.example/", b"", {}, deadline_s=1)
    with pytest.raises(AddressRefused):
        allowed.check("http://10.2.0.9/")


def test_a_redirect_is_an_answer_and_is_not_followed():
    """It could lead to where the first address may not."""
    line = Line(lambda request: httpx.Response(302, headers={"Location": "http://127.0.0.1/"}))

    assert 302 == remote([PUBLIC], line).post("http://receiver.example/", b"", {}, deadline_s=1)
    assert 1 == len(line.requests)


def test_an_answer_that_does_not_come_is_a_bad_gateway():
    """Neither a host without an address, nor one that refuses, nor one that keeps us waiting."""

    def gone(host, port):
        raise OSError(f"{host} is unknown")

    def refuse(request):
        raise httpx.ConnectError("refused")

    async def wait(request):
        await asyncio.sleep(30)

    slow = remote([PUBLIC], Line(wait))
    for case in (Remote(resolve=gone), remote([]), remote([PUBLIC], Line(refuse))):
        with pytest.raises(BadGateway, match=r"receiver\.example"):
            case.post("http://receiver.example/", b"", {}, deadline_s=1)
    with pytest.raises(BadGateway, match=r"within 0\.05 s"):
        slow.post("http://receiver.example/", b"", {}, deadline_s=0.05)


def test_certificates_are_checked():
    """What connects in earnest checks names against certificates."""
    assert certificates().check_hostname
