"""Talking to a container engine: what is asked for, and what is made of answers that nobody should trust."""

from __future__ import annotations

import io
import json
import os
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from handlers.errors import InsufficientStorage, SandboxUnavailable
from handlers.sandbox import cgroups
from handlers.sandbox.engine import client
from handlers.sandbox.engine.about import About, about
from handlers.sandbox.engine.client import Engine, EngineError, Exchange
from handlers.sandbox.engine.containers import LOOKS, Container
from handlers.sandbox.engine.frames import Pump
from handlers.sandbox.engine.images import Bounds, Image, Images, refusal, volumes_of
from handlers.sandbox.engine.recipe import Ticket, recipe
from handlers.sandbox.engine.references import ImageRefused, allowed_in, check, reference
from handlers.sandbox.users import User
from handlers.sandbox.values import Limits, Mount, Program

DIGEST = "sha256:" + "ab" * 32
ROOTS = About(name="Docker", version="27", rootless=False, remapped=False, unbounded=())
LIMITS = Limits(
    memory_bytes=1 << 20,
    cpus=0.5,
    processes=10,
    open_files=64,
    disk_bytes=1 << 20,
    scratch_bytes=4096,
    wall_s=1,
    log_bytes=100,
)


@contextmanager
def answering(folder: Path, *answers: bytes) -> Iterator[Engine]:
    """Give an engine that gives these answers, one for each connection, whatever it is asked."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / "s"))
    listener.listen()

    def serve() -> None:
        for answer in answers:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)
                connection.settimeout(5)
                with suppress(OSError):
                    connection.recv(1)  # until the caller has had enough

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield Engine(folder / "s")
    thread.join(5)
    listener.close()


def http(body: object, status: str = "200 OK", headers: str = "") -> bytes:
    """Return an answer."""
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(text)}\r\n\r\n".encode() + text


PING = http(b"OK")
FAULT = http({"message": "read /proc/7/cgroup: no such process"}, "500 Internal Server Error")


def test_an_engine_that_fails_as_a_program_ends_is_asked_again(tmp_path: Path):
    """A moment later it knows how the container stands."""
    with answering(tmp_path, PING, FAULT, FAULT, http({"State": {"Pid": 0}})) as engine:
        assert {"Pid": 0} == Container(engine, "c").state()


@pytest.mark.parametrize("answers", [[FAULT] * LOOKS, [http({"message": "no such container"}, "404 Not Found")]])
def test_an_engine_that_does_not_know_is_not_asked_without_end(tmp_path: Path, answers: list[bytes]):
    """What is gone is gone, and an engine that keeps failing is at fault."""
    with answering(tmp_path, PING, *answers) as engine, pytest.raises(EngineError, match="no such"):
        Container(engine, "c").state()


@pytest.mark.parametrize(
    ("image", "whole"),
    [
        ("python", "docker.io/library/python:3"),
        ("oceanprotocol/algo", "docker.io/oceanprotocol/algo:3"),
        ("index.docker.io/python", "docker.io/library/python:3"),
        ("ghcr.io/ocean/algo", "ghcr.io/ocean/algo:3"),
        ("GHCR.io/ocean/algo", "ghcr.io/ocean/algo:3"),
        ("localhost:5000/a/b/c", "localhost:5000/a/b/c:3"),
    ],
)
def test_an_image_has_one_whole_name(image: str, whole: str):
    """The one by which every engine knows it, so that none looks elsewhere."""
    assert whole == str(reference(image, "3"))
    assert whole.removesuffix(":3") + f"@{DIGEST}" == str(reference(image, "3", "ab" * 32))


@pytest.mark.parametrize(
    ("image", "tag", "checksum"),
    [
        ("", "1", ""),
        ("Python", "1", ""),
        ("a//b", "1", ""),
        ("a/../b", "1", ""),
        ("a/b/", "1", ""),
        ("a b", "1", ""),
        ("a\nb", "1", ""),
        ("a" * 256, "1", ""),
        ("python:3", "1", ""),
        ("python@" + DIGEST, "1", ""),
        ("http://x.y/a", "1", ""),
        ("u:p@x.y/a", "1", ""),
        ("python", "", ""),
        ("python", "3/../x", ""),
        ("python", "3\n", ""),
        ("python", "3", "sha256:44e1"),
        ("python", "3", "sha512:" + "ab" * 64),
        ("python", "3", DIGEST + "\n"),
    ],
)
def test_what_is_no_image_is_refused(image: str, tag: str, checksum: str):
    """The name goes into paths and is shown, so that it is nothing but a name."""
    with pytest.raises(ImageRefused):
        reference(image, tag, checksum)


def test_registries_are_allowed_whole_or_in_part():
    """A part ends where a name does."""
    allowed = allowed_in("docker.io/library, ghcr.io ,localhost:5000/a/")

    for image in ("python", "ghcr.io/any/thing", "localhost:5000/a/b"):
        check(reference(image, "1"), allowed)
    for image in ("ocean/algo", "docker.io/librarything/x", "ghcr.io.evil/x", "ghcr.io:444/x", "localhost:5000/ab"):
        with pytest.raises(ImageRefused, match="takes no images"):
            check(reference(image, "1"), allowed)
    with pytest.raises(ImageRefused, match="those of: none"):
        check(reference("python", "1"), allowed_in(""))


@pytest.mark.parametrize("text", ["python", "library/python", "docker.io/Library", "https://ghcr.io", "*"])
def test_what_is_no_registry_is_refused(text: str):
    """At the start of the server, and not at the first job."""
    with pytest.raises(ValueError, match="is not a registry"):
        allowed_in(text)


def test_an_engine_that_is_not_there_is_unavailable(tmp_path: Path):
    """Or that says no word, or not those of an engine."""
    with pytest.raises(SandboxUnavailable, match="does not answer"):
        Engine(tmp_path / "nobody").ask("GET", "/info")
    with answering(tmp_path, b"SSH-2.0\r\n") as engine, pytest.raises(SandboxUnavailable, match="does not answer"):
        engine.ask("GET", "/info")


def test_answers_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """What is longer, or no JSON, or nested beyond measure, is no answer."""
    monkeypatch.setattr(client, "ANSWER_BYTES", 300_000)
    answers = (http(b""), http(b"1" * 300_001), http(b"<html>"), http(b"[" * 200_000))

    with answering(tmp_path, *answers) as engine:
        for words in ("more than is read", "speak its language", "speak its language"):
            with pytest.raises(SandboxUnavailable, match=words):
                engine.ask("GET", "/info")


def test_a_expectedhas_the_engines_words(tmp_path: Path):
    """In one line, and not too many of them."""
    answers = (http(b"", headers="Api-Version: 1.44\r\n"), http({"message": "no\n" * 999}, "409 X"))
    with answering(tmp_path, *answers) as engine, pytest.raises(EngineError) as refused:
        engine.ask("GET", "/x")

    assert 409 == refused.value.status
    assert len(str(refused.value)) <= 500
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("reading manifest 1 in x: manifest unknown", "has no such image"),
        ("unauthorized: access to the requested resource is not authorized", "does not give it"),
        ("pull access denied for x, repository does not exist", "does not give it"),
        ("Manifest does not match provided manifest digest sha256:ab", "another checksum"),
        ("dial tcp: lookup x.y on 10.0.0.1: no such host", "could not be reached"),
        ("proxyconnect tcp: http://user:secret@proxy", "could not be reached"),
    ],
)
def test_why_a_pull_failed_is_told_in_our_words(said: str, words: str):
    """The engine's may tell of this server's network, or of its passwords."""
    refused = refusal(reference("python", "3"), said)

    assert words in str(refused)
    assert "10.0.0.1" not in str(refused)
    assert "secret" not in str(refused)
    assert isinstance(refusal(reference("python", "3"), "write: no space left on device"), InsufficientStorage)


def test_an_error_in_the_middle_of_a_pull_is_one(tmp_path: Path):
    """An engine answers 200 before it knows."""
    lines = b'{"status":"Pulling"}\n\n{"errorDetail":{},"error":"manifest unknown"}\n'
    answers = (http(b""), http({"message": "no such image"}, "404 X"), http({"DockerRootDir": "/"}), http(lines))
    bounds = Bounds(bytes=1, pull_s=5, reserve_bytes=0)

    with answering(tmp_path, *answers) as engine, pytest.raises(ImageRefused, match="has no such image"):
        Images(engine, bounds).have(reference("python", "3"))


def test_a_pull_that_takes_all_the_room_is_cut_off(tmp_path: Path):
    """An image that says how large it is is not waited for, and none may take the disk's reserve."""
    large = b'{"id":"a","progressDetail":{"total":600}}\n{"id":"b","progressDetail":{"total":600}}\n'
    missing, root = http({"message": "no such image"}, "404 X"), http({"DockerRootDir": "/"})
    unfinished = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"

    for answer, reserve, expected, words in (
        (http(large), 0, ImageRefused, "more than 1000 bytes"),
        (unfinished, 1 << 60, InsufficientStorage, "kept in reserve"),
    ):
        bounds = Bounds(bytes=1000, pull_s=5, reserve_bytes=reserve)
        answers = (http(b""), missing, root, answer)
        with answering(tmp_path, *answers) as engine, pytest.raises(expected, match=words):
            Images(engine, bounds).have(reference("python", "3"))
        (tmp_path / "s").unlink()


