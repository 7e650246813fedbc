"""A sandbox that is built and waits: nothing of the program's runs before its bounds are set, or after we are gone.

bubblewrap waits, with `--block-fd`, while its first process is put within the bounds. Then a shell in the sandbox says
that it is there, and waits for the word to become the program. bubblewrap binds the life of its processes to ours only
when it has built all (`--die-with-parent`); the shell's word is given after that. If this process is killed before, the
shell meets the end of its input instead, and all ends, but for one half of bubblewrap that may be left waiting for the
other; `strays.py` ends it.
"""

from __future__ import annotations

import json
import math
import os
import random
import select
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from io import FileIO
from pathlib import Path
from typing import Final

from handlers.errors import SandboxUnavailable
from handlers.sandbox import bubblewrap, reach, seccomp
from handlers.sandbox.cgroups import Group
from handlers.sandbox.processes import GONE, stat_fields
from handlers.sandbox.users import User
from handlers.sandbox.values import Limits, Program

START_S: Final = 30.0  # longest that a step of building may take, on a machine under load
END_S: Final = 30.0  # longest that killed processes may take to end
PAUSE_S: Final = 0.0005
SLACK: Final = 16  #: the kernel's bound on processes is higher by this: who meets it has gone beyond his own
SLEEPS: Final = "S"  #: state of a process, as proc_pid_stat(5) has it


class Cell:
    """One sandbox, from before the program runs until after it has ended."""

    def __init__(self, program: Program, limits: Limits, user: User | None, group: Group | None, output: int) -> None:
        """Build it. The thread that does has to live as long as the program, which is killed when it ends.

        Raises:
            SandboxUnavailable: It cannot be built; what bubblewrap says of it is in *output*.
        """
        with ExitStack() as stack:
            self._gate, gate = (stack.enter_context(end) for end in socket.socketpair())
            door, opener = (stack.enter_context(file) for file in pipe())
            self.monitor, self.first = self._build(program, limits, user, group is not None, output, gate, door)
            stack.callback(self.monitor.wait)
            stack.callback(self.monitor.kill)
            gate.close()
            door.close()
            self._end = stack.enter_context(FileIO(os.pidfd_open(self.monitor.pid)))
            try:
                self._handle = stack.enter_context(FileIO(os.pidfd_open(self.first)))
                bound(self.first, limits, group)
                opener.write(b"!")
                self._await_shell()
            except (*GONE, BrokenPipeError, ConnectionResetError) as error:
                raise SandboxUnavailable("bubblewrap ended while it built the sandbox.") from error
            self._files = stack.pop_all()

    def release(self) -> None:
        """Let the program run."""
        with suppress(BrokenPipeError):  # somebody has killed it
            self._gate.sendall(b"\n")
        self._gate.close()

    def ended(self) -> int:
        """Return the number of a file that is readable once bubblewrap has ended."""
        return self._end.fileno()

    def kill(self) -> int:
        """Kill whatever runs in the sandbox, and wait until it is gone; return how bubblewrap ended.

        Raises:
            TimeoutError: Something cannot be killed.
        """
        with suppress(ProcessLookupError):
            # The kernel kills a namespace with its first process, and lets that end only after all others.
            signal.pidfd_send_signal(self._handle.fileno(), signal.SIGKILL)
        if not readable(self._handle, END_S):
            raise TimeoutError("A program in a sandbox cannot be killed.")
        status = self.monitor.wait(END_S)
        with suppress(ChildProcessError):  # it is ours to reap only where orphans are given to us
            os.waitpid(self.first, os.WNOHANG)
        return status

    def close(self) -> None:
        """End what is left, and close the files."""
        self._files.close()

    def _build(
        self,
        program: Program,
        limits: Limits,
        user: User | None,
        counted: bool,
        output: int,
        gate: socket.socket,
        door: FileIO,
    ) -> tuple[subprocess.Popen[bytes], int]:
        """Start bubblewrap; return it, and which the first process of the sandbox is."""
        wanted = [*program.roots, *(mount.source for mount in program.mounts)]
        with ExitStack() as stack:
            info, told = (stack.enter_context(file) for file in pipe())
            files = {"--block-fd": door, "--info-fd": told}
            if refused := seccomp.program(counted=counted):
                files["--seccomp"] = stack.enter_context(memory(refused))
            places = stack.enter_context(reach.shown(wanted)) if user else wanted
            numbers = {option: file.fileno() for option, file in files.items()}
            words = bubblewrap.arguments(program, limits, numbers, dict(zip(wanted, places, strict=True)))
            given = stack.enter_context(memory(words))
            argv = bubblewrap.command(program, limits, given.fileno(), SLACK, counted=counted)
            monitor = spawn(argv, user, gate.fileno(), output, [given.fileno(), *numbers.values(), *program.files])
            told.close()
            try:
                return monitor, first_process(info)
            except BaseException:
                monitor.kill()
                monitor.wait()
                raise

    def _await_shell(self) -> None:
        """Wait until the shell is there, and bubblewrap's processes are such as end with us.

        Raises:
            SandboxUnavailable: The sandbox cannot be built.
        """
        if not readable(self._gate, START_S):
            raise SandboxUnavailable(f"bubblewrap did not build the sandbox within {START_S:g} s.")
        if not self._gate.recv(1):
            raise SandboxUnavailable("bubblewrap could not build the sandbox.")
        end = time.monotonic() + START_S
        # The last thing that the first process does is to wait for the others.
        while stat_fields(self.first)[0] != SLEEPS:
            if time.monotonic() > end:
                raise SandboxUnavailable(f"The sandbox did not come to rest within {START_S:g} s.")
            time.sleep(PAUSE_S)


