"""Stores of others that are told of results."""

from __future__ import annotations

import json

import pytest

from handlers.compute.elsewhere import Elsewhere
from handlers.compute.statuses import Stage
from handlers.compute.work import StageFailed
from handlers.errors import BadGateway
from handlers.settings import Settings

STORE = "https://store.example"
DDO = {"id": "did:op:" + "a" * 64}


class Answering:
    """In the place of the network: answers with a status, or not at all."""

    def __init__(self, status):
        self.status = status
        self.sent = []

    def __call__(self, networks, *, trusted):
        self.trusted = trusted
        return self

    def post(self, url, body, headers, *, deadline_s):
        """Take a request."""
        self.sent.append((url, json.loads(body), headers["Content-Type"], deadline_s))
        if self.status is None:
            raise BadGateway("It did not answer.")
        return self.status


@pytest.mark.parametrize("status", [200, 201, 409])
def test_a_listed_store_is_told(status):
    """At the path where it takes documents; that it has it already, from an earlier attempt, is as good."""
    remote = Answering(status)

    Elsewhere([STORE], (), patience_s=3).register(STORE + "/api/v1/aquarius/assets/ddo", DDO, remote)

    assert [(STORE + "/api/v1/aquarius/assets/ddo", DDO, "application/json", 3)] == remote.sent
    assert STORE == remote.trusted


@pytest.mark.parametrize("status", [None, 302, 400, 500])
def test_a_store_that_does_not_take_it_fails_the_stage(status):
    """The job then says that it was not published."""
    with pytest.raises(StageFailed) as caught:
        Elsewhere([STORE], (), patience_s=3).register(STORE, DDO, Answering(status))

    assert Stage.NOT_PUBLISHED is caught.value.stage


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "https://other.example",
        "https://store.example.evil.example",
        "https://store.example@evil.example",
        "http://store.example",
    ],
)
def test_no_other_store_is_known(uri):
    """What only looks like it is another."""
    assert not Elsewhere([STORE], (), patience_s=3).knows(uri)


def test_the_list_is_read_with_care(tmp_path):
    """Paths that clients put behind an address are cut; what is no address is refused."""
    settings = Settings(home=tmp_path, compute_stores=f"{STORE}/api/v1/aquarius/assets/ddo, http://10.0.0.1:5000/")

    assert (STORE, "http://10.0.0.1:5000") == settings.result_stores
    with pytest.raises(ValueError, match="not the address of a server"):
        Settings(home=tmp_path, compute_stores=f"{STORE},ftp://a")
