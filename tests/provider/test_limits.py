"""How often somebody may ask for what is expensive."""

from __future__ import annotations

import pytest

from tests.provider.conftest import ADDRESS, API, Consumer

OTHER_KEY = "0x" + "44" * 32


class Clock:
    """Goes on when it is told to."""

    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    """A clock that stands still."""
    return Clock()


@pytest.fixture
def settings(settings):
    """Settings that bear little."""
    few = {"calls_per_minute": 2, "signed_calls_per_minute": 3, "failures_per_minute": 2, "trusted_proxies": 1}
    return settings.model_copy(update=few)


@pytest.fixture
def here(here, clock, monkeypatch):
    """The services, with limits that go by the clock."""
    for throttle in vars(here.limits).values():
        monkeypatch.setattr(throttle, "_clock", clock)
    return here


def statuses(answers):
    """Return the statuses, once it is seen that each 429 says when to go on."""
    answers = list(answers)
    for answer in answers:
        if answer.status_code == 429:
            assert 0 < int(answer.headers["Retry-After"]) <= 60
            assert "application/problem+json" == answer.content_type
    return [answer.status_code for answer in answers]


def fileinfo(client, address):
    """Have a file inspected, as a client at a network address."""
    return client.post(f"{API}/fileinfo", json={"url": "ftp://x"}, headers={"X-Forwarded-For": address})


def test_a_client_that_asks_too_often_has_to_wait(client, clock):
    """For a minute after the first call; others do not wait with it."""
    assert [200, 200, 429] == statuses(fileinfo(client, "192.0.2.1") for _ in range(3))
    assert [200] == statuses([fileinfo(client, "192.0.2.2")])

    clock.now += 60

    assert [200] == statuses([fileinfo(client, "192.0.2.1")])


def test_a_network_of_ipv6_is_one_client(client):
    """Whoever has one has all of its addresses."""
    asked = ["2001:db8:1:2::1", "2001:db8:1:2::2", "2001:db8:1:2:ffff::3", "2001:db8:1:3::1"]

    assert [200, 200, 429, 200] == statuses(fileinfo(client, address) for address in asked)


def test_each_expensive_operation_has_its_own_count(client, held):
    """Who inspects many files may still ask for a quote, and for nonces without end."""
    assert [200, 200, 429] == statuses(fileinfo(client, "192.0.2.1") for _ in range(3))

    headers = {"X-Forwarded-For": "192.0.2.1"}
    query = {"documentId": held.did, "consumerAddress": ADDRESS}
    quotes = [client.get(f"{API}/initialize", query_string=query, headers=headers) for _ in range(3)]
    nonces = [client.get(f"{API}/nonce?userAddress={ADDRESS}", headers=headers) for _ in range(9)]

    assert [200, 200, 429] == statuses(quotes)
    assert [200] * 9 == statuses(nonces)


def test_an_address_that_signs_too_often_has_to_wait(client, consumer, held):
    """From wherever it calls, in any case of its letters; what is refused leaves the nonce as it was."""
    addresses = ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"]
    spelled = [consumer.address, consumer.address.lower(), consumer.address, consumer.address.lower()]

    answers = [
        consumer.download(held.did, headers={"X-Forwarded-For": address}, consumerAddress=spelling)
        for address, spelling in zip(addresses, spelled, strict=True)
    ]

    assert [200, 200, 200, 429] == statuses(answers)
    assert 3 == consumer.nonce()
    assert [200] == statuses([Consumer(client, OTHER_KEY).download(held.did)])


def test_who_sends_wrong_signatures_is_no_longer_listened_to(client, consumer, held):
    """The one whom they named is: nobody can shut out another by failing in their name."""
    wrong = {"signature": "0x" + "11" * 65}
    failed = [consumer.download(held.did, headers={"X-Forwarded-For": "192.0.2.9"}, **wrong) for _ in range(3)]

    assert [401, 401, 429] == statuses(failed)
    assert [429] == statuses([consumer.download(held.did, headers={"X-Forwarded-For": "192.0.2.9"})])
    assert [200] == statuses([consumer.download(held.did, headers={"X-Forwarded-For": "192.0.2.1"})])


def test_a_quote_for_somebody_counts_for_who_asks(client, held, consumer):
    """Whoever names an address has not shown to be it."""
    query = {"documentId": held.did, "consumerAddress": consumer.address}
    asked = [
        client.get(f"{API}/initialize", query_string=query, headers={"X-Forwarded-For": f"192.0.2.{number}"})
        for number in range(9)
    ]

    assert [200] * 9 == statuses(asked)
    assert [200] == statuses([consumer.download(held.did)])
