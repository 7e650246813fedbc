"""Environments of their own for published clients: made once, and found again by later runs."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from tests.parts import missing

INSTALL_S = 600


def environment(name: str, make: Callable[[Path], None]) -> Path:
    """Return a folder that *make* has filled, in this run or in an earlier one."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "seamark-tests"
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / name
    with FileLock(f"{folder}.lock"):
        if not (folder / "ready").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            (folder / "ready").touch()
    return folder


def python_with(name: str, *installs: tuple[str, ...], program: str = sys.executable) -> Path:
    """Return a Python that has what each of *installs*, the arguments of one `pip install`, brings."""

    def make(folder: Path) -> None:
        install(name, [program, "-m", "venv", "--clear", str(folder)])
        for arguments in installs:
            install(name, [*pip(folder / "bin" / "python"), "install", "-q", *arguments])

    # An environment's Python leads to the one that it was made of, which stays when the environment goes.
    digest = hashlib.sha256(repr((os.path.realpath(program), installs)).encode()).hexdigest()[:16]
    return environment(f"{name}-{digest}", make) / "bin" / "python"


def pip(python: Path) -> list[str]:
    """Return the command that installs into an environment: uv's where there is one, as it takes seconds."""
    uv = shutil.which("uv")
    return [str(python), "-m", "pip"] if uv is None else ["env", f"VIRTUAL_ENV={python.parents[1]}", uv, "pip"]


def node_with(name: str, package: Path) -> Path:
    """Return the `node_modules` with what the `package.json` in a folder asks for; no script of theirs is run."""
    if not shutil.which("node") or not shutil.which("npm"):
        missing("node and npm are not installed.")

    def make(folder: Path) -> None:
        shutil.copytree(package, folder, dirs_exist_ok=True)
        install(name, ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(folder)])

    digest = hashlib.sha256((package / "package.json").read_bytes()).hexdigest()[:16]
    return environment(f"{name}-{digest}", make) / "node_modules"


def install(name: str, command: list[str]) -> None:
    """Run a command that installs, or tell that the client is missing."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_S, check=False)
    if done.returncode:
        missing(f"{name} cannot be installed: {done.stderr[-500:]}")
