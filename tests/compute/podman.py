"""A container engine for tests: Podman with a storage of its own, images packed from this machine, and a registry.

Nothing is fetched: the registry listens on the loopback and has what was packed here.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from handlers.errors import SandboxUnavailable
from handlers.sandbox.bubblewrap import FOUND_IN
from handlers.sandbox.engine.client import Engine
from tests.parts import missing

START_S = 20
SHELL = "docker.io/seamark/shell:1"
OFFERED = "docker.io/seamark/offered:1"
PYTHON = "docker.io/seamark/python:3.11"
TOOLS = ("sh", "cat", "dd", "id", "ls", "mkdir", "rm", "sleep")
LEFT_OUT = ("__pycache__", "dist-packages", "ensurepip", "idlelib", "lib2to3", "site-packages", "test", "tests")
UNKNOWN = b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}'
OCI = "application/vnd.oci.image.manifest.v1+json"
WHERE = "import sysconfig; print(sysconfig.get_path('stdlib'))"


class Podman:
    """An engine that runs for as long as the tests."""

    def __init__(self, registry: Registry) -> None:
        """Start it; *registry* may be spoken to without encryption."""
        if not (shutil.which("podman") and shutil.which("runc")):
            missing("podman and runc are not installed.")
        if os.geteuid() != 0:
            missing("The engine of the tests runs as root only.")
        self.folder = Path(tempfile.mkdtemp(prefix="seamark-podman-"))
        self.socket = self.folder / "s"
        insecure = f'[[registry]]\nlocation = "{registry.host}"\ninsecure = true\n'
        (self.folder / "registries.conf").write_text(insecure)
        self._log = (self.folder / "log").open("wb")
        command = self._command("system", "service", "--time=0", f"unix://{self.socket}")
        # Where it is started Podman's monitor leaves files of its own.
        self._process = subprocess.Popen(
            command, env=self._environment(), cwd=self.folder, stdout=self._log, stderr=self._log
        )
        self._await()

    def run(self, *words: str, given: bytes = b"") -> str:
        """Run podman on the engine's storage."""
        command = self._command(*words)
        done = subprocess.run(
            command, env=self._environment(), input=given, capture_output=True, check=False, cwd=self.folder
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().strip()

    def close(self) -> None:
        """End it, and remove all that it had."""
        self.run("rm", "--all", "--force", "--time=0")
        self._process.terminate()
        self._process.wait(START_S)
        self._log.close()
        shutil.rmtree(self.folder)

    def names(self) -> list[str]:
        """Return the names of all containers."""
        return self.run("ps", "--all", "--format={{.Names}}").split()

    def _command(self, *words: str) -> list[str]:
        """Return a command line. The group and run-time options are what version 1 and 2 of cgroups both take."""
        places = {"root": "root", "runroot": "run", "tmpdir": "tmp"}
        where = [f"--{option}={self.folder / name}" for option, name in places.items()]
        how = ["--storage-driver=vfs", "--cgroup-manager=cgroupfs", "--runtime=runc", "--events-backend=file"]
        return ["podman", *where, *how, *words]

    def _environment(self) -> dict[str, str]:
        """Return the environment, which has the settings of registries."""
        return os.environ | {"CONTAINERS_REGISTRIES_CONF": str(self.folder / "registries.conf")}

    def _await(self) -> None:
        """Wait until it answers."""
        end = time.monotonic() + START_S
        while True:
            try:
                Engine(self.socket).ask("GET", "/version")
            except SandboxUnavailable:
                if time.monotonic() > end or self._process.poll() is not None:
                    missing(f"podman system service does not run: {(self.folder / 'log').read_text()[-500:]}")
                time.sleep(0.05)
            else:
                return


class Registry:
    """A registry that has one image, and counts what it is asked."""

    def __init__(self) -> None:
        """Listen; there is nothing to be had yet."""
        self.asked: list[str] = []
        self.files: dict[str, tuple[str, bytes]] = {}
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                registry.asked.append(self.path)
                kind, data = registry.files.get(self.path, ("application/json", UNKNOWN))
                self.send_response(200 if self.path in registry.files else 404)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data)

            do_HEAD = do_GET  # noqa: N815 - as http.server calls it

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def offer(self, podman: Podman) -> str:
        """Offer an image as seamark/shell:1 that the engine does not have any more; return its digest."""
        folder = Path(tempfile.mkdtemp(prefix="seamark-registry-"))
        pack(podman, OFFERED)
        podman.run("push", OFFERED, f"dir:{folder}")
        podman.run("rmi", OFFERED)
        for path in folder.iterdir():
            self.files[f"/v2/seamark/shell/blobs/sha256:{path.name}"] = ("application/octet-stream", path.read_bytes())
        manifest = (folder / "manifest.json").read_bytes()
        shutil.rmtree(folder)
        self.files["/v2/"] = ("application/json", b"{}")
        self.put("1", manifest)
        return self.put(f"sha256:{hashlib.sha256(manifest).hexdigest()}", manifest)

    def put(self, name: str, manifest: bytes) -> str:
        """Have a tag or a digest lead to a manifest; return the tag or digest."""
        self.files[f"/v2/seamark/shell/manifests/{name}"] = (json.loads(manifest).get("mediaType", OCI), manifest)
        return name

    def close(self) -> None:
        """Listen no longer."""
        self._server.shutdown()
        self._server.server_close()


def pack(podman: Podman, image: str, *, python: str = "", changes: Sequence[str] = ()) -> None:
    """Make an image of a shell and some tools of this machine, and of a Python where one is named."""
    tools = [Path(shutil.which(tool, path=FOUND_IN) or missing(f"There is no {tool}.")) for tool in TOOLS]
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for folder, mode in (("tmp", 0o1777), ("bin", 0o755), ("proc", 0o755)):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            tar.addfile(entry)
        placed = {f"/bin/{tool.name}": tool for tool in tools}
        if python:
            placed["/bin/python"] = placed[python] = Path(python)
            placed |= dict(library(python))
            tools.append(Path(python))
        placed |= {str(needed): needed for tool in tools for needed in libraries(tool)}
        for target, source in placed.items():
            tar.add(source.resolve(), target.lstrip("/"))
    options = [f"--change={line}" for line in changes]
    podman.run("import", *options, "-", image, given=packed.getvalue())


def libraries(program: Path) -> Iterator[Path]:
    """Give the libraries that a program needs."""
    said = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    yield from (Path(word) for word in said.split() if word.startswith("/"))


def library(python: str) -> Iterator[tuple[str, Path]]:
    """Give the files of Python's standard library."""
    root = Path(subprocess.run([python, "-c", WHERE], capture_output=True, text=True, check=True).stdout.strip())
    for path in root.rglob("*"):
        if path.is_file() and not set(path.parts) & {*LEFT_OUT}:
            yield str(path), path
