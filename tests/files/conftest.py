"""A server of files, and one who fetches from it."""

from __future__ import annotations

import ipaddress

import pytest

from handlers.files.fetch import Fetcher
from handlers.files.remote import Remote
from handlers.files.web import Web
from tests.files.upstream import Upstream

HERE = [ipaddress.ip_network("127.0.0.0/8")]


@pytest.fixture
def upstream():
    """A web server of this test's own."""
    server = Upstream()
    yield server
    server.close()


@pytest.fixture
def fetcher():
    """Fetches from this machine, and is patient."""
    return Fetcher(Remote(HERE), patience_s=20.0)


@pytest.fixture
def hasty(upstream):
    """Returns the file at a path of the server, of which nobody waits for longer than a second."""
    return lambda path: Web(upstream.url + path, Fetcher(Remote(HERE), patience_s=1.0), spool_bytes=1000)


@pytest.fixture
def web(upstream, fetcher):
    """Returns the file at a path of the server."""
    return lambda path, spool_bytes=1000: Web(upstream.url + path, fetcher, spool_bytes=spool_bytes)
