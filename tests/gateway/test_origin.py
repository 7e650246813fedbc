"""How far the headers of proxies are believed."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.test import EnvironBuilder

from handlers.gateway.origin import Headers, Origins
from handlers.settings import Settings

FORWARDED = {
    "X-Forwarded-For": "203.0.113.9, 198.51.100.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "evil.example, sea.example",
    "X-Forwarded-Prefix": "/mark",
}


def environ(peer: str = "127.0.0.1", **headers: str) -> Any:
    """Return a request from *peer*."""
    return EnvironBuilder(base_url="http://localhost:8030", headers=headers).get_environ() | {"REMOTE_ADDR": peer}


def test_without_trusted_proxies_their_headers_do_not_count():
    """Anybody can send X-Forwarded-*: by default it changes nothing."""
    origins = Origins(Settings())

    assert "http://localhost:8030" == origins.base_url(environ(**FORWARDED))
    assert "127.0.0.1" == origins.remote_address(environ(**FORWARDED))


@pytest.mark.parametrize(
    ("proxies", "address", "host"),
    [(1, "198.51.100.7", "sea.example"), (2, "203.0.113.9", "evil.example"), (3, "127.0.0.1", "evil.example")],
)
def test_as_many_hops_count_as_proxies_are_trusted(proxies, address, host):
    """Each trusted proxy vouches for the hop before it, and no more."""
    origins = Origins(Settings(trusted_proxies=proxies))

    assert address == origins.remote_address(environ(**FORWARDED))
    assert f"https://{host}/mark" == origins.base_url(environ(**FORWARDED))


@pytest.mark.parametrize(
    ("hop", "address"),
    [
        ("192.0.2.1:5123", "192.0.2.1"),
        ("[2001:db8::1]:5123", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
    ],
)
def test_a_client_is_one_whatever_its_port(hop, address):
    """Some proxies name the port as well, and a client has a new one for each connection."""
    origins = Origins(Settings(trusted_proxies=1))

    assert address == origins.remote_address(environ() | {"HTTP_X_FORWARDED_FOR": hop})


def test_the_public_url_wins():
    """SEAMARK_PUBLIC_URL is what clients see, whatever headers say."""
    origins = Origins(Settings(public_url="https://sea.example/api/", trusted_proxies=1))

    assert "https://sea.example/api" == origins.base_url(environ(**FORWARDED))


@pytest.mark.parametrize("host", ["a b", "x/y", "x@y", "x\r\nY: 1", ""])
def test_a_host_that_is_none_is_not_believed(host):
    """What could not be part of an address does not get into one."""
    assert "http://localhost:8030" == Origins(Settings()).base_url(environ() | {"HTTP_HOST": host})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"REMOTE_ADDR": "::1", "HTTP_HOST": "[::1]:8030"}, True),
        ({"REMOTE_ADDR": "192.0.2.1"}, False),
        ({"REMOTE_ADDR": ""}, False),
        ({"HTTP_X_FORWARDED_FOR": "127.0.0.1"}, False),
        ({"HTTP_FORWARDED": "for=127.0.0.1"}, False),
        ({"HTTP_HOST": "rebound.example"}, False),
        ({"HTTP_ORIGIN": "https://page.example"}, False),
        ({"HTTP_ORIGIN": "null"}, False),
        ({"HTTP_ORIGIN": "http://127.0.0.1:8030"}, True),
    ],
)
def test_local_is_somebody_on_this_machine(changes, expected):
    """Neither a proxy's client nor a web page in a local browser is local."""
    assert expected == Origins(Settings()).is_local(environ() | changes)


def test_behind_a_trusted_proxy_nobody_is_local():
    """The peer is then the proxy, whoever calls."""
    assert not Origins(Settings(trusted_proxies=1)).is_local(environ())


def test_headers_are_a_mapping_in_lower_case():
    """Names are found in any case and listed in lower case; their values are not shown."""
    headers = Headers(environ(Authorization="Bearer secret", X_Y="1"))

    assert ("Bearer secret", "1") == (headers["AUTHORIZATION"], headers["x-y"])
    assert {"authorization", "host", "x-y"} == set(headers)
    assert 3 == len(headers)
    assert headers.get("cookie") is None
    assert "secret" not in repr(headers)
