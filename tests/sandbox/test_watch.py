"""How often a program is looked at, and that nobody waits for a look."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import cast

import pytest

from handlers.sandbox import watch
from handlers.sandbox.cgroups import Group
from handlers.sandbox.values import Reason
from handlers.sandbox.watch import LOOK_S, REST_S, Watch
from tests.sandbox.conftest import SMALL, Bench


class Working:
    """Stands for the cgroup of a program: what it takes is what the test says."""

    def __init__(self) -> None:
        """Begin with one process, besides that of bubblewrap."""
        self.processes, self.worked_s = 2, 0.0

    def out_of_memory(self) -> bool:
        """Tell that there is enough."""
        return False

    def tasks(self) -> int:
        """Return how many processes it has."""
        return self.processes

    def cpu_s(self) -> float:
        """Return how long it has worked."""
        return self.worked_s


def test_what_rests_is_looked_at_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice as long passes before each further look, up to a bound, until it works or starts a process."""
    moment, group = 0.0, Working()
    monkeypatch.setattr(watch.time, "monotonic", lambda: moment)
    watching = Watch(SMALL, cast(Group, group), [], 0)
    pauses = []

    for share, more in ((0, 0), (0, 0), (0, 0), (0, 0), (0.05, 0), (0.05, 0), (1, 0), (1, 0), (0, 0), (0, 1)):
        pauses.append(pause := watching.patience_s())
        moment += pause
        group.worked_s += share * pause
        group.processes += more
        assert watching.look(1) is None

    assert [1, 1, 2, 4, 5, 5, 5, 1, 1, 2] == [round(pause / LOOK_S) for pause in pauses]
    assert watching.patience_s() == LOOK_S < REST_S
    moment = SMALL.wall_s - LOOK_S / 2
    assert watching.patience_s() == pytest.approx(LOOK_S / 2), "its time is not over any later"


def test_what_has_rested_is_held_to_its_bounds(bench: Bench) -> None:
    """A program that does nothing for a while, and then takes ever more memory, is ended for that."""
    outcome = bench.sh("sleep 1; x=x; while :; do x=$x$x; done")

    assert Reason.MEMORY is outcome.reason


def test_a_stop_waits_for_no_look(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever stops a program that rests is heard at once, before it would be looked at again."""
    monkeypatch.setattr(Watch, "patience_s", lambda _: 1000.0)
    run = bench.start(["/bin/sleep", "1000"], wall_s=2000)
    time.sleep(0.3)

    run.stop()
    run.stop()

    assert Reason.STOPPED is run.wait(30).reason
    run.stop()


def test_a_program_that_has_ended_can_be_stopped(bench: Bench) -> None:
    """By many at once, while it ends; nothing is written to a file that is another's by then."""
    for _ in range(5):
        run = bench.start(["/bin/true"])
        stopping = [threading.Thread(target=again(run.stop)) for _ in range(4)]
        for thread in stopping:
            thread.start()
        for thread in stopping:
            thread.join()

        assert run.wait(30).reason in (Reason.EXITED, Reason.STOPPED)


def again(call: Callable[[], None]) -> Callable[[], None]:
    """Return what calls many times."""

    def calls() -> None:
        for _ in range(1000):
            call()

    return calls
