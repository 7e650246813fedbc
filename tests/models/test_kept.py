"""A host and its keeper: when it is started again."""

from __future__ import annotations

import threading

import pytest

from handlers.models.kept import KeptHost
from handlers.models.page import READY
from handlers.models.process import Plan
from handlers.models.tally import Tally
from handlers.sandbox.values import Limits, Outcome, Reason, Usage
from handlers.settings import Settings
from handlers.storage.blobs import open_blobs
from tests.jobs.conftest import eventually

BOUNDS = Limits(memory_bytes=1, cpus=1, processes=1, open_files=1, disk_bytes=1, scratch_bytes=1, wall_s=1, log_bytes=1)


class Dying:
    """Stands for what starts hosts: all that it starts has ended in the same way."""

    def __init__(self, settings, outcome):
        """Let hosts end with *outcome*."""
        self.settings, self.limits, self.outcome, self.started = settings, BOUNDS, outcome, 0

    def start(self, *_):
        """Start a host."""
        self.started += 1
        return self

    def wait(self):
        """Return how it came out."""
        return self.outcome

    def stop(self):
        """Do nothing: it has ended."""


def ended(reason, code=None):
    """Return how a host came out."""
    return Outcome(reason=reason, exit_code=code, usage=Usage())


@pytest.mark.parametrize(
    ("outcome", "starts"),
    [
        (ended(Reason.MEMORY), 1),
        (ended(Reason.EXITED, 139), 1),  # a fault of memory, as a parser has it that is led astray
        (ended(Reason.EXITED, 137), 3),  # somebody has killed it
        (ended(Reason.KILLED), 3),
        (ended(Reason.EXITED, 0), 3),
    ],
)
def test_a_file_that_ends_its_host_is_loaded_once(tmp_path, outcome, starts):
    """What takes too much, or crashes, while it is being loaded would do so again; what others have ended may go on."""
    settings = Settings(home=tmp_path)
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs" / "b").write_bytes(b"")
    dying = Dying(settings, outcome)

    host = KeptHost(Plan(endpoint="e", blob="b"), dying, open_blobs(settings.store_url), tmp_path / "s", Tally())
    host.wait()

    assert starts == dying.started
    assert host.problem
    assert host.resting


class Starting(Dying):
    """Stands for what starts hosts that take their time to begin, until one is stopped."""

    def __init__(self, settings):
        """Start nothing yet."""
        super().__init__(settings, ended(Reason.STOPPED))
        self.stops = threading.Semaphore(0)

    def wait(self):
        """Return how it came out, once it is stopped."""
        self.stops.acquire()
        return self.outcome

    def stop(self):
        """Stop it."""
        self.stops.release()


def kept(folder, processes):
    """Return a host of a file that is there."""
    (folder / "blobs").mkdir()
    (folder / "blobs" / "b").write_bytes(b"")
    blobs = open_blobs(processes.settings.store_url)
    return KeptHost(Plan(endpoint="e", blob="b"), processes, blobs, folder / "s", Tally())


def test_a_host_that_is_being_started_is_not_idle(tmp_path):
    """Somebody waits for it, so that no other takes its room; one that was given up makes room at once."""
    host = kept(tmp_path, Starting(Settings(home=tmp_path)))
    (tmp_path / "other").mkdir()
    given_up = kept(tmp_path / "other", Dying(Settings(home=tmp_path / "other"), ended(Reason.MEMORY)))
    given_up.wait()

    assert 0 == host.idle_s
    assert given_up.idle_s > 0
    host.page.write(READY, 1.0)
    assert host.idle_s > 0
    host.stop()
    host.wait()


def test_a_host_that_is_started_again_does_not_rest(tmp_path):
    """Why it has ended before is no reason that it cannot be asked now."""
    host = kept(tmp_path, again := Starting(Settings(home=tmp_path)))

    again.stop()
    eventually(lambda: again.started == 2)

    assert host.problem
    assert not host.resting
    host.stop()
    host.wait()