def test_an_image_that_the_engine_has_under_another_checksum_is_not_it(tmp_path: Path):
    """It is pulled, and if it is still not it, refused."""
    other = http({"Id": "sha256:1", "RepoDigests": ["docker.io/library/python@sha256:" + "cd" * 32]})
    answers = (http(b""), other, http({}), http(b'{"status":"done"}\n'), other)

    with answering(tmp_path, *answers) as engine, pytest.raises(ImageRefused, match="not there after"):
        Images(engine, Bounds(bytes=1, pull_s=5, reserve_bytes=0)).have(reference("python", "3", DIGEST))


@pytest.mark.parametrize("path", ["/", "", "relative", "/a/../b", "/a//b", "/a/", "/" + "a" * 300])
def test_a_volume_is_a_folder(path: str):
    """It becomes a mount of ours."""
    with pytest.raises(ImageRefused, match="volumes"):
        volumes_of({"Config": {"Volumes": {path: {}}}})


def test_a_network_is_the_engines_and_not_this_machines():
    """Whoever may have one does not get our loopback with it."""
    program = Program(argv=["x"], network=True)

    made = recipe(Ticket(server="s", job="j-1"), Image(id="1"), program, LIMITS, None, ROOTS)

    assert "bridge" == made["HostConfig"]["NetworkMode"]


