"""A program without a sandbox, where an operator has said so (SEAMARK_SANDBOX_OFF): in a container of its own, perhaps.

It runs as who we are and may read all that we may. It still gets none of our environment, and its bounds are kept as
far as they can be from outside: by a cgroup or by the watchdog. Places of its file tree are replaced by those of this
machine wherever its arguments and its environment name them.

The kernel counts no processes of root's. Where we are root and no cgroup does it either, a program that forks without
end could not be stopped, and is refused.
"""

from __future__ import annotations

import os
import re
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from io import FileIO
from pathlib import Path
from typing import Final

import psutil

from handlers.errors import SandboxUnavailable
from handlers.sandbox.bubblewrap import DEFAULTS, executable, kept
from handlers.sandbox.cell import END_S, SLACK, bound
from handlers.sandbox.cgroups import Group
from handlers.sandbox.processes import GONE, stat_fields, tree
from handlers.sandbox.values import Limits, Program

MARK: Final = "SEAMARK_PROGRAM"  #: in the environment of all that belongs to one program
#: The shell is the first process, as bubblewrap is in a sandbox. Without the word, if we are killed, nothing runs.
SHELL: Final = 'read -r _ && setpriv --pdeathsig KILL -- "$@" < /dev/null; exit $?'
PAUSE_S: Final = 0.01


class BareCell:
    """One program, as `Cell` has it."""

    def __init__(self, program: Program, limits: Limits, group: Group | None, output: int) -> None:
        """Start a shell that waits for the word to go on.

        Raises:
            SandboxUnavailable: Nothing could keep its bounds, or a program of the system is missing.
        """
        if group is None and os.geteuid() == 0:
            raise SandboxUnavailable(
                "As root, without a cgroup, a program cannot be bounded unless it is in a sandbox."
            )
        self._group = group
        self._mark = secrets.token_hex(16)
        translated = translate(program)
        argv = [executable("setpriv"), "--pdeathsig", "KILL", "--", executable("prlimit")]
        most = tasks_of_ours() + limits.processes + SLACK
        argv += [*kept(limits, most, counted=group is not None), "/bin/sh", "-c", SHELL, "sh", *translated.argv]
        with ExitStack() as stack:
            self.monitor = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                env={**DEFAULTS, **translated.environment, MARK: self._mark},
                cwd=translated.directory,
                umask=0o022,
                start_new_session=True,
                pass_fds=program.files,
            )
            stack.callback(self.kill)
            self.first = self.monitor.pid
            self._end = stack.enter_context(FileIO(os.pidfd_open(self.first)))
            bound(self.first, limits, group)
            self._files = stack.pop_all()

    def release(self) -> None:
        """Let the program run."""
        assert self.monitor.stdin is not None, "the word goes through a pipe"
        with suppress(BrokenPipeError), self.monitor.stdin as word:
            word.write(b"go\n")

    def ended(self) -> int:
        """Return the number of a file that is readable once the program has ended."""
        return self._end.fileno()

    def kill(self) -> int:
        """Kill the program and all that bears its mark, and wait until it is gone; return how the program ended.

        Raises:
            TimeoutError: Something cannot be killed.
        """
        end = time.monotonic() + END_S
        while self.monitor.returncode is None and (found := self._living()):
            for process in found:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            if time.monotonic() > end:
                raise TimeoutError("A program cannot be killed.")
            time.sleep(PAUSE_S)
        return self.monitor.wait(END_S)

    def _living(self) -> list[int]:
        """Return what has not ended: what bears the mark, what is in the group, what is below the first process."""
        found = {*marked(self._mark), *tree(self.first), *(self._group.processes() if self._group else ())}
        return [process for process in found if lives(process)]

    def close(self) -> None:
        """End what is left, and close the files."""
        if self.monitor.stdin is not None:
            self.monitor.stdin.close()
        self._files.close()


def tasks_of_ours() -> int:
    """Return how many processes and threads we have as a user: the kernel counts these, too."""
    found = psutil.process_iter(["uids", "num_threads"])
    return sum(
        one.info["num_threads"] or 0 for one in found if one.info["uids"] and one.info["uids"].real == os.getuid()
    )


def marked(mark: str) -> Iterator[int]:
    """Give the processes whose environment has *mark*."""
    sought = mark.encode()
    for name in os.listdir("/proc"):
        if name.isdigit():
            with suppress(*GONE, PermissionError):
                if sought in Path(f"/proc/{name}/environ").read_bytes():
                    yield int(name)


def lives(process: int) -> bool:
    """Tell whether a process has not ended."""
    with suppress(*GONE):
        return stat_fields(process)[0] != "Z"
    return False


def translate(program: Program) -> Program:
    """Return *program* with the places of this machine for those of its file tree."""
    places = {mount.target.rstrip("/"): str(mount.source) for mount in program.mounts}
    pattern = re.compile(
        "|".join(rf"(?<![\w./-]){re.escape(place)}(?![\w.-])" for place in sorted(places, reverse=True))
    )

    def local(words: str) -> str:
        return pattern.sub(lambda found: places[found[0]], words) if places else words

    return Program(
        argv=[local(word) for word in program.argv],
        environment={name: local(value) for name, value in program.environment.items()},
        mounts=program.mounts,
        files=program.files,
        directory=directory if Path(directory := local(program.directory)).is_dir() else "/",
    )
