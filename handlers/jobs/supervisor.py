"""Look after one job at a time: claim it, have it run in a process of its own, and write down what becomes of it.

The worker does this rather than the job's process, so that a job that holds the interpreter's lock for a minute does
not look dead, and one that is killed is noticed at once. Every write is conditional on the claim: a worker that was
cut off, and whose job another has taken over, can no longer change it.
"""

from __future__ import annotations

import enum
import json
import os
import selectors
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

import structlog

from handlers.errors import InternalError, QueueUnavailable, TimedOut
from handlers.jobs import transitions
from handlers.jobs.bell import Bell
from handlers.jobs.journal import Journal, journal_of
from handlers.jobs.records import Job
from handlers.jobs.service import Jobs
from handlers.jobs.stable import Horse, Stable, StableClosedError
from handlers.jobs.tables import JobRow, Status
from handlers.observability import bound, count_job
from handlers.settings import Settings
from handlers.storage import reach
from handlers.storage.sql import now

WRITE_S: Final = 0.2  # least time between two writes of what a job says
RETRY_S: Final = 0.5  # wait before a write is tried again

log = structlog.get_logger(__name__)
T = TypeVar("T")


class Verdict(enum.Enum):
    """How looking after a job came to an end."""

    ANSWERED = enum.auto()  #: the function returned or raised
    DIED = enum.auto()  #: the process ended without an answer
    TIMED_OUT = enum.auto()  #: it took longer than `job_timeout_s`
    GIVEN_BACK = enum.auto()  #: the worker has to stop
    LOST = enum.auto()  #: cancelled, or taken over by another worker


class Supervisor:
    """Looks after the jobs of one worker."""

    def __init__(self, name: str, bell: Bell, stable: Stable, jobs: Jobs, clear: Callable[[Job], None]) -> None:
        """Look after jobs.

        Args:
            name: Of this worker.
            bell: Calls away from waiting.
            stable: Has the processes.
            jobs: Which ones.
            clear: Ends, after each attempt, what it has running elsewhere than below its process; raises nothing.
        """
        self.name = name
        self.bell = bell
        self.stable = stable
        self.clear = clear
        self.database = jobs.database
        self.queue = jobs.queue
        self.blobs = jobs.blobs
        self.settings = jobs.settings
        self.busy = False  #: whether there is a job in hand

    def run(self, job_id: str) -> None:
        """Run a job, unless somebody else has claimed it or it was cancelled."""
        self.busy = True
        try:
            self._run(job_id)
        finally:
            self.busy = False

    def _run(self, job_id: str) -> None:
        """Claim a job and look after it to its end."""
        with self.database.write() as connection:
            job = transitions.claim(connection, job_id, self.name, now())
            if job is None:
                return
            journal = journal_of(connection, job, self.settings.job_log_bytes)
        directory = work_folder(self.settings, job)
        watch = Watch(self, job, journal)
        try:
            with bound(job=job.id):
                watch.run(directory)
        except StableClosedError:
            log.exception("no process can be had for a job; this worker ends")
            watch.give_back("The worker cannot start the job's process; another takes it up.")
            self.bell.stop(0)
        finally:
            self.clear(job)
            shutil.rmtree(directory, ignore_errors=True)


def work_folder(settings: Settings, job: Job) -> Path:
    """Return where an attempt works; it is gone when the attempt ends."""
    return settings.home.resolve() / "work" / f"{job.id}-{job.attempt}"


