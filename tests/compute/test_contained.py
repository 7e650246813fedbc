"""Algorithms in real containers, of a real engine: within their bounds, and gone afterwards."""

from __future__ import annotations

import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest

from handlers.app import create_app
from handlers.cli.apart import look_at_containers
from handlers.compute.contained import Contained
from handlers.compute.leftovers import Leftovers
from handlers.compute.running import Program
from handlers.compute.runtimes import server_of
from handlers.compute.statuses import Stage
from handlers.compute.words import Container
from handlers.compute.work import FOLDERS, StageFailed
from handlers.sandbox.engine.client import Engine
from handlers.sandbox.engine.containers import sweep
from handlers.settings import Settings
from tests.compute.conftest import COUNT, SOON, Computing, offer, raw
from tests.compute.podman import Podman, Registry, pack
from tests.provider.conftest import reader
from tests.served import serving, working

pytestmark = pytest.mark.long

MIB = 1 << 20
SERVER = "server"
GONE_S = 20


class Box:
    """Runs commands as algorithms are run."""

    def __init__(self, podman: Podman, folder):
        self.podman = podman
        self.settings = Settings(
            home=folder / "home",
            compute_registries="docker.io,127.0.0.1",
            compute_pull_s=10,
            sandbox_memory_bytes=96 * MIB,
            sandbox_processes=24,
            sandbox_open_files=64,
            sandbox_disk_bytes=4 * MIB,
            sandbox_scratch_bytes=8 * MIB,
            sandbox_log_bytes=64 * 1024,
        )
        self.volume = folder / "data"
        for name in FOLDERS:
            (self.volume / name).mkdir(parents=True)
        (self.volume / "inputs" / "rows").write_text("secret rows")
        self.program = Program(
            job="j0b-1",
            container=Container(entrypoint="", image="seamark/shell", tag="1"),
            command="",
            environment={"TOLD": "so"},
            volume=self.volume,
            log=self.volume / "logs" / "algorithm.log",
            network=False,
            time_s=30,
            heard=len,
        )

    def __call__(self, command, *, image="seamark/shell", checksum="", at=None, server=SERVER, **given):
        """Run a command in an image to its end."""
        container = Container(entrypoint="", image=image, tag="1", checksum=checksum)
        program = replace(self.program, command=command, container=container, **given)
        return Contained(self.settings, at or self.podman.socket, lambda: server).run(program)

    @property
    def log(self):
        """What it printed."""
        return self.program.log.read_text(errors="replace")

    def within(self, **bounds):
        """Have other bounds."""
        self.settings = Settings(**self.settings.model_dump() | bounds)


@pytest.fixture
def box(podman, tmp_path):
    """Who runs commands; afterwards no container is left."""
    yield Box(podman, tmp_path)
    assert [] == podman.names()


def test_a_program_reads_its_inputs_and_writes_its_outputs(box):
    """It knows its variables, what it prints is the log, and its exit code is the end's."""
    ending = box('cat /data/inputs/rows > /data/outputs/copy; echo "$TOLD"; echo wrong >&2')

    assert (0, "") == (ending.exit_code, ending.reason)
    assert "secret rows" == (box.volume / "outputs" / "copy").read_text()
    assert {"so", "wrong"} == set(box.log.split())


def test_an_exit_code_is_told(box):
    """Any other than 0 is a failure."""
    ending = box("echo so far; exit 3")

    assert (3, "The program ended with exit code 3.") == (ending.exit_code, ending.reason)
    assert "so far\n" == box.log


@pytest.mark.parametrize(
    "path",
    ["/data/inputs/rows", "/data/inputs/new", "/data/transformations/algorithm", "/data/new", "/etc/new", "/new"],
)
def test_only_the_outputs_are_writable(box, path):
    """Neither the data, nor the algorithm, nor the image."""
    assert 0 != box(f"echo changed > {path}").exit_code
    assert "Read-only file system" in box.log
    assert "secret rows" == (box.volume / "inputs" / "rows").read_text()


