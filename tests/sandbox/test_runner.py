"""Starting, hearing, stopping and ending."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from handlers.errors import SandboxUnavailable
from handlers.sandbox import bubblewrap, cell, cgroups
from handlers.sandbox.runner import Sandbox
from handlers.sandbox.values import Mount, Program, Reason
from handlers.settings import Settings
from tests.parts import missing
from tests.sandbox.conftest import MIB, SMALL, Bench, left

pytestmark = pytest.mark.timeout(120)

ALONE = [sys.executable, "-m", "tests.sandbox.alone"]
ROOT = Path(__file__).parents[2]
NOBODY = 65534
#: The right to read all: Python and the checkout may lie below a home that is closed to others.
AS_NOBODY = [
    "setpriv",
    f"--reuid={NOBODY}",
    f"--regid={NOBODY}",
    "--clear-groups",
    "--inh-caps=-all,+dac_read_search",
    "--ambient-caps=-all,+dac_read_search",
]


def groups(process: int) -> list[Path]:
    """Return the cgroups of the programs of a process."""
    where = cgroups.find()
    return (
        [path for folder in set(where.folders.values()) for path in folder.glob(f"seamark-{process}-*")]
        if where
        else []
    )


def test_a_program_reads_its_inputs_and_writes_its_outputs(bench: Bench):
    """It is in the folder that was named, has the environment that was given, and its exit code comes back."""
    (bench.inputs / "table.csv").write_text("a,b\n")
    (bench.inputs / "table.csv").chmod(0o600)
    mounts = [Mount(source=bench.inputs, target="/in"), Mount(source=bench.outputs, target="/out", writable=True)]
    script = "pwd; echo $DIDS; id -u; cat in/table.csv | tee out/copy; exit 3"
    program = Program(
        argv=["/bin/sh", "-c", script], mounts=mounts, directory="/", environment={"DIDS": '["did:op:1"]'}
    )

    outcome = bench.sandbox.start(program, SMALL, bench.hear).wait()

    assert (Reason.EXITED, 3) == (outcome.reason, outcome.exit_code)
    assert b'/\n["did:op:1"]\n1000\na,b\n' == bench.log
    assert "a,b\n" == (bench.outputs / "copy").read_text()


def test_it_is_not_root_outside(bench: Bench):
    """What it writes belongs to a user that owns nothing else; two that run at a time are two users."""
    if os.geteuid() != 0:
        missing("Only root can start programs as somebody else.")
    other = bench.outputs.parent / "other"
    other.mkdir()
    wait = "touch /out/x; while ! test -e /out/go; do sleep 0.01; done"
    runs = [
        bench.sandbox.start(
            Program(argv=["/bin/sh", "-c", wait], mounts=[Mount(source=folder, target="/out", writable=True)]),
            SMALL,
            bench.hear,
        )
        for folder in (bench.outputs, other)
    ]
    for folder in (bench.outputs, other):
        while not (folder / "x").exists():
            time.sleep(0.01)
        (folder / "go").touch()
    outcomes = [run.wait() for run in runs]

    assert [0, 0] == [outcome.exit_code for outcome in outcomes]
    owners = {(folder / "x").stat().st_uid for folder in (bench.outputs, other)}
    assert 2 == len(owners)
    assert all(owner > 0x70000000 for owner in owners)


def test_a_link_among_the_inputs_opens_nothing(bench: Bench):
    """Of what a link leads to, nobody's rights are changed."""
    secret = bench.outputs.parent / "secret"
    secret.write_text("deadbeef")
    secret.chmod(0o600)
    (bench.inputs / "link").symlink_to(secret)
    (bench.outputs / "link").symlink_to(secret)

    bench.sh("cat /data/inputs/link /data/outputs/link")

    assert (0o600, os.geteuid()) == (secret.stat().st_mode & 0o777, secret.stat().st_uid)
    assert b"deadbeef" not in bench.log


def test_further_roots_are_there_under_their_own_names(bench: Bench):
    """Our own Python can be lent, wherever it lies, with what it needs."""
    real = Path(sys.executable).resolve()
    program = Program(argv=[str(real), "-c", "import json; print(json.dumps([1]))"], roots=[real.parents[1]])

    outcome = bench.sandbox.start(program, SMALL, bench.hear).wait()

    assert (0, b"[1]\n") == (outcome.exit_code, bench.log)


def test_output_is_heard_while_it_comes(bench: Bench):
    """A line reaches the listener before the program has ended; it can be answered by stopping the program."""
    heard = threading.Event()
    run = bench.start(["/bin/sh", "-c", "echo one; echo two >&2; sleep 1000"], lambda _: heard.set())

    assert heard.wait(30)
    with pytest.raises(TimeoutError):
        run.wait(0)
    run.stop()

    assert Reason.STOPPED is run.wait().reason