class Watch:
    """Looks after one attempt of one job."""

    def __init__(self, supervisor: Supervisor, job: Job, journal: Journal) -> None:
        """Look after *job*, which this worker has claimed."""
        self.supervisor = supervisor
        self.settings = supervisor.settings
        self.stable = supervisor.stable
        self.job = job
        self.journal = journal
        self.answer: dict[str, Any] | None = None
        self.verdict: Verdict | None = None
        self.status = 0  #: wait status of a process that died
        self._message = b""
        self._began = self._beaten = time.monotonic()
        self._written = 0.0

    def run(self, directory: Path) -> None:
        """Run the job to an end, whatever that is, and write it down."""
        try:
            horse = self.stable.fork(self.job, directory)
        except StableClosedError:
            self.stable.restart()
            horse = self.stable.fork(self.job, directory)
        try:
            verdict = self.wait(horse)
            if verdict not in (Verdict.ANSWERED, Verdict.DIED):
                self.stable.kill()
            self.drain(horse)
        finally:
            horse.close()
        self.conclude(verdict)

    def wait(self, horse: Horse) -> Verdict:
        """Listen to the job, and show that it lives, until there is a verdict."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.stable, selectors.EVENT_READ, self.hear_stable)
            selector.register(self.supervisor.bell, selectors.EVENT_READ, self.hear_bell)
            for pipe in (horse.messages, horse.output):
                selector.register(pipe, selectors.EVENT_READ, None)
            while self.verdict is None:
                for key, _ in selector.select(self.patience()):
                    if key.data is not None:
                        key.data()
                    elif self.hear_horse(horse, key.fd) == b"":
                        selector.unregister(key.fd)
                self.keep_time()
        return self.verdict

    def patience(self) -> float:
        """Return how long to wait at most, in seconds, until something is to be done."""
        due = min(self._began + self.settings.job_timeout_s, self._beaten + self.settings.job_heartbeat_s)
        if self.supervisor.bell.stop_by is not None:
            due = min(due, self.supervisor.bell.stop_by)
        if self.journal.waiting:
            due = min(due, self._written + WRITE_S)
        return max(0.0, due - time.monotonic())

    def keep_time(self) -> None:
        """Do what is due: end the job, show that it lives, write down what it said."""
        if self.verdict is not None:
            return
        moment = time.monotonic()
        stop_by = self.supervisor.bell.stop_by
        if stop_by is not None and moment >= stop_by:
            self.verdict = Verdict.GIVEN_BACK
        elif moment >= self._began + self.settings.job_timeout_s:
            self.verdict = Verdict.TIMED_OUT
        elif moment >= self._beaten + self.settings.job_heartbeat_s or (
            self.journal.waiting and moment >= self._written + WRITE_S
        ):
            self.beat()

    def beat(self) -> None:
        """Show that the job lives and write down what it said; notice if it is no longer ours.

        While the database cannot be reached the job goes on, until others may think it dead.
        """
        self._written = time.monotonic()
        try:
            ours = self.write(heartbeat=now(), **self.journal.progress)
        except reach.DATABASE:
            log.warning("job cannot show that it lives", job=self.job.id, exc_info=True)
            ours = self._written < self._beaten + self.settings.job_stale_s
        else:
            self._beaten = self._written
        if not ours:
            self.verdict = Verdict.LOST

    def write(self, **values: Any) -> bool:
        """Change the job's row and store its lines in one transaction, if the job is still ours."""
        with self.supervisor.database.write() as connection:
            ours = transitions.move(connection, self.job, **values)
            if ours:
                self.journal.write(connection)
        if ours:
            self.journal.forget()
        return ours

    def hear_bell(self) -> None:
        """Look at how the job stands; somebody has changed it, or this worker is to stop."""
        self.supervisor.bell.hush()
        self.beat()

    def hear_stable(self) -> None:
        """Note that the job's process has ended, or the one that forks."""
        try:
            status = self.stable.ended()
        except StableClosedError:
            self.stable.restart()
            status = signal.SIGKILL
        if status is not None:
            self.status = status
            self.verdict = Verdict.DIED

    def hear_horse(self, horse: Horse, pipe: int) -> bytes | None:
        """Note what the job says or prints."""
        data = horse.read(pipe)
        if data and pipe == horse.output:
            self.journal.output(data, now())
        elif data:
            *messages, self._message = (self._message + data).split(b"\n")
            for message in messages:
                self.note(json.loads(message))
        return data

    def note(self, message: dict[str, Any]) -> None:
        """Note one message of the job's process."""
        if "percent" in message:
            self.journal.report(message["percent"], message["message"])
        elif "line" in message:
            self.journal.line(message["line"], now())
        else:
            self.answer = message

    def drain(self, horse: Horse) -> None:
        """Read what the processes left in the pipes when they ended."""
        for pipe in (horse.messages, horse.output):
            while self.hear_horse(horse, pipe):
                pass
        self.journal.finish(now())

    def conclude(self, verdict: Verdict) -> None:
        """Write down how the attempt ended."""
        if verdict is Verdict.DIED and self.answer is not None:
            verdict = Verdict.ANSWERED
        kept = False
        if verdict is Verdict.ANSWERED:
            kept = self.write_answer()
        elif verdict is Verdict.TIMED_OUT:
            problem = TimedOut(f"The job took longer than {self.settings.job_timeout_s:g} s.")
            self.end(Status.FAILED, problem=problem.as_document())
        elif verdict is Verdict.GIVEN_BACK:
            self.give_back("This worker stops; another takes the job up from the beginning.")
        elif verdict is Verdict.DIED:
            self.bury()
        elif verdict is Verdict.LOST:
            self.patiently(self.keep_lines)
        if not kept:
            self.supervisor.blobs.remove_all(self.job.blobs)

    def keep_lines(self) -> None:
        """Store what a job that was cancelled said last; what was taken over says all of it anew elsewhere."""
        cancelled = replace(self.job, status=Status.CANCELLED)
        with self.supervisor.database.write() as connection:
            if transitions.move(connection, cancelled, JobRow.purged.is_(None), worker=None):
                self.journal.write(connection)

    def write_answer(self) -> bool:
        """Store the results or the problem; tell whether there are results and they count."""
        assert self.answer is not None, "there is an answer to write"
        traceback = self.answer.get("traceback")
        if self.answer.get("again") and self.job.attempt < self.settings.job_attempts:
            log.warning("job could not reach its stores", job=self.job.id, traceback=traceback)
            self.give_back("The job could not reach the database or its files; it is tried again.")
            return False
        if traceback is not None:
            log.error("job failed on the server", job=self.job.id, traceback=traceback)
        if "problem" in self.answer:
            self.end(Status.FAILED, problem=self.answer["problem"])
            return False
        return self.end(Status.SUCCEEDED, results=self.answer["results"], progress=100)

    def bury(self) -> None:
        """Have a job whose process died run again, unless it has died often enough."""
        cause = in_words(self.status)
        if self.job.attempt < self.settings.job_attempts:
            self.give_back(f"The process of the job {cause}; the job is tried again.")
            return
        problem = InternalError(f"The process of the job {cause}, at each of {self.job.attempt} attempts.")
        self.end(Status.FAILED, problem=problem.as_document())

    def give_back(self, reason: str) -> None:
        """Schedule the job again and queue it."""
        self.journal.line(reason, now())
        values = {"status": Status.SCHEDULED, "worker": None, "queued": now()}
        if self.patiently(lambda: self.write(**self.journal.progress, **values)):
            try:
                self.supervisor.queue.put(self.job.id)
            except QueueUnavailable:
                log.warning("job waits for the queue to come back", job=self.job.id)

    def end(self, status: Status, **values: Any) -> bool:
        """End the job; tell whether it was still ours to end."""
        time = now()
        expires = time + timedelta(seconds=self.settings.job_retention_s)
        values = {**self.journal.progress, "status": status, "finished": time, "expires": expires, **values}
        ours = self.patiently(lambda: self.write(**values) or self.has_ended(time))
        if ours:
            count_job(self.job.subject, status.value, self.job.ran_s(time))
            log.info("job ended", subject=self.job.subject, status=status.value, attempt=self.job.attempt)
        else:
            log.warning("job was no longer ours to end", job=self.job.id, attempt=self.job.attempt)
        return ours

    def has_ended(self, time: datetime) -> bool:
        """Tell whether this attempt has ended the job at *time*.

        The database may have committed that and been cut off before it could say so; whoever then took the write for
        refused would remove the results that count.
        """
        with self.supervisor.database.read() as connection:
            job = transitions.find(connection, self.job.id)
        ours = (self.job.attempt, self.supervisor.name, time)
        return job is not None and ours == (job.attempt, job.worker, job.finished)

    def patiently(self, write: Callable[[], T]) -> T:
        """Try a write again while the database cannot be reached, until others may have taken the job over."""
        end = time.monotonic() + self.settings.job_stale_s
        while True:
            try:
                return write()
            except reach.DATABASE:
                if time.monotonic() > end:
                    raise
                time.sleep(RETRY_S)


def in_words(status: int) -> str:
    """Say how a process ended, from its wait status."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return f"was ended by signal {number} ({signal.strsignal(number)})"
    return f"ended without an answer (exit code {os.waitstatus_to_exitcode(status)})"