def test_a_program_is_nobody_and_may_nothing(box):
    """It is not root, has no capability and can get none, and sees no network but its own loopback."""
    box("id -u; cat /proc/self/status /proc/net/dev; ls /proc/sys/kernel/x 2>&1")

    status = dict(line.split(":", 1) for line in box.log.splitlines() if line.startswith(("Cap", "NoNew", "Seccomp:")))
    assert "0" != box.log.split()[0]
    assert {0} == {int(value, 16) for name, value in status.items() if name.startswith("Cap")}
    assert ("1", "2") == (status["NoNewPrivs"].strip(), status["Seccomp"].strip())
    interfaces = [line.split(":")[0].strip() for line in box.log.splitlines() if ": " in line and line.startswith("  ")]
    assert ["lo"] == [name for name in interfaces if name.isalnum()]


def test_who_takes_too_long_is_killed(box):
    """With all that it has started, and whatever it does about signals."""
    begun = time.monotonic()

    ending = box("trap '' TERM INT; sleep 60 & sleep 60", time_s=2)

    assert (None, "The program took longer than 2 s.") == (ending.exit_code, ending.reason)
    assert time.monotonic() < begun + 15


def test_memory_is_bounded(box):
    """Its /tmp counts as well."""
    assert "more memory than 96.0 MiB" in box("dd if=/dev/zero of=/dev/null bs=300M count=1; sleep 5").reason
    assert 0 != box("for n in 1 2 3; do dd if=/dev/zero of=/tmp/$n bs=1M count=3 || exit; done").exit_code
    assert "No space left" in box.log


def test_processes_are_bounded(box):
    """Who has too many is ended, and the machine has no more than that."""
    ending = box("while sleep 0.01; do sleep 30 & done")

    assert "more than 24 processes" in ending.reason or "Cannot fork" in box.log, (ending, box.log)
    assert ending.exit_code != 0


@pytest.mark.parametrize(
    "command",
    [
        "for n in 1 2 3 4 5 6 7 8; do dd if=/dev/zero of=/data/outputs/$n bs=1M count=1; sleep 0.2; done",
        "cd /data/outputs; while :; do mkdir d && cd d; done",
        "cd /data/outputs; exec 3>a 4>b; rm a b; dd if=/dev/zero bs=1M count=3 >&3; dd if=/dev/zero bs=1M count=3 >&4;"
        "sleep 20",
    ],
    ids=["bytes", "depth", "deleted"],
)
def test_what_is_written_is_bounded(box, command):
    """However it is spread over files, or nested, or hidden."""
    ending = box(command)

    assert ending.exit_code != 0
    assert "wrote more than 4.0 MiB" in ending.reason


def test_a_file_is_bounded_by_the_kernel(box):
    """One file takes no more than all may, not even between two looks."""
    assert 0 != box("dd if=/dev/zero of=/data/outputs/large bs=1M count=100").exit_code
    assert (box.volume / "outputs" / "large").stat().st_size <= 4 * MIB


def test_the_log_is_bounded(box):
    """What is too much is dropped, and nobody waits for it."""
    ending = box("dd if=/dev/zero bs=1M count=20")

    assert 0 == ending.exit_code
    assert 64 * 1024 < box.program.log.stat().st_size < 65 * 1024
    assert "bytes more were not kept]" in box.log


