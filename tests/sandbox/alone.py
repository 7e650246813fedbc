"""Programs that tests start as processes of their own: `python -m tests.sandbox.alone NAME ARGUMENT…` prints JSON."""

from __future__ import annotations

import ctypes
import json
import os
import socket
import subprocess
import sys
import threading
import time
from dataclasses import asdict, replace
from pathlib import Path

import psutil

from handlers.sandbox.runner import Sandbox
from handlers.sandbox.values import Mount, Program
from handlers.settings import Settings
from tests.sandbox.conftest import SMALL, python

METADATA = ("169.254.169.254", 80)
ASK = f"import socket; print(socket.create_connection({METADATA!r}, timeout=5).recv(100).decode())"


def killed(home: str, mark: str) -> None:
    """Run a program that sleeps, and tell when it does; this process is killed then."""
    sandbox = Sandbox(Settings(home=Path(home)))
    script = f"sleep {mark} & sleep {mark} & echo asleep; wait"
    run = sandbox.start(Program(argv=["/bin/sh", "-c", script]), SMALL, lambda data: os.write(1, data) and None)
    run.wait()


def metadata() -> None:
    """Ask the address of a cloud's metadata for a secret: from here, from a sandbox, and from one with our network.

    This process is in a network namespace of its own, in which it listens on that address.
    """
    subprocess.run(["ip", "address", "add", f"{METADATA[0]}/32", "dev", "lo"], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    listener = socket.create_server(METADATA)
    threading.Thread(target=answer, args=(listener,), daemon=True).start()
    answers = {
        "here": subprocess.run([python(), "-c", ASK], capture_output=True, text=True, check=True).stdout,
        "apart": ask(allowed=True, wanted=False),
        "not allowed": ask(allowed=False, wanted=True),
        "allowed": ask(allowed=True, wanted=True),
    }
    json.dump(answers, sys.stdout)


def answer(listener: socket.socket) -> None:
    """Tell the secret to whoever asks."""
    while True:
        with listener.accept()[0] as asking:
            asking.sendall(b"credentials")


def ask(*, allowed: bool, wanted: bool) -> str:
    """Return what a program in a sandbox prints that asks for the secret."""
    said: list[bytes] = []
    sandbox = Sandbox(Settings(home=Path("/nowhere"), sandbox_network=allowed))
    sandbox.start(Program(argv=[python(), "-c", ASK], network=wanted), SMALL, said.append).wait()
    return b"".join(said).decode()


def ordinary(folder: str, script: str) -> None:
    """Run a shell script as whoever we are, without the rights that only served to get here."""
    ctypes.CDLL(None).prctl(47, 4, 0, 0, 0)  # PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL
    said: list[bytes] = []
    place = Path(folder)
    for name in ("inputs", "outputs"):
        (place / name).mkdir(mode=0o700)
    (place / "inputs" / "table.csv").write_text("a,b\n")
    mounts = [
        Mount(source=place / "inputs", target="/data/inputs"),
        Mount(source=place / "outputs", target="/data/outputs", writable=True),
    ]
    sandbox = Sandbox(Settings(home=place / "home"))
    program = Program(argv=["/bin/sh", "-c", script], mounts=mounts, directory="/data")
    outcome = sandbox.start(program, replace(SMALL, wall_s=20), said.append).wait()
    json.dump({**asdict(outcome), "log": b"".join(said).decode()}, sys.stdout)


def unbound() -> None:
    """Fork without end, without a sandbox and a cgroup."""
    ctypes.CDLL(None).prctl(47, 4, 0, 0, 0)  # PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL
    sandbox = Sandbox(Settings(home=Path("/nowhere"), sandbox_off=True))
    sandbox.cgroups = None
    script = "import os, time\nwhile True:\n    try: os.fork()\n    except OSError: time.sleep(0.5)"
    outcome = sandbox.start(Program(argv=[python(), "-c", script]), SMALL, lambda _: None).wait()
    left = [one for one in psutil.process_iter(["cmdline"]) if script in (one.info["cmdline"] or [])]
    json.dump({"reason": outcome.reason, "left": len(left)}, sys.stdout)


def late(home: str) -> None:
    """End at once, with a program running."""
    sandbox = Sandbox(Settings(home=Path(home)))
    sandbox.start(Program(argv=["/bin/sleep", "1000"]), SMALL, lambda _: None)
    time.sleep(0.2)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
