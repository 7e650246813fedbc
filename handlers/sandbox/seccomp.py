"""The system calls that a program is refused: those that have led out of namespaces before, and that no work needs.

The filter is classic BPF, as seccomp(2) takes it and `bwrap --seccomp` loads it. It is an addition: on a machine that
is not in `MACHINES` the program is held by its namespaces alone.
"""

from __future__ import annotations

import errno
import platform
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

#: Numbers on x86-64 and arm64; None: not there.
REFUSED: Final[Mapping[str, tuple[int | None, int | None]]] = {
    "acct": (163, 89),
    "add_key": (248, 217),
    "bpf": (321, 280),
    "delete_module": (176, 106),
    "finit_module": (313, 273),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "init_module": (175, 105),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "pivot_root": (155, 41),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "quotactl": (179, 60),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "sched_setaffinity": (203, 122),  # the bound on processors stands where no cgroup keeps one
    "setns": (308, 268),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
}
#: Memory that belongs to no process: only a cgroup counts it, so that without one it is refused.
UNCOUNTED: Final[Mapping[str, tuple[int | None, int | None]]] = {
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "mq_open": (240, 180),
    "msgget": (68, 186),
    "semget": (64, 190),
    "shmget": (29, 194),
}
FAMILIES: Final = (
    1,
    2,
    10,
    16,
)  #: sockets one may have: AF_UNIX, AF_INET, AF_INET6, AF_NETLINK; AF_VSOCK has no namespace


@dataclass(frozen=True)
class Machine:
    """What the filter has to know of a kind of processor."""

    column: int  #: of the numbers above
    audit: int  #: AUDIT_ARCH_* of linux/audit.h
    socket: int  #: number of socket(2)
    numbers: int  #: numbers from here on belong to another set of system calls


MACHINES: Final[Mapping[str, Machine]] = {
    "x86_64": Machine(0, 0xC000003E, 41, 0x40000000),
    "aarch64": Machine(1, 0xC00000B7, 198, 0x40000000),
}

# linux/filter.h and linux/seccomp.h.
INSTRUCTION: Final = struct.Struct("=HBBI")
LOAD, EQUAL, AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06
KILL, REFUSE, ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
NUMBER, AUDIT, ARGUMENT = 0, 4, 16  #: offsets in struct seccomp_data


def program(*, counted: bool, machine: str | None = None) -> bytes:
    """Return the filter for *machine* (this one, if None); empty where it is not known.

    Args:
        counted: Whether a cgroup counts the memory of shared files.
        machine: As `platform.machine()` has it.
    """
    kind = MACHINES.get(machine or platform.machine())
    if kind is None:
        return b""
    calls = dict(REFUSED) if counted else {**REFUSED, **UNCOUNTED}
    numbers = sorted(number for pair in calls.values() if (number := pair[kind.column]) is not None)
    return b"".join(INSTRUCTION.pack(*one) for one in instructions(kind, numbers))


def instructions(kind: Machine, numbers: list[int]) -> Iterator[tuple[int, int, int, int]]:
    """Give the filter's instructions: code, jump if true, jump if false, constant."""
    refuse = (RETURN, 0, 0, REFUSE | errno.EPERM)
    yield (LOAD, 0, 0, AUDIT)
    yield (EQUAL, 1, 0, kind.audit)
    yield (RETURN, 0, 0, KILL)
    yield (LOAD, 0, 0, NUMBER)
    yield (AT_LEAST, 0, 1, kind.numbers)
    yield refuse
    for number in numbers:
        yield (EQUAL, 0, 1, number)
        yield refuse
    yield (EQUAL, 1, 0, kind.socket)
    yield (RETURN, 0, 0, ALLOW)
    yield (LOAD, 0, 0, ARGUMENT)
    for place, family in enumerate(FAMILIES):
        yield (EQUAL, len(FAMILIES) - place, 0, family)
    yield (RETURN, 0, 0, REFUSE | errno.EAFNOSUPPORT)
    yield (RETURN, 0, 0, ALLOW)