def spawn(
    argv: Sequence[str], user: User | None, gate: int, output: int, files: Sequence[int]
) -> subprocess.Popen[bytes]:
    """Start bubblewrap as *user*, or as oneself, with nothing of ours but *files*."""
    return subprocess.Popen(
        argv,
        stdin=gate,
        stdout=output,
        stderr=output,
        pass_fds=files,
        env={},
        cwd="/",
        umask=0o022,
        start_new_session=True,  # Ctrl-C in a terminal is our affair
        user=user.uid if user else None,
        group=user.gid if user else None,
        extra_groups=[] if user else None,
    )


def first_process(info: FileIO) -> int:
    """Read from bubblewrap which the first process of the sandbox is.

    Raises:
        SandboxUnavailable: It does not say.
    """
    told, end = b"", time.monotonic() + START_S
    while not told.rstrip().endswith(b"}"):
        if not readable(info, end - time.monotonic()):
            raise SandboxUnavailable(f"bubblewrap did not build the sandbox within {START_S:g} s.")
        data = info.read(4096)
        if not data:
            raise SandboxUnavailable("bubblewrap could not build the sandbox.")
        told += data
    first: int = json.loads(told)["child-pid"]
    return first


def bound(first: int, limits: Limits, group: Group | None) -> None:
    """Put the first process, and so all that come after it, within the bounds."""
    if group is not None:
        group.add(first)
    # If this machine runs out of memory, the programs of others go first.
    Path(f"/proc/{first}/oom_score_adj").write_text("1000")
    ours = sorted(os.sched_getaffinity(0))
    count = min(len(ours), math.ceil(limits.cpus))
    os.sched_setaffinity(first, random.sample(ours, count))  # to spread the load


def pipe() -> tuple[FileIO, FileIO]:
    """Return the ends of a pipe: to read, to write."""
    reading, writing = os.pipe2(os.O_CLOEXEC)
    return FileIO(reading), FileIO(writing, "w")


def memory(data: bytes) -> FileIO:
    """Return a file that holds *data*, to be read from its beginning."""
    file = FileIO(os.memfd_create("seamark", os.MFD_CLOEXEC), "r+")
    file.write(data)
    file.seek(0)
    return file


def readable(file: FileIO | socket.socket, within_s: float) -> bool:
    """Wait until there is something to read; tell whether there is."""
    poll = select.poll()
    poll.register(file, select.POLLIN)
    return bool(poll.poll(max(0.0, within_s) * 1000))
