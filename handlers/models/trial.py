"""Try a model file: load it, and ask what it is.

Where this machine has a keeper, its host does that, and is ready for predictions then; elsewhere, or where that host
dies over it, a host of the trial's own, which can tell why.
"""

from __future__ import annotations

import os
import socket
import tempfile
import threading
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from handlers.errors import Problem, Unavailable, Unprocessable
from handlers.models import page as pages
from handlers.models.frames import Closed, Garbled, framed, receive
from handlers.models.hosts import Hosts, as_answer, connect
from handlers.models.known import Implausible, plausible
from handlers.models.process import Plan, Processes, listen
from handlers.sandbox.words import sentence

if TYPE_CHECKING:
    from handlers.sandbox.runner import Run

QUESTION: Final = {"ask": "describe"}


def try_kept(hosts: Hosts, plan: Plan) -> Mapping[str, Any] | None:
    """Return what loading a model has shown that the keeper of this machine has loaded; None: it could not tell.

    Raises:
        Unprocessable: It cannot be loaded.
    """
    if not hosts.line.reaches():
        return None
    try:
        return known_in(hosts.ask(plan, QUESTION, hosts.settings.model_load_s))
    except Unavailable:
        return None


def try_model(processes: Processes, plan: Plan, file: Path, hear: Callable[[bytes], None]) -> Mapping[str, Any]:
    """Return what loading a model file has shown.

    Args:
        processes: Start hosts.
        plan: How it is loaded.
        file: The file.
        hear: Is given what the host prints.

    Raises:
        Unprocessable: It cannot be loaded; the words say why.
        SandboxUnavailable: Nothing can be run apart here.
    """
    number = pages.make()
    try:
        with tempfile.TemporaryDirectory(prefix="seamark-try-") as folder, closing(listen(Path(folder) / "s")) as door:
            run = processes.start(plan, file, door, number, hear)
            # While the door is open, whoever waits at it does not hear that the host has died.
            end = threading.Thread(target=close_after, args=(run, door), name="trial", daemon=True)
            end.start()
            try:
                return answer_of(str(Path(folder) / "s"), run, processes)
            finally:
                run.stop()
                end.join()
    finally:
        os.close(number)


def close_after(run: Run, door: socket.socket) -> None:
    """Close a door once nothing of a host is left."""
    with suppress(Problem):  # whoever asks the host hears of it
        run.wait()
    door.close()


def answer_of(path: str, run: Run, processes: Processes) -> Mapping[str, Any]:
    """Ask the host behind a socket's path what its model is.

    Raises:
        Unprocessable: It cannot be loaded, or the host has died over it.
        SandboxUnavailable: Nothing can be run apart here.
    """
    within_s = processes.settings.model_load_s
    try:
        # A host that could not even begin may have left its door closed before we come to it.
        with connect(path) as stream:
            stream.settimeout(within_s)
            stream.sendall(framed(orjson.dumps(QUESTION)))
            answer = as_answer(receive(stream))
    except (Closed, ConnectionError) as error:
        run.stop()
        raise Unprocessable(f"The model cannot be loaded. {sentence(run.wait(), processes.limits)}") from error
    except (Garbled, orjson.JSONDecodeError) as error:
        raise Unprocessable("The model cannot be loaded: its process does not keep to what was agreed.") from error
    except TimeoutError as error:
        raise Unprocessable(f"The model cannot be loaded within {within_s:g} s.") from error
    return known_in(answer)


def known_in(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a host has said of its model.

    Raises:
        Unprocessable: It could not load it.
    """
    known = answer.get("known")
    if not isinstance(known, dict):
        raise Unprocessable(f"The model cannot be loaded: {answer.get('unloaded', 'no reason is known.')}"[:2000])
    try:
        return plausible(known)
    except Implausible as error:
        raise Unprocessable("The model cannot be loaded: what its process says of it is implausible.") from error
