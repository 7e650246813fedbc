"""The queue of the jobs that wait: ids in Redis, dealt out by RQ.

This is the only place, beside the command line, that knows RQ. It holds nothing but ids and may be wiped at any time;
an id may be dealt out more than once, and only one of those who get it can claim the job.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, Final

import rq
import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import worker_registration
from rq.command import parse_payload, send_command
from rq.exceptions import StopRequested
from rq.serializers import JSONSerializer
from rq.worker import WorkerStatus

from handlers.errors import QueueUnavailable
from handlers.jobs.bell import Bell
from handlers.settings import Settings

QUEUE_NAME: Final = "seamark"
ENTRY: Final = "handlers.worker.run"  #: what RQ calls, by name, with the id
COMMAND: Final = "look"  #: tells a worker to look at how its job stands
WORKER_TTL_S: Final = 30  # a worker that died counts as alive for at most a minute more than this
KEPT_S: Final = 60  # what RQ itself keeps of a job that it saw end
CONNECT_TIMEOUT_S: Final = 2.0
ANSWER_TIMEOUT_S: Final = 5.0
RETRY_S: Final = 0.5  # wait before a worker tries again to reach Redis
LATER: Final = {"Retry-After": "5"}
LONGEST_WAIT_S: Final = 5.0  # longest wait between two tries of one that had reached it before

log = structlog.get_logger(__name__)


class Queue:
    """The ids of the jobs that wait for a worker."""

    def __init__(self, settings: Settings) -> None:
        """Connect to nothing yet."""
        self.url = settings.queue_url
        self.drain_s = settings.drain_s
        self._redis = self._connect(ANSWER_TIMEOUT_S)
        self._queue = rq.Queue(QUEUE_NAME, connection=self._redis, serializer=JSONSerializer)

    def put(self, job_id: str, *, first: bool = False) -> None:
        """Add an id at the end, or before all others.

        Raises:
            QueueUnavailable: Redis cannot be reached.
        """
        with reaching():
            self._queue.enqueue_call(
                ENTRY,
                args=(job_id,),
                job_id=job_id,
                description=job_id,
                timeout=-1,  # RQ's default of 180 s kills; the time of a job is bounded by who looks after it
                result_ttl=0,
                failure_ttl=KEPT_S,
                at_front=first,
            )

    def ids(self) -> set[str]:
        """Return the ids that wait here; one that a worker was dealt is not among them."""
        with reaching():
            return set(self._queue.get_job_ids())

    def holds(self, job_id: str) -> bool:
        """Tell whether an id waits here."""
        return job_id in self.ids()

    def depth(self) -> int:
        """Return how many ids wait here."""
        with reaching():
            return self._queue.count

    def workers(self) -> int:
        """Return how many workers there are, busy or not."""
        with reaching():
            keys = rq.Worker.all_keys(queue=self._queue)
            return self._redis.exists(*keys) if keys else 0

    def ping(self) -> None:
        """Raise QueueUnavailable unless Redis answers."""
        with reaching():
            self._redis.ping()

    def tell(self, worker: str, job_id: str) -> None:
        """Ask a worker to look at how a job stands; it would do so at its next heartbeat anyway."""
        with suppress(RedisError):
            send_command(self._redis, worker, COMMAND, job_id=job_id)

    def work(self, name: str, run: Callable[[str], None], bell: Bell) -> None:
        """Take ids and run them, one after the other, until the bell says to stop or SIGTERM or SIGINT comes.

        Args:
            name: Of this worker; no other has it.
            run: Runs the job with this id, if it is still there to be had; looks at *bell* while it does.
            bell: Rung when the worker is to stop or to look at how its job stands.
        """
        with suppress(StopRequested):
            while not bell.stopping():
                try:
                    Worker(self._connect(WORKER_TTL_S), name, run, bell, self.drain_s).work()
                except RedisError as error:
                    log.warning("worker cannot reach the queue", worker=name, error=str(error))
                time.sleep(0 if bell.stopping() else RETRY_S)

    def close(self) -> None:
        """Give the connections back."""
        self._redis.close()

    def _connect(self, timeout_s: float) -> Redis:
        """Return a client that gives up soon: one try again, for a connection that went stale."""
        return Redis.from_url(
            self.url,
            socket_timeout=timeout_s,
            socket_connect_timeout=CONNECT_TIMEOUT_S,
            retry=Retry(NoBackoff(), 1),
        )


class Worker(rq.Worker):
    """RQ's worker, but for what happens to a job.

    RQ would fork here, and keep books about the job in Redis. Ours hands the id to who looks after the job: that one
    keeps the books in SQL, and has a process beside this one, small and with everything imported, which forks.
    """

    max_connection_wait_time = LONGEST_WAIT_S  # RQ would wait a minute, on a host that is back long since

    def __init__(self, connection: Redis, name: str, run: Callable[[str], None], bell: Bell, drain_s: float) -> None:
        """Take ids from the queue under *name*."""
        queue = rq.Queue(QUEUE_NAME, connection=connection, serializer=JSONSerializer)
        super().__init__([queue], name=name, connection=connection, serializer=JSONSerializer, worker_ttl=WORKER_TTL_S)
        self._run = run
        self._bell = bell
        self._drain_s = drain_s
        self._ended = threading.Event()

    def bootstrap(self, *_: Any, **__: Any) -> None:
        """Announce this worker. Its name is unique: if Redis knows it, it is from before the connection was lost."""
        # RQ would do so afterwards, and whoever sees the worker announced may well tell it to stop.
        self._install_signal_handlers()  # type: ignore[no-untyped-call]  # RQ's
        self.connection.delete(self.key)
        self.register_birth()  # type: ignore[no-untyped-call]  # RQ's
        self.subscribe()  # type: ignore[no-untyped-call]  # RQ's
        self.set_state(WorkerStatus.STARTED)
        threading.Thread(target=self._keep_alive, daemon=True).start()

    def work(self, *args: Any, **kwargs: Any) -> bool:
        """Work as RQ's does, but take leave also when told to stop while announcing this worker."""
        try:
            return super().work(*args, **kwargs)
        except StopRequested:
            self.teardown()
            raise

    def teardown(self) -> None:
        """Take leave, if Redis is there to hear it."""
        self._ended.set()
        with suppress(RedisError):
            super().teardown()  # type: ignore[no-untyped-call]  # RQ's

    def dequeue_job_and_maintain_ttl(self, *args: Any, **kwargs: Any) -> Any:
        """Wait for an id, unless told to stop since the last job: RQ would not look at that before the next one."""
        self._state = WorkerStatus.IDLE  # from here on a signal is an exception
        if self._bell.stopping():
            raise StopRequested
        return super().dequeue_job_and_maintain_ttl(*args, **kwargs)

    def execute_job(self, job: Any, queue: Any) -> None:
        """Run a job. RQ forgets it first: afterwards its id may be waiting again, for another attempt."""
        self._state = WorkerStatus.BUSY
        with self.connection.pipeline() as pipeline:
            pipeline.lrem(queue.intermediate_queue_key, 1, job.id)
            pipeline.delete(job.key)
            self.set_state(WorkerStatus.BUSY, pipeline=pipeline)
            pipeline.execute()
        try:
            self._run(job.id)
        except Exception:
            # The row says how the job stands, and the sweeper mends it if that is not the truth.
            log.exception("job could not be looked after", job=job.id)
            time.sleep(RETRY_S)
        self._stop_requested = self._stop_requested or self._bell.stopping()

    def handle_payload(self, message: Any) -> None:
        """Look at how the job stands when told to; the rest is RQ's."""
        if parse_payload(message).get("command") == COMMAND:
            self._bell.ring()
        else:
            super().handle_payload(message)  # type: ignore[no-untyped-call]  # RQ's

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """Stop at once when idle, and soon when busy; a second signal means now."""
        busy = self.get_state() == WorkerStatus.BUSY
        self._bell.stop(0 if self._bell.stopping() else self._drain_s)
        self._stop_requested = True
        if not (busy or self._ended.is_set()):  # who takes leave is not to be kept from it
            raise StopRequested

    def _keep_alive(self) -> None:
        """Show Redis that this worker lives, also while it has a long job."""
        while not self._ended.wait(WORKER_TTL_S / 2):
            with suppress(RedisError):
                self.heartbeat()
                worker_registration.register(self)  # Redis may have been wiped meanwhile


@contextmanager
def reaching() -> Iterator[None]:
    """Turn what Redis raises into a problem.

    Raises:
        QueueUnavailable: Redis cannot be reached, or does not take it.
    """
    try:
        yield
    except RedisError as error:
        raise QueueUnavailable("The queue cannot be reached.", headers=LATER) from error
