"""How many may wait at a time, and for what."""

from __future__ import annotations

import pytest

from handlers.seats import JOBS, Seats


@pytest.mark.parametrize(("jobs", "threads", "most"), [(4, 8, 4), (50, 8, 5), (50, 64, 50), (4, 2, 0), (0, 8, 0)])
def test_those_who_wait_for_jobs_leave_three_threads(jobs: int, threads: int, most: int) -> None:
    """However many may wait for jobs, two threads wait for nobody, and one for something else."""
    seats = Seats(threads, jobs)

    assert most == sum(seats.take(JOBS) for _ in range(100))
    assert seats.take("model")


@pytest.mark.parametrize(("threads", "each", "most"), [(1, 1, 1), (2, 1, 1), (4, 1, 2), (8, 4, 6), (16, 10, 14)])
def test_one_row_is_full_before_all_seats_are_taken(threads: int, each: int, most: int) -> None:
    """Somebody can wait for something else then, as long as two threads, where there are so many, wait for nobody."""
    seats = Seats(threads)

    assert each == sum(seats.take("slow") for _ in range(100))
    assert seats.full("slow")
    assert most - each == sum(seats.take(str(number)) for number in range(100))
    assert not seats.full("none who waits"), "whoever asks what nobody waits for is not turned away"


def test_a_seat_that_is_given_back_is_free() -> None:
    """For the next who comes, in the same row or another."""
    seats = Seats(4)

    with seats.taken("slow") as first, seats.taken("slow") as second:
        assert (True, False) == (first, second)
        assert seats.full("slow")
    assert not seats.full("slow")
    assert 2 == sum(seats.take(row) for row in ("slow", "other", "another"))
