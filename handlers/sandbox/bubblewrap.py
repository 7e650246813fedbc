"""The command that builds the sandbox: bubblewrap (bwrap(1)), 0.8 or newer."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from handlers.errors import SandboxUnavailable
from handlers.sandbox.values import Limits, Program

INSIDE: Final = 1000  #: user and group that a program sees itself as
SYSTEM: Final = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")  #: beside /usr; links to it on most systems
#: The parts of /etc that programs need. Others may hold secrets that were meant for everybody on this machine.
ETC: Final = (
    "alternatives",
    "fonts",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "mime.types",
    "nsswitch.conf",
    "ssl/certs",
    "ssl/openssl.cnf",
)
NETWORK_ETC: Final = ("hosts", "resolv.conf", "services")
#: Says that it is there, and becomes the program when it hears so; at the end of its input it ends.
SHELL: Final = ("/bin/sh", "-c", 'echo >&0; read -r _ && exec "$@" < /dev/null', "sh")
STACK_BYTES: Final = 8 << 20  #: set aside for each thread, though hardly ever used
FOUND_IN: Final = "/usr/local/bin:/usr/bin:/bin"
DEFAULTS: Final[Mapping[str, str]] = {"PATH": FOUND_IN, "HOME": "/tmp", "LANG": "C.UTF-8", "USER": "sandbox"}  # noqa: S108 - the sandbox's


def executable(name: str) -> str:
    """Return where a program of the system is.

    Raises:
        SandboxUnavailable: It is not there.
    """
    if path := shutil.which(name, path=FOUND_IN):
        return path
    raise SandboxUnavailable(f"{name} is not installed.")


def command(program: Program, limits: Limits, arguments: int, slack: int, *, counted: bool) -> list[str]:
    """Return what to start.

    Args:
        program: What to run in the sandbox.
        limits: Its bounds.
        arguments: Number of the file that holds bubblewrap's arguments; a list of processes would show them to all.
        slack: By how much the kernel's bound on processes is above that of *limits*.
        counted: Whether a cgroup keeps the bounds, too.
    """
    # A cgroup is to notice too many processes first, since it tells of them.
    bounds = kept(limits, limits.processes + (2 * slack if counted else slack), counted=counted)
    return [executable("prlimit"), *bounds, executable("bwrap"), "--args", str(arguments), "--", *SHELL, *program.argv]


def kept(limits: Limits, processes: int, *, counted: bool) -> list[str]:
    """Return as arguments of prlimit(1) the bounds that the kernel keeps for each process or user (getrlimit(2)).

    Args:
        limits: All bounds.
        processes: How many processes and threads the user may have.
        counted: Whether a cgroup keeps the bound on memory.
    """
    bounds = {
        "nproc": processes,
        "nofile": limits.open_files,
        "fsize": limits.disk_bytes + 1,
        "core": 0,
    }
    if not counted:
        # Twice as much as the watchdog allows, and the stacks: for a process that would be faster than the watchdog.
        bounds["data"] = 2 * limits.memory_bytes + limits.processes * STACK_BYTES
    return [f"--{name}={value}:{value}" for name, value in bounds.items()]


def arguments(program: Program, limits: Limits, files: Mapping[str, int], sources: Mapping[Path, Path]) -> bytes:
    """Return bubblewrap's arguments, as it reads them from a file.

    Args:
        program: What to run.
        limits: Its bounds.
        files: Numbers of the files for the options `--block-fd`, `--info-fd`, `--seccomp`, of those that are wanted.
        sources: Where what is to be mounted can be reached.

    Raises:
        ValueError: A value contains a NUL.
    """
    words = [*apart(program), *system(program), *mounted(program, limits, sources)]
    for name, value in {**DEFAULTS, **program.environment}.items():
        words += ["--setenv", name, value]
    for option, file in files.items():
        words += [option, str(file)]
    words += ["--chdir", program.directory]
    if any("\0" in word for word in words):
        raise ValueError("What is given to a program may not contain the character NUL.")
    return "".join(f"{word}\0" for word in words).encode()


def apart(program: Program) -> list[str]:
    """Give it namespaces of its own, and nothing of our terminal or environment."""
    words = ["--unshare-all", "--unshare-user", "--disable-userns", "--uid", str(INSIDE), "--gid", str(INSIDE)]
    words += ["--hostname", "sandbox", "--die-with-parent", "--new-session", "--clearenv"]
    return [*words, "--share-net"] if program.network else words


def system(program: Program) -> Iterator[str]:
    """Show it the programs and libraries of this machine."""
    yield from ("--ro-bind", "/usr", "/usr")
    for name in SYSTEM:
        path = Path("/", name)
        if path.is_symlink():
            yield from ("--symlink", os.readlink(path), str(path))
        elif path.exists():
            yield from ("--ro-bind", str(path), str(path))
    for name in (*ETC, *(NETWORK_ETC if program.network else ())):
        yield from ("--ro-bind-try", f"/etc/{name}", f"/etc/{name}")


def mounted(program: Program, limits: Limits, sources: Mapping[Path, Path]) -> Iterator[str]:
    """Give it a file tree; whatever of it is writable has a size."""
    size = str(limits.scratch_bytes)
    yield from ("--proc", "/proc", "--dev", "/dev", "--perms", "1777", "--size", size, "--tmpfs", "/dev/shm")  # noqa: S108
    yield from ("--remount-ro", "/dev", "--perms", "1777", "--size", size, "--tmpfs", "/tmp")  # noqa: S108
    for root in program.roots:
        yield from ("--ro-bind", str(sources[root]), str(root))
    for mount in program.mounts:
        yield from ("--bind" if mount.writable else "--ro-bind", str(sources[mount.source]), mount.target)
    # What lies between the mounts is memory that nothing bounds.
    yield from ("--remount-ro", "/")