def test_volumes_are_few():
    """Each is memory that is mounted."""
    assert ("/a", "/b/c") == volumes_of({"Config": {"Volumes": {"/a": {}, "/b/c": {}}}})
    with pytest.raises(ImageRefused, match="volumes"):
        volumes_of({"Config": {"Volumes": {f"/{number}": {} for number in range(17)}}})


def test_a_container_has_all_its_bounds(tmp_path: Path):
    """Whatever the image says; what is mounted goes before its volumes."""
    program = Program(argv=["/bin/sh"], mounts=[Mount(source=tmp_path, target="/data/outputs", writable=True)])
    image = Image(id="sha256:1", volumes=("/data/outputs", "/more"))

    made = recipe(Ticket(server="s", job="j-1"), image, program, LIMITS, User(7, 8), ROOTS)
    host = made["HostConfig"]

    assert ("7:8", ["/bin/sh"], [], "sha256:1") == (made["User"], made["Entrypoint"], made["Cmd"], made["Image"])
    assert ("none", True, ["ALL"], ["no-new-privileges"]) == tuple(
        host[name] for name in ("NetworkMode", "ReadonlyRootfs", "CapDrop", "SecurityOpt")
    )
    assert (1 << 20, 1 << 20, 500_000_000) == (host["Memory"], host["MemorySwap"], host["NanoCpus"])
    assert ["/more", "/tmp"] == sorted(host["Tmpfs"])  # noqa: S108 - of the container
    assert {"nofile", "fsize", "core", "nproc"} == {limit["Name"] for limit in host["Ulimits"]}