def test_a_program_can_be_stopped_at_any_moment(bench: Bench):
    """Before it has begun as well as after it has ended."""
    early = bench.start(["/bin/sleep", "1000"])
    early.stop()
    over = bench.start(["/bin/true"])
    outcome = over.wait()
    over.stop()

    assert Reason.STOPPED is early.wait().reason
    assert Reason.EXITED is outcome.reason


def test_a_slow_listener_holds_up_no_clock(bench: Bench):
    """Time is up even while the listener does not take what the program prints."""
    patience = threading.Event()
    run = bench.start(["/bin/sh", "-c", "while :; do echo x; done"], lambda _: patience.wait(30) and None, wall_s=0.3)

    while left():
        time.sleep(0.01)
    patience.set()

    assert Reason.TIME is run.wait().reason


def test_a_listener_that_fails_ends_the_program(bench: Bench):
    """Its error is raised to whoever waits."""

    def fail(_: bytes) -> None:
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        bench.start(["/bin/sh", "-c", "echo x; sleep 1000"], fail).wait()


def test_what_was_taken_is_told(bench: Bench):
    """Processor time and memory are those of all its processes."""
    used = bench.python(
        f"import time\nblock = b'x' * {30 * MIB}\nend = time.process_time() + 0.5\n"
        "while time.process_time() < end: pass\ntime.sleep(0.2)"
    ).usage

    assert 0.3 <= used.cpu_s <= used.wall_s + 0.1
    assert 30 * MIB <= used.peak_memory_bytes <= SMALL.memory_bytes


def test_nothing_is_left_of_a_program(bench: Bench):
    """No cgroup, no mount, no file that is open, no thread."""
    bench.sh("true")
    before = (
        groups(os.getpid()),
        Path("/proc/self/mountinfo").read_text(),
        os.listdir("/proc/self/fd"),
        threading.active_count(),
    )

    for script in ("true", "sleep 1000 & sleep 1000"):
        bench.sh(script, wall_s=0.3)

    after = (
        groups(os.getpid()),
        Path("/proc/self/mountinfo").read_text(),
        os.listdir("/proc/self/fd"),
        threading.active_count(),
    )
    assert before == after
    assert [] == groups(os.getpid())


def test_whatever_it_leaves_can_be_removed(bench: Bench):
    """Folders that are nested without end, and those that it has closed, are no trouble to whoever clears up."""
    bench.python(
        "import os\nos.chdir('outputs')\nfor n in range(5000): os.mkdir('d'); os.chdir('d')", disk_bytes=99 * MIB
    )
    bench.sh("mkdir -p outputs/a/b; chmod 0 outputs/a/b outputs/a")

    shutil.rmtree(bench.outputs)


def test_what_cannot_be_mounted_is_said(bench: Bench):
    """A program whose sandbox cannot be built has not run, and bubblewrap's reason is in the problem."""
    program = Program(argv=["/bin/true"], mounts=[Mount(source=bench.inputs, target="/proc/version/x")])

    with pytest.raises(SandboxUnavailable, match="It said: bwrap: "):
        bench.sandbox.start(program, SMALL, bench.hear).wait()


def test_what_is_not_there_is_said(bench: Bench):
    """As what cannot be mounted."""
    program = Program(argv=["/bin/true"], mounts=[Mount(source=bench.inputs / "missing", target="/data")])

    with pytest.raises(SandboxUnavailable, match="missing"):
        bench.sandbox.start(program, SMALL, bench.hear).wait()


def test_a_program_that_is_not_there_is_said_in_its_log(bench: Bench):
    """As a shell would."""
    outcome = bench.start(["no-such-program"]).wait()

    assert 127 == outcome.exit_code
    assert b"no-such-program: not found" in bench.log