def test_the_volumes_of_an_image_are_memory(box):
    """They would be on the engine's disk, where nobody looks; what does not say that is the image's is the image's."""
    pack(box.podman, "docker.io/seamark/hungry:1", changes=["VOLUME /more", "ENTRYPOINT /bin/false", "USER 0"])

    ending = box("for n in 1 2 3; do dd if=/dev/zero of=/more/$n bs=1M count=3 || exit; done", image="seamark/hungry")

    assert 0 != ending.exit_code
    assert "No space left" in box.log
    assert "" == box.podman.run("volume", "ls", "--quiet")


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ("evil.example/seamark/shell", "takes no images of 'evil.example/seamark/shell'; it takes those of: docker.io"),
        ("localhost/shell", "takes no images"),
        ("docker.io.evil.example/x", "takes no images"),
        ("../shell", "is not the name of an image"),
        ("seamark/shell?x=1", "is not the name of an image"),
    ],
)
def test_an_image_from_elsewhere_is_refused(box, image, words, tmp_path):
    """Before anybody is asked for it."""
    with pytest.raises(StageFailed, match="image") as failed:
        box("exit 0", image=image, at=tmp_path / "nobody")

    assert Stage.NO_ALGORITHM == failed.value.stage
    assert words in failed.value.reason


def test_an_image_is_pulled_by_its_checksum_once(box, registry: Registry):
    """From a registry that is allowed; once it is there nobody is asked for it."""
    digest = registry.offer(box.podman)
    box.within(compute_registries=registry.host)
    image = f"{registry.host}/seamark/shell"

    assert 0 == box("exit 0", image=image, checksum=digest).exit_code
    assert f"/v2/seamark/shell/manifests/{digest}" in registry.asked
    registry.asked.clear()
    assert 5 == box("exit 5", image=image, checksum=digest.removeprefix("sha256:")).exit_code
    assert [] == registry.asked


def test_an_image_with_another_checksum_is_refused(box, registry: Registry):
    """Whether the registry has none such, or gives out another under its name."""
    registry.offer(box.podman)
    box.within(compute_registries=registry.host)
    other = registry.files["/v2/seamark/shell/manifests/1"][1]
    lie = registry.put("sha256:" + "ab" * 32, other)

    for checksum, words in (
        ("sha256:" + "cd" * 32, "has no such image"),
        (lie, "another checksum"),
        ("cd", "checksum"),
    ):
        with pytest.raises(StageFailed, match=words) as failed:
            box("exit 0", image=f"{registry.host}/seamark/shell", checksum=checksum)
        assert Stage.NO_ALGORITHM == failed.value.stage


