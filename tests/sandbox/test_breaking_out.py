"""Programs that try to get at what is not theirs, or to take more than they may."""

import os
import socket

import pytest

from handlers.sandbox.values import Reason
from tests.sandbox.conftest import MIB, Bench

pytestmark = pytest.mark.timeout(120)


def test_nothing_of_our_environment_is_there(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    """A key in the server's environment is found neither in the program's nor in that of any process that it sees."""
    monkeypatch.setenv("SEAMARK_PROVIDER_KEY", "0xdeadbeef")

    bench.sh("env; cat /proc/*/environ /proc/*/cmdline; ls /proc")

    assert b"deadbeef" not in bench.log
    assert b"USER=sandbox" in bench.log
    assert str(os.getpid()).encode() not in bench.log.split()


def test_nothing_of_our_files_is_there(bench: Bench):
    """The home folder, other folders' content and the parts of /etc that may hold secrets are not in its file tree."""
    secret = bench.outputs.parent / "secret"
    secret.write_text("deadbeef")

    bench.sh(
        f"for path in {secret} /etc/passwd /etc/shadow /etc/ssl/private /root /home /var /run /opt /sys; do\n"
        "  test -e $path && echo $path is there\n"
        f"done; cat {secret}; ls /"
    )

    assert b"deadbeef" not in bench.log
    assert b"is there" not in bench.log
    assert {b"data", b"dev", b"etc", b"proc", b"tmp", b"usr"} <= set(bench.log.splitlines())


def test_no_socket_leads_out(bench: Bench):
    """What listens on this machine answers us, and not the program, whose network has nobody in it."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        address = listener.getsockname()
        socket.create_connection(address).close()

        outcome = bench.python(f"import socket; socket.create_connection({address!r})")

    assert 1 == outcome.exit_code
    assert b"Connection refused" in bench.log


def test_abstract_sockets_do_not_lead_out(bench: Bench):
    """A unix socket without a path belongs to a network, and so is not there either."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"\0seamark-test-{os.getpid()}")
        listener.listen()
        name = listener.getsockname()

        outcome = bench.python(f"import socket; socket.socket(socket.AF_UNIX).connect({name!r})")

    assert 1 == outcome.exit_code
    assert b"Connection refused" in bench.log


def test_forking_without_end_is_ended(bench: Bench):
    """Whoever has more processes than he may is stopped, and at no time can he have many more."""
    outcome = bench.python(
        "import os, time\n"
        "while True:\n"
        "    try: os.fork()\n"
        "    except OSError: print('refused', flush=True); time.sleep(0.5)\n"
    )

    assert Reason.PROCESSES is outcome.reason
    assert outcome.exit_code is None


def test_a_fork_that_was_refused_is_told(bench: Bench):
    """Also of a program that has ended because of it, where a cgroup has noticed; else its log says it, at least."""
    outcome = bench.sh("while :; do sleep 100 & done")

    if outcome.reason is not Reason.PROCESSES:
        assert bench.sandbox.cgroups is None
        assert b"Cannot fork" in bench.log


def test_threads_count_as_processes(bench: Bench):
    """So does each thread."""
    outcome = bench.python(
        "import threading, time\nfor _ in range(30): threading.Thread(target=time.sleep, args=(30,)).start()\n"
    )

    assert Reason.PROCESSES is outcome.reason


def test_filling_memory_is_ended(bench: Bench):
    """A process that takes more memory than it may."""
    outcome = bench.python(
        f"import time\nblocks = []\nfor _ in range(40): blocks.append(b'x' * {4 * MIB}); time.sleep(0.01)\n"
        "time.sleep(30)"
    )

    assert Reason.MEMORY is outcome.reason


def test_processes_together_have_one_memory(bench: Bench):
    """Each of them is within the bound, all of them together are not."""
    outcome = bench.python(
        f"import os, time\nfor _ in range(8): os.fork() or (b'x' * 1).join([b'y'] * {10 * MIB}) and time.sleep(30)\n"
        "time.sleep(30)"
    )

    assert Reason.MEMORY is outcome.reason


def test_memory_that_processes_share_counts_once(bench: Bench):
    """Eight processes that look at the same 40 MiB are within a bound of 96 MiB."""
    outcome = bench.python(
        f"import os, time\nblock = b'x' * {40 * MIB}\n"
        "children = [pid for pid in (os.fork() for _ in range(3)) if pid]\n"
        "time.sleep(1)\n"
        "for child in children: os.waitpid(child, 0)"
    )

    assert (Reason.EXITED, 0) == (outcome.reason, outcome.exit_code)


@pytest.mark.parametrize("folder", ["/tmp", "/dev/shm"])  # noqa: S108 - the sandbox's
def test_files_in_memory_have_a_size(bench: Bench, folder: str):
    """What is written to the folders that are memory ends where they are full."""
    outcome = bench.python(f"open('{folder}/x', 'wb').write(b'x' * {9 * MIB})", disk_bytes=20 * MIB)

    assert 1 == outcome.exit_code
    assert b"No space left on device" in bench.log


def test_memory_of_nobody_is_counted_or_refused(bench: Bench):
    """A file that is only in memory takes from the bound where a cgroup counts it; else there is none to be had."""
    outcome = bench.python(
        f"import os, time\nfile = os.memfd_create('x')\n"
        f"for _ in range(40): os.write(file, b'x' * {4 * MIB})\ntime.sleep(30)",
        disk_bytes=200 * MIB,
    )

    if bench.sandbox.cgroups:
        assert Reason.MEMORY is outcome.reason
    else:
        assert b"PermissionError" in bench.log


WRITERS = {
    "one file": "open('x', 'wb').write(b'x' * (8 << 20))",
    "many files": "for n in range(80): open(f'{n}', 'wb').write(b'x' * (1 << 17))",
    "empty files": "for n in range(3000): open(f'{n}', 'wb').close()",
    "holes": "for n in range(8): os.truncate(os.open(f'{n}', os.O_CREAT | os.O_RDWR), 2 << 20)",
    "a closed folder": (
        "os.mkdir('d')\nfor n in range(80): open(f'd/{n}', 'wb').write(b'x' * (1 << 17))\nos.chmod('d', 0)"
    ),
    "deep folders": "for n in range(3000): os.mkdir('d'); os.chdir('d')",
}


@pytest.mark.parametrize("script", WRITERS.values(), ids=WRITERS)
@pytest.mark.parametrize("then", ["time.sleep(30)", "pass"], ids=["waits", "ends"])
def test_filling_the_disk_is_ended(bench: Bench, script: str, then: str):
    """However it is done, and whether or not the program waits until it is seen."""
    outcome = bench.python(
        f"import os, time\nos.chdir('outputs')\ntry:\n  exec({script!r})\nexcept OSError: pass\n{then}"
    )

    assert Reason.DISK is outcome.reason


def test_files_without_a_name_count(bench: Bench):
    """A file that was deleted and is still open takes of the disk like any other."""
    outcome = bench.python(
        "import os, time\nfiles = []\n"
        "for n in range(4):\n"
        "    files.append(open('outputs/x', 'wb')); os.unlink('outputs/x')\n"
        "    files[-1].write(b'x' * (2 << 20)); files[-1].flush()\n"
        "time.sleep(30)"
    )

    assert Reason.DISK is outcome.reason


def test_the_reserve_of_the_disk_is_kept(bench: Bench):
    """Where the server's disk comes down to its reserve, it is not the program's fault, but it is stopped."""
    bench.sandbox.settings = bench.sandbox.settings.model_copy(update={"disk_reserve_bytes": 1 << 60})

    assert Reason.ROOM is bench.sh("sleep 30").reason


def test_only_the_outputs_can_be_written(bench: Bench):
    """Everything else is read-only, the folders between the mounts included."""
    (bench.inputs / "table.csv").write_text("a,b\n")

    outcome = bench.sh(
        "for place in / /data /usr /usr/bin /etc /dev /proc /data/inputs /data/inputs/table.csv; do\n"
        "  if [ -d $place ]; then touch $place/x; else echo x > $place; fi && echo $place can be written\n"
        "done; rm -f /data/inputs/table.csv; mv /data/inputs /data/x; echo fine > /data/outputs/x"
    )

    assert 0 == outcome.exit_code
    assert b"can be written" not in bench.log
    assert "fine\n" == (bench.outputs / "x").read_text()
    assert "a,b\n" == (bench.inputs / "table.csv").read_text()


def test_what_is_left_behind_ends(bench: Bench):
    """A process that has left its session and its parent ends with the program."""
    outcome = bench.sh("setsid sh -c 'sleep 1000 & sleep 1000' > /dev/null 2>&1 & sleep 0.2; echo over")

    assert (Reason.EXITED, 0, b"over\n") == (outcome.reason, outcome.exit_code, bench.log)


def test_what_keeps_the_output_open_does_not_keep_us_waiting(bench: Bench):
    """Even if what is left behind would have gone on printing."""
    outcome = bench.sh("sleep 1000 & echo over")

    assert (Reason.EXITED, 0, b"over\n") == (outcome.reason, outcome.exit_code, bench.log)


@pytest.mark.long
def test_printing_10_gb_is_cut_short(bench: Bench):
    """The first part is kept, the rest is read and dropped, and the program comes to its end."""
    outcome = bench.sh(f"head -c {10**10} /dev/zero")

    assert (Reason.EXITED, 0) == (outcome.reason, outcome.exit_code)
    assert 64 * 1024 == len(bench.log)
    assert 10**10 == len(bench.log) + outcome.dropped_bytes


def test_time_is_up_for_the_whole_tree(bench: Bench):
    """When the time is over, all that runs is killed, whatever it makes of signals."""
    outcome = bench.sh("trap '' TERM INT HUP; sleep 1000 & sleep 1000", wall_s=0.5)

    assert Reason.TIME is outcome.reason
    assert outcome.usage.wall_s >= 0.5


def test_there_is_no_way_to_more_namespaces(bench: Bench):
    """Neither another user namespace, nor another mount, nor the rights of root."""
    outcome = bench.sh(
        "for try in 'unshare --user true' 'unshare --mount true' 'mount -t tmpfs x /tmp'; do\n"
        "  $try && echo $try works\n"
        "done; grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status"
    )

    status = dict(line.split(b":\t") for line in bench.log.splitlines() if b":\t" in line)
    assert 0 == outcome.exit_code
    assert {0} == {int(value, 16) for name, value in status.items() if name.startswith(b"Cap")}
    assert (b"1", b"2") == (status[b"NoNewPrivs"], status[b"Seccomp"])
    assert b"works" not in bench.log


def test_sockets_without_a_namespace_are_refused(bench: Bench):
    """A socket to the machine below a virtual one is no matter of networks, and so is refused by its family."""
    outcome = bench.python("import socket; socket.socket(40, socket.SOCK_STREAM)")

    assert 1 == outcome.exit_code
    assert b"Address family not supported" in bench.log


def test_a_program_has_no_more_processors_than_it_may(bench: Bench):
    """It sees as many, and cannot help itself to others."""
    bench.python("import os; print(os.sched_getaffinity(0), flush=True); os.sched_setaffinity(0, {0, 1})")

    assert bench.log.splitlines()[0] in (b"{%d}" % number for number in os.sched_getaffinity(0))
    assert b"PermissionError" in bench.log
