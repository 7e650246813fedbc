"""The parts of the sandbox that can be seen one by one."""

import errno
import os
import struct
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.errors import SandboxUnavailable
from handlers.sandbox import bubblewrap, cgroups, folders, seccomp, users
from handlers.sandbox.cgroups import Cgroups, Group
from handlers.sandbox.values import Mount, Outcome, Program, Reason, Usage
from handlers.sandbox.words import sentence
from tests.parts import missing
from tests.sandbox.conftest import MIB, SMALL

# What the kernel does with a filter, for the instructions that ours has (linux/filter.h).
LOAD, EQUAL, AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06


def verdict(filter_: bytes, audit: int, number: int, argument: int = 0) -> int:
    """Return what a filter says to a system call."""
    data = struct.pack("=IIQQ", number, audit, 0, argument)
    lines = list(struct.iter_unpack("=HBBI", filter_))
    at, register = 0, 0
    while True:
        code, yes, no, value = lines[at]
        at += 1
        if code == RETURN:
            return value
        if code == LOAD:
            (register,) = struct.unpack_from("=I", data, value)
        else:
            at += yes if (register == value if code == EQUAL else register >= value) else no


@pytest.mark.parametrize("machine", seccomp.MACHINES)
@pytest.mark.parametrize("counted", [True, False])
@given(number=st.integers(0, 500))
def test_a_call_is_refused_if_and_only_if_it_is_listed(machine: str, counted: bool, number: int):
    """For each number of a system call on either processor."""
    kind = seccomp.MACHINES[machine]
    calls = seccomp.REFUSED if counted else {**seccomp.REFUSED, **seccomp.UNCOUNTED}
    refused = number in {pair[kind.column] for pair in calls.values()}
    filter_ = seccomp.program(counted=counted, machine=machine)

    if number != kind.socket:
        expected = seccomp.REFUSE | errno.EPERM if refused else seccomp.ALLOW
        assert expected == verdict(filter_, kind.audit, number)


@pytest.mark.parametrize("machine", seccomp.MACHINES)
@given(family=st.integers(0, 50))
def test_a_socket_is_given_if_and_only_if_its_family_has_a_namespace(machine: str, family: int):
    """For each family of addresses."""
    kind = seccomp.MACHINES[machine]
    filter_ = seccomp.program(counted=True, machine=machine)

    expected = seccomp.ALLOW if family in seccomp.FAMILIES else seccomp.REFUSE | errno.EAFNOSUPPORT
    assert expected == verdict(filter_, kind.audit, kind.socket, family)


def test_calls_of_another_kind_are_refused():
    """Numbers mean something else for 32-bit programs, so that nothing can be said of them."""
    filter_ = seccomp.program(counted=True, machine="x86_64")
    keyctl = 0x40000000 + 250

    assert seccomp.KILL == verdict(filter_, 0x40000003, 0)
    assert seccomp.REFUSE | errno.EPERM == verdict(filter_, 0xC000003E, keyctl)
    assert b"" == seccomp.program(counted=True, machine="sparc")


def version_2(folder: Path) -> Group:
    """Return a group of version 2 in a folder that has the files of the kernel's."""
    return Group(2, dict.fromkeys(("memory", "pids", "cpu"), folder))


def test_groups_of_version_2_get_their_bounds(tmp_path: Path):
    """Each bound is written to the file that the kernel has for it (cgroup-v2.rst)."""
    (tmp_path / "memory.swap.max").touch()

    version_2(tmp_path).bound(replace(SMALL, cpus=0.5), slack=17)
    version_2(tmp_path).add(12)

    assert {
        "memory.max": str(96 * MIB),
        "memory.swap.max": "0",
        "pids.max": "41",
        "cpu.max": "50000 100000",
        "cgroup.procs": "12",
    } == {path.name: path.read_text() for path in tmp_path.iterdir()}


