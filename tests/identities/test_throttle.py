"""Throttles."""

from __future__ import annotations

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from handlers.errors import TooManyRequests
from handlers.identities import throttle
from handlers.identities.throttle import Throttle

MOST = 5
CALLS = 16


@pytest.fixture
def eager():
    """Threads that take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def standing():
    """Return always the same time, and let other threads go first."""
    time.sleep(0)
    return 1000.0


def takes(counted, *who):
    """Tell whether a call passes."""
    try:
        counted.take(*who)
    except TooManyRequests:
        return False
    return True


@pytest.mark.usefixtures("eager")
def test_of_many_calls_at_once_no_more_pass_than_may():
    """Between looking at the count and counting nobody else gets in."""
    start = threading.Barrier(CALLS)

    def takes_with_others(counted):
        start.wait()
        return takes(counted, "ada")

    with ThreadPoolExecutor(CALLS) as threads:
        rounds = [list(threads.map(takes_with_others, [Throttle(MOST, clock=standing)] * CALLS)) for _ in range(50)]

    assert [MOST] * 50 == [passed.count(True) for passed in rounds]


def test_a_throttle_remembers_so_many_and_no_more(monkeypatch):
    """Whoever was quiet longest is forgotten, so that names without end need no memory without end."""
    monkeypatch.setattr(throttle, "REMEMBERED", 3)
    counted = Throttle(1, clock=standing)

    assert [True] * 4 == [takes(counted, name) for name in "abcd"]

    assert [False, True] == [takes(counted, "d"), takes(counted, "a")]
