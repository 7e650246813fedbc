"""Whether models can be asked on this machine, looked at once in a while however often somebody wants to know."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from handlers.errors import Problem, Unavailable
from handlers.models.hosts import Hosts
from handlers.settings import Settings
from handlers.storage.sql import Database

QUEUE_FRESH_S: Final = 2.0  # a queue that is away keeps who looks waiting, which must not be every thread
FRESH_S: Final = 60.0  # a look starts a program, which strangers should not have us do at will
WALL_S: Final = 10.0
OK: Final = "ok"
NOTHING: Final = "/bin/true"
NO_SANDBOX: Final = "Models cannot be run on this machine; on the server, `seamark check` says why."
NO_KEEPER: Final = "What keeps models loaded on this machine does not start, or does not answer."
NO_DATABASE: Final = "The database does not answer."

log = structlog.get_logger(__name__)


Look = Callable[[], str]  #: says what is wrong; nothing where nothing is


class Remembered:
    """What a look has found, for a while; while somebody looks, what was found before counts."""

    def __init__(self, look: Look, fresh_s: float) -> None:
        """Look at nothing yet, and at most once in so many seconds."""
        self._look = look
        self._fresh_s = fresh_s
        self._lock = threading.Lock()
        self._looked = -math.inf
        self._found = ""

    def __call__(self) -> str:
        """Say what is wrong."""
        if time.monotonic() - self._looked > self._fresh_s and self._lock.acquire(blocking=False):
            try:
                self._found = self._look()
                self._looked = time.monotonic()
            finally:
                self._lock.release()
        return self._found


class Condition:
    """How that what models need is."""

    def __init__(self, database: Database, settings: Settings, hosts: Hosts, trials: Look) -> None:
        """Look at nothing yet; *hosts* answer predictions, *trials* says why uploads are not tried."""
        self._looks: Mapping[str, Look] = {
            "database": lambda: "" if answers(database) else NO_DATABASE,
            "jobs": Remembered(trials, QUEUE_FRESH_S),
            "keeper": Remembered(lambda: "" if keeps(hosts) else NO_KEEPER, FRESH_S),
            "sandbox": Remembered(lambda: "" if runs(settings) else NO_SANDBOX, FRESH_S),
        }

    def parts(self) -> dict[str, str]:
        """Return how each part is that models need: `OK`, or what is wrong with it."""
        return {part: look() or OK for part, look in self._looks.items()}


def answers(database: Database) -> bool:
    """Tell whether a database answers."""
    try:
        database.ping()
    except (SQLAlchemyError, Problem) as error:
        log.warning("the database does not answer", error=type(error).__name__)
        return False
    return True


def keeps(hosts: Hosts) -> bool:
    """Tell whether there is a keeper of hosts, which is started where there is none."""
    try:
        hosts.ready()
    except Unavailable as problem:
        log.warning("there is no keeper of models", problem=problem.detail)
        return False
    return True


def runs(settings: Settings) -> bool:
    """Tell whether a program that does nothing can be run apart, as the settings have it."""
    from handlers.sandbox.runner import Sandbox
    from handlers.sandbox.values import Program

    sandbox = Sandbox(settings)
    try:
        outcome = sandbox.start(Program(argv=[NOTHING]), sandbox.limits(WALL_S), lambda _: None).wait()
    except (Problem, OSError) as problem:
        log.warning("nothing can be run apart on this machine", problem=str(problem))
        return False
    return outcome.exit_code == 0