@pytest.mark.parametrize(
    ("engine", "user", "namespace"),
    [
        (ROOTS, f"{os.getuid()}:{os.getgid()}", ""),
        (About(name="Docker", version="", rootless=True, remapped=False, unbounded=()), "0:0", ""),
        (About(name="Docker", version="", rootless=False, remapped=True, unbounded=()), None, "host"),
        (About(name="Podman Engine", version="", rootless=True, remapped=False, unbounded=()), None, "keep-id"),
    ],
)
def test_an_ordinary_users_container_is_that_user(engine: About, user: str | None, namespace: str):
    """So that it can write its outputs, and owns nothing else in there."""
    made = recipe(Ticket(server="s", job="j-1"), Image(id="1"), Program(argv=["x"]), LIMITS, None, engine)

    assert (user or f"{os.getuid()}:{os.getgid()}", namespace) == (made["User"], made["HostConfig"]["UsernsMode"])


def test_an_engine_without_bounds_runs_nothing(tmp_path: Path):
    """A program in there could take all the memory that there is."""
    info = {
        "MemoryLimit": False,
        "PidsLimit": True,
        "CpuCfsQuota": False,
        "SecurityOptions": ["name=seccomp,profile=x"],
    }
    with answering(tmp_path, http(b""), http({"Components": [{"Name": "Engine"}]}), http(info)) as engine:
        found = about(engine)

    assert ("Docker", False, ("memory", "processors")) == (found.name, found.rootless, found.unbounded)
    with pytest.raises(SandboxUnavailable, match="cannot bound memory, processors"):
        found.demand()


class Answer(io.BytesIO):
    """An answer that is there at once."""


@pytest.mark.parametrize("broken", [b"", b"\1\0\0", struct.pack("!B3xI", 1, 1 << 31) + b"more"])
def test_output_that_breaks_off_is_handed_on_as_far_as_it_goes(broken: bytes):
    """What is wrong with the rest holds up nobody."""
    reading, writing = os.pipe()
    frames = struct.pack("!B3xI", 1, 3) + b"one" + struct.pack("!B3xI", 2, 3) + b"two"

    Pump(Exchange(Answer(frames + broken), lambda: None), writing).finish()  # type: ignore[arg-type]
    os.close(writing)

    assert (b"onetwo" + (b"more" if b"more" in broken else b"")) == os.read(reading, 100)
    os.close(reading)


def test_output_that_nobody_reads_holds_up_nobody(monkeypatch: pytest.MonkeyPatch):
    """Its reader may have failed."""
    monkeypatch.setattr("handlers.sandbox.engine.frames.END_S", 0.2)
    reading, writing = os.pipe()
    frames = struct.pack("!B3xI", 1, 1 << 20) + b"x" * (1 << 20)

    Pump(Exchange(Answer(frames), lambda: None), writing).finish()  # type: ignore[arg-type]

    for file in (reading, writing):
        os.close(file)


def test_a_group_is_found_by_process_and_name():
    """A number that means another process here leads to none."""
    assert cgroups.group_of(os.getpid(), "0" * 64) is None
    assert cgroups.group_of(2**22 + 1, "") is None