def test_a_registry_that_does_not_answer_is_not_waited_for(box):
    """The pull ends after its time, with a reason."""
    box.within(compute_pull_s=1.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host = f"127.0.0.1:{silent.getsockname()[1]}"
        box.within(compute_registries=host)
        with pytest.raises(StageFailed, match="could not be pulled"):
            box("exit 0", image=f"{host}/seamark/shell")


def test_an_image_that_is_too_large_is_refused(box):
    """Also one that is there already."""
    box.within(compute_image_bytes=MIB)

    with pytest.raises(StageFailed, match=r"the most is 1.0 MiB"):
        box("exit 0")


def test_an_image_without_a_shell_is_refused(box):
    """The image is to blame, not the algorithm."""
    box.podman.run("import", "-", "docker.io/seamark/empty:1", given=b"\0" * 10240)

    with pytest.raises(StageFailed, match="has no /bin/sh") as failed:
        box("exit 0", image="seamark/empty")

    assert Stage.NO_ALGORITHM == failed.value.stage


LEAVE = """
import pickle, sys
from handlers.compute.contained import Contained
settings, socket, program, server = pickle.load(sys.stdin.buffer)
Contained(settings, socket, lambda: server).run(program)
"""


def leave(box, job, server=SERVER):
    """Leave a container as a process that is killed does."""
    given = replace(box.program, job=job, command="echo there; sleep 60")
    with subprocess.Popen([sys.executable, "-c", LEAVE], stdin=subprocess.PIPE) as process:
        process.stdin.write(pickle.dumps((box.settings, box.podman.socket, given, server)))
        process.stdin.close()
        await_(lambda: given.log.exists() and given.log.read_text())
        process.send_signal(signal.SIGKILL)
    given.log.unlink()


def await_(found, within_s=GONE_S):
    """Wait until there is something to be found."""
    end = time.monotonic() + within_s
    while not found():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_what_a_killed_process_left_is_removed_at_the_next_attempt(box):
    """The job's own; another job's may be running, and another server's are not ours."""
    for job, server in (("j0b-1", SERVER), ("other-1", SERVER), ("j0b-1x-1", "another")):
        leave(box, job, server)
    assert {"seamark-j0b-1", "seamark-other-1", "seamark-j0b-1x-1"} == set(box.podman.names())

    assert 0 == box("exit 0", job="j0b-2").exit_code

    assert {"seamark-other-1", "seamark-j0b-1x-1"} == set(box.podman.names())
    assert 1 == sweep(Engine(box.podman.socket), SERVER, lambda _: True)
    assert 1 == sweep(Engine(box.podman.socket), "another", lambda _: True)


def test_a_label_that_an_image_brings_along_makes_no_leftover(box):
    """The name counts, too, so that no image can have others' containers removed."""
    labels = ["LABEL io.seamark.server=server", "LABEL io.seamark.job=j0b-1"]
    pack(box.podman, "docker.io/seamark/labelled:1", changes=labels)
    how = ["--network=none", "--ulimit=nproc=99:99", "--ulimit=nofile=99:99", "--name=others"]
    box.podman.run("create", *how, "docker.io/seamark/labelled:1", "/bin/sh")

    assert 0 == sweep(Engine(box.podman.socket), SERVER, lambda _: True)
    assert ["others"] == box.podman.names()
    box.podman.run("rm", "others")


def test_the_sweeper_removes_what_belongs_to_no_running_job(box, here):
    """As when a worker died whose job was stopped meanwhile."""
    leave(box, "f00d-1", server_of(here.database))
    settings = Settings(**box.settings.model_dump() | {"docker_socket": box.podman.socket})
    stop = threading.Event()
    thread = threading.Thread(target=Leftovers(settings, here.database).run, args=(stop,))

    thread.start()
    await_(lambda: [] == box.podman.names())
    stop.set()
    thread.join()


def test_check_says_what_the_engine_is(podman, tmp_path):
    """Or that it does not answer, and what to do."""
    (found,) = look_at_containers(Settings(home=tmp_path, docker_socket=podman.socket))
    (nobody,) = look_at_containers(Settings(home=tmp_path, docker_socket=tmp_path / "nobody"))

    assert ("ok", "") == (found.state, found.mend)
    assert found.detail.startswith("Podman Engine ")
    assert "broken" == nobody.state
    assert "SEAMARK_DOCKER_SOCKET" in nobody.mend
    assert [] == list(look_at_containers(Settings(home=tmp_path)))


@pytest.fixture
def contained(settings, podman, upstream, tmp_path):
    """Who has things computed by a server of its own, whose worker has the engine's socket."""
    own = Settings(**settings.model_dump() | {"home": tmp_path, "redis_url": f"unix://{tmp_path}/s"})
    engine = {"docker_socket": podman.socket, "compute_registries": "docker.io/seamark"}
    with serving(own) as started:
        offer(started, upstream)
        with working(own, **SOON, **engine):
            yield Computing(reader(create_app(own)))
    assert [] == podman.names()


def test_a_job_computes_in_its_image(contained, podman):
    """From the request to the results, and when it is stopped nothing of it is left."""
    owner = contained
    image = {"image": "seamark/python"}

    done = owner.ended(owner.start(algorithmMeta=raw(COUNT, **image))["jobId"])
    refused = owner.ended(owner.start(algorithmMeta=raw(COUNT, image="python"))["jobId"])
    job = owner.start(algorithmMeta=raw("import time; time.sleep(60)", **image))["jobId"]
    await_(podman.names)
    owner.ask("PUT", job)

    assert 6 == done["status"], done
    assert ["counted.json", "algorithm.log"] == [result["filename"] for result in done["results"]]
    assert 32 == refused["status"], refused
    assert "takes no images" in refused["reason"]
    await_(lambda: [] == podman.names())
    assert 7 == owner.ended(job)["status"]
