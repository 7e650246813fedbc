"""The line to the keeper, and streams to hosts that take their time."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import pytest

from handlers.errors import Unavailable
from handlers.models import line, places
from handlers.models.frames import receive
from handlers.models.hosts import Hosts
from handlers.models.line import Line
from handlers.models.process import listen
from handlers.models.waits import MOMENT_S, Wait
from handlers.seats import Seats
from handlers.settings import Settings


@pytest.fixture
def settings(tmp_path):
    """Settings of a machine of the test's own."""
    return Settings(home=tmp_path / "h")


class SlowKeeper:
    """Stands where the keeper listens; answers at once, but for one question until it is let."""

    def __init__(self, settings):
        """Listen."""
        self.asked, self.let = threading.Event(), threading.Event()
        places.folder(settings)
        self.door = listen(places.keeper_socket(settings))
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        """Let callers in."""
        with suppress(OSError):
            while True:
                threading.Thread(target=self.serve, args=(self.door.accept()[0],), daemon=True).start()

    def serve(self, stream):
        """Answer a caller."""
        with suppress(BrokenPipeError), stream, stream.makefile("rwb") as lines:
            for text in lines:
                if json.loads(text) == {"stop": "slow"}:
                    self.asked.set()
                    self.let.wait()
                lines.write(text)
                lines.flush()


def test_one_slow_answer_of_the_keeper_makes_nobody_else_wait(settings):
    """Whoever asks it meanwhile is answered, and so is who only wants to know whether it is there."""
    keeper, asking = SlowKeeper(settings), Line(settings)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(asking.ask, {"stop": "slow"})
        keeper.asked.wait()

        assert [{"stop": str(number)} for number in range(3)] == [asking.ask({"stop": str(n)}) for n in range(3)]
        assert asking.reaches()
        assert not slow.done()

        keeper.let.set()
        assert {"stop": "slow"} == slow.result()
    asking.close()
    keeper.door.close()


def test_a_keeper_that_does_not_answer_is_waited_for_no_longer_than_wanted(settings):
    """The caller is told to come again."""
    keeper, asking = SlowKeeper(settings), Line(settings)

    with pytest.raises(Unavailable) as problem:
        asking.ask({"stop": "slow"}, 0.3)

    assert "Retry-After" in problem.value.headers
    keeper.let.set()
    keeper.door.close()


def test_many_who_need_a_keeper_start_one(settings, monkeypatch):
    """Each of them reaches it."""
    started, start = [], subprocess.Popen

    def note(command, **more):
        started.append(command)
        return start(command, **more)

    monkeypatch.setattr(line.subprocess, "Popen", note)
    hosts = Hosts(settings)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: hosts.line.ask({}), range(8)))

    assert [{"hosts": 0}] * 8 == answers
    assert 1 == len(started)
    hosts.close()


@contextmanager
def dribbling():
    """A stream whose other end begins a long message, and goes on a byte at a time for as long as anybody reads."""
    ours, theirs = socket.socketpair()
    stop = threading.Event()

    def dribble():
        theirs.sendall(b"\0\1\0\0")
        while not stop.wait(MOMENT_S / 20):
            theirs.sendall(b"x")

    thread = threading.Thread(target=dribble)
    thread.start()
    yield ours
    stop.set()
    thread.join()
    ours.close()
    theirs.close()


def test_a_host_that_answers_byte_by_byte_is_given_up():
    """What it has sent until then buys it no time: after a moment a seat is taken, and at the end given back."""
    seats = Seats(4)

    with dribbling() as stream, pytest.raises(TimeoutError), Wait(seats, "e", 3 * MOMENT_S) as wait:
        receive(wait.attend(stream))

    assert seats.take("e"), "it was the only seat of its row"


def test_a_host_that_answers_byte_by_byte_needs_a_seat():
    """Where none is free it is given up after a moment."""
    seats = Seats(4)
    for row in ("a", "b"):
        seats.take(row)

    with dribbling() as stream, pytest.raises(Unavailable), Wait(seats, "e", 600) as wait:
        receive(wait.attend(stream))


def test_what_a_host_does_not_read_needs_a_seat():
    """A message that is larger than what the system holds for it keeps no thread without one."""
    ours, theirs = socket.socketpair()
    seats = Seats(3)
    seats.take("a")

    with ours, theirs, pytest.raises(Unavailable), Wait(seats, "e", 600) as wait:
        wait.attend(ours).sendall(bytes(8 << 20))


def test_who_comes_when_a_row_is_full_is_turned_away_at_once():
    """Before anything is sent."""
    seats = Seats(3)
    seats.take("e")

    with pytest.raises(Unavailable, match="waiting already"):
        Wait(seats, "e", 600)
