"""Who is bounded by what."""

from __future__ import annotations

import pytest

from handlers.errors import TooManyRequests
from handlers.identities.limits import Limits
from handlers.settings import Settings
from handlers.wire import Caller

STRANGER = Caller()


@pytest.fixture
def limits():
    """Limits that bear two calls a minute."""
    return Limits(Settings(calls_per_minute=2), clock=lambda: 1000.0)


@pytest.mark.parametrize("others", ["203.0.113.8", "2001:db8:0:1::7"])
def test_the_jobs_of_strangers_are_counted_by_client(limits, others):
    """One that submits too many is refused, in whatever address of its network, and nobody else is."""
    for host in (1, 2):
        limits.job(STRANGER, f"2001:db8::{host}")

    with pytest.raises(TooManyRequests):
        limits.job(STRANGER, "2001:db8::3")

    limits.job(STRANGER, others)


@pytest.mark.parametrize("caller", [Caller(name="ada"), Caller(local=True)])
def test_whoever_is_known_submits_as_many_jobs_as_wanted(limits, caller):
    """By a token, or since the request comes from this machine."""
    for _ in range(10):
        limits.job(caller, "203.0.113.7")