def test_groups_of_version_2_are_read(tmp_path: Path):
    """What the kernel tells of a group, in its own units."""
    files = {
        "memory.events": "low 0\nhigh 0\nmax 7\noom 1\noom_kill 1\n",
        "memory.peak": "4096\n",
        "pids.current": "3\n",
        "pids.events": "max 0\n",
        "cpu.stat": "usage_usec 1500000\nuser_usec 1\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    group = version_2(tmp_path)

    found = (group.out_of_memory(), group.out_of_processes(), group.tasks(), group.peak_bytes(), group.cpu_s())

    assert (True, False, 3, 4096, 1.5) == found


@pytest.mark.parametrize(
    ("controllers", "usable"), [("cpuset cpu memory pids", True), ("cpu memory", False), ("", False), (None, False)]
)
def test_a_delegated_group_has_to_have_what_is_needed(tmp_path: Path, controllers: str | None, usable: bool):
    """Without the controllers for memory and processes a watchdog does it."""
    if controllers is not None:
        (tmp_path / "cgroup.controllers").write_text(controllers)

    found = cgroups.find(tmp_path)

    assert usable == (found is not None)
    if usable:
        assert "+memory +pids +cpu" == (tmp_path / "cgroup.subtree_control").read_text()


def test_groups_of_the_dead_are_removed(tmp_path: Path):
    """Those of processes that are gone, and no others."""
    dead = next(number for number in range(2, 1 << 22) if not Path("/proc", str(number)).exists())
    for name in (f"seamark-{dead}-0", f"seamark-{os.getpid()}-x", "other"):
        (tmp_path / name).mkdir()

    cgroups.sweep({tmp_path})

    assert {f"seamark-{os.getpid()}-x", "other"} == {path.name for path in tmp_path.iterdir()}


def test_a_group_that_cannot_have_its_bounds_is_not_left(tmp_path: Path):
    """The kernel's refusal is raised, and the folder is gone."""
    where = Cgroups(2, {"memory": tmp_path, "pids": tmp_path / "missing"})

    with pytest.raises(FileNotFoundError):
        where.make(SMALL, 0)

    assert [] == list(tmp_path.iterdir())


def test_no_two_programs_have_the_same_user():
    """As long as one runs, its user is not given to another; there is an end to users."""
    if os.geteuid() != 0:
        missing("Only root gives programs users.")
    givers = users.Users(0x70000000)
    taken = [givers.take() for _ in range(users.SLOTS)]

    given_ = [one.__enter__() for one in taken]
    with pytest.raises(SandboxUnavailable, match="64 programs"), givers.take():
        pass
    for one in taken:
        one.__exit__(None, None, None)

    assert users.SLOTS == len({user.uid for user in given_ if user})
    assert {0x70000000} == {user.gid for user in given_ if user}


def test_a_container_may_lack_the_users(monkeypatch: pytest.MonkeyPatch):
    """It is said which setting chooses others."""
    with pytest.raises(SandboxUnavailable, match="SEAMARK_SANDBOX_UID"):
        users.mapped(2**32 - 1)


def test_what_is_lent_can_be_read_by_the_group_alone(tmp_path: Path):
    """Neither are others let in, nor is anything taken from the owner."""
    (tmp_path / "sub").mkdir(mode=0o700)
    (tmp_path / "sub" / "table.csv").touch(mode=0o600)
    (tmp_path / "sub" / "run.sh").touch(mode=0o700)

    folders.lend(tmp_path / "sub", os.getgid())

    assert {"sub": 0o750, "table.csv": 0o640, "run.sh": 0o750} == {
        path.name: path.stat().st_mode & 0o777 for path in tmp_path.rglob("*")
    }


def test_the_command_shows_nothing_of_the_environment():
    """Values may be secrets, and everybody sees the commands that run."""
    program = Program(argv=["/bin/true"], environment={"TOKEN": "secret"})

    command = bubblewrap.command(program, SMALL, 9, 0, counted=True)

    assert "secret" not in " ".join(command)
    assert ["--args", "9", "--"] == command[command.index("--args") :][:3]
    assert "/bin/true" == command[-1]


def test_a_value_cannot_become_an_argument():
    """NUL ends an argument of bubblewrap's, so that it is in no value."""
    program = Program(argv=["/bin/true"], environment={"A": "b\0--share-net"})

    with pytest.raises(ValueError, match="NUL"):
        bubblewrap.arguments(program, SMALL, {}, {})


def test_the_network_is_shared_only_where_it_is_wanted(tmp_path: Path):
    """Beside the network the names that lead there."""
    mounts = [Mount(source=tmp_path, target="/data")]
    words = {
        network: bubblewrap.arguments(
            Program(argv=["/bin/true"], mounts=mounts, network=network), SMALL, {}, {tmp_path: tmp_path}
        ).split(b"\0")
        for network in (True, False)
    }

    assert [True, False] == [b"--share-net" in words[network] for network in (True, False)]
    assert [True, False] == [b"/etc/resolv.conf" in words[network] for network in (True, False)]


def test_every_reason_is_a_sentence_with_its_bound():
    """The bound is the one that was set, with its unit."""
    said = {
        reason: sentence(Outcome(reason=reason, exit_code=3 if reason is Reason.EXITED else None, usage=Usage()), SMALL)
        for reason in Reason
    }

    assert all(words.startswith("The ") and words.endswith(".") for words in said.values())
    assert "The program needed more memory than 96.0 MiB." == said[Reason.MEMORY]
    assert "The program took longer than 60 s." == said[Reason.TIME]
    assert "The program ended with exit code 3." == said[Reason.EXITED]