def test_without_bubblewrap_nothing_is_run(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    """It is a problem, with its name in it; the program is not run some other way."""
    monkeypatch.setattr(bubblewrap, "FOUND_IN", str(bench.inputs))

    with pytest.raises(SandboxUnavailable, match="is not installed"):
        bench.sh("echo run")
    assert b"" == bench.log


def sleepers(mark: str) -> list[psutil.Process]:
    """Return the processes that have *mark* among their arguments."""
    return [one for one in psutil.process_iter(["cmdline"]) if ["sleep", mark] == one.info["cmdline"]]


def test_when_we_are_killed_everything_ends(tmp_path: Path):
    """Nothing of the program outlives the process that started it, and the next one removes its cgroups."""
    mark = f"1000.{os.getpid()}"
    with subprocess.Popen([*ALONE, "killed", str(tmp_path), mark], cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert b"asleep\n" == process.stdout.readline()
        while len(asleep := sleepers(mark)) < 2:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)

    assert [] == psutil.wait_procs(asleep, timeout=30)[1]
    Sandbox(Settings(home=tmp_path)).start(Program(argv=["/bin/true"]), SMALL, lambda _: None).wait()
    assert [] == groups(process.pid)


def test_what_was_half_built_is_ended(tmp_path: Path):
    """A half of bubblewrap whose other half was killed waits for ever; whoever starts programs next ends it."""
    with ExitStack() as stack:
        door, _, info, told = (stack.enter_context(file) for file in (*cell.pipe(), *cell.pipe()))
        options = ["--unshare-all", "--die-with-parent", "--ro-bind", "/", "/", "--block-fd", str(door.fileno())]
        command = ["bwrap", *options, "--info-fd", str(told.fileno()), *bubblewrap.SHELL, "true"]
        files = [door.fileno(), told.fileno()]
        monitor = stack.enter_context(subprocess.Popen(command, pass_fds=files, stdin=subprocess.DEVNULL))
        stack.callback(monitor.kill)
        stray = psutil.Process(cell.first_process(info))
        monitor.kill()
        monitor.wait()
        waits = stray.is_running() and stray.status() != psutil.STATUS_ZOMBIE

        Sandbox(Settings(home=tmp_path))

        assert waits
        assert [] == psutil.wait_procs([stray], timeout=30)[1]


def test_a_process_can_end_while_a_program_runs(tmp_path: Path):
    """It does not wait for the program, which ends with it."""
    done = subprocess.run([*ALONE, "late", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False)

    assert (0, "") == (done.returncode, done.stderr)


def test_the_metadata_of_a_cloud_is_out_of_reach():
    """An address that answers on this machine does not for a program, unless settings and asset both allow it."""
    if os.geteuid() != 0 or not shutil.which("ip"):
        missing("Only root, with iproute2, can make a network with that address.")

    done = subprocess.run(
        ["unshare", "--net", *ALONE, "metadata"], cwd=ROOT, capture_output=True, text=True, check=True
    )

    answers = json.loads(done.stdout)
    assert "credentials\n" == answers["here"] == answers["allowed"]
    assert "Network is unreachable" in answers["apart"]
    assert "Network is unreachable" in answers["not allowed"]


@pytest.fixture
def place():
    """A folder of nobody's."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        missing("Only root, with setpriv, can be somebody else.")
    path = Path(tempfile.mkdtemp(prefix="seamark-test-"))
    os.chown(path, NOBODY, NOBODY)
    yield path
    shutil.rmtree(path)


@pytest.mark.parametrize(
    ("script", "reason", "said"),
    [
        ("cat inputs/table.csv > outputs/copy; cat outputs/copy; id -u", "exited", "a,b\n1000\n"),
        ("touch inputs/x; echo x > inputs/table.csv || echo refused", "exited", "refused\n"),
        ("for n in $(seq 30); do sleep 9 & done; wait", "processes", ""),
        ("x=x; while :; do x=$x$x; done", "memory", ""),
        ("mkdir outputs/d; yes > outputs/d/x & sleep 0.1; chmod 0 outputs/d; wait", "disk", ""),
        ("sleep 1000 & mkdir outputs/d; chmod 0 outputs/d", "exited", ""),
    ],
)
def test_an_ordinary_user_needs_no_root(place: Path, script: str, reason: str, said: str):
    """All bounds are kept there, too, without a cgroup; what is left can be removed."""
    done = subprocess.run(
        [*AS_NOBODY, *ALONE, "ordinary", str(place), script], cwd=ROOT, capture_output=True, text=True, check=True
    )

    found = json.loads(done.stdout)
    assert reason == found["reason"]
    assert found["log"].endswith(said)
    shutil.rmtree(place / "outputs")


def test_the_bounds_are_those_of_the_settings(tmp_path: Path):
    """Each setting is the bound of its name."""
    settings = Settings(home=tmp_path, sandbox_memory_bytes=1, sandbox_cpus=2, sandbox_processes=3, sandbox_log_bytes=4)

    limits = Sandbox(settings).limits(wall_s=5)

    assert replace(SMALL, memory_bytes=1, cpus=2, processes=3, log_bytes=4, wall_s=5) == replace(
        limits, open_files=64, disk_bytes=4 * MIB, scratch_bytes=8 * MIB
    )
