"""What model hosts count, and what becomes of it."""

from __future__ import annotations

import math
import os
import struct
from contextlib import closing

import pytest

from handlers.models import page as pages
from handlers.models.page import BATCH_ROWS, BATCHES, MOST, ROWS, Page
from handlers.models.tally import MOST_ENDPOINTS, Tallies, Tally


@pytest.fixture
def page():
    """A page that a host has."""
    with closing(Page(number := pages.make())) as made:
        os.close(number)
        yield made


def test_counts_never_become_less(page):
    """Though a host ends, and the next begins on an empty page, and two overlap."""
    tally, seen = Tally(), []

    with tally.host(page):
        page.count(1)
        page.count(3)
        seen.append(tally.counts())
    seen.append(tally.counts())
    page.clear()
    with tally.host(page), tally.host(page):
        page.count(4096)
        seen.append(tally.counts())

    one, three = [1.0] + [0.0] * (len(BATCH_ROWS) - 1), [0.0, 0.0, 1.0] + [0.0] * (len(BATCH_ROWS) - 3)
    both = [some + more for some, more in zip(one, three, strict=True)]
    assert [[4.0, *both]] * 2 == seen[:2]
    assert [4.0 + 2 * 4096, *both[:-1], 2.0] == seen[2]


@pytest.mark.parametrize("written", [math.nan, -math.inf, -1.0, math.inf, 1e300])
def test_what_a_strangers_program_writes_is_a_count(page, written):
    """A host may write anything: what is read is finite, and not negative."""
    for place in range(1 + len(BATCH_ROWS)):
        page.write(ROWS + struct.calcsize("d") * place, written)

    assert [MOST if written > 0 else 0.0] * (1 + len(BATCH_ROWS)) == page.counts()


def test_counts_have_a_place_of_their_own(page):
    """They stand beside what else is on the page, and after its flags."""
    page.begin()
    page.stop()

    assert [0.0] * (1 + len(BATCH_ROWS)) == page.counts()
    assert BATCHES + struct.calcsize("d") * len(BATCH_ROWS) <= pages.SIZE


def test_the_endpoints_of_a_machine_are_bounded(page):
    """Of too many those are forgotten that were started first."""
    tallies = Tallies()

    for number in range(MOST_ENDPOINTS + 1):
        with tallies.of(str(number)).host(page):
            tallies.of("0")

    assert MOST_ENDPOINTS == len(tallies.counts())
    assert "0" in tallies.counts()
    assert "1" not in tallies.counts()
