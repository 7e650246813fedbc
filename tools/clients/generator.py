"""OpenAPI Generator, run so that what it leaves out is an error and two runs write the same."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from tools.clients.errors import NotGenerated
from tools.clients.languages import Language

RUN: Final = "import openapi_generator_cli as it; it.cli()"
RUN_S: Final = 180
#: Tests that assert nothing, and files for the services that the generator's authors use.
LEFT_OUT: Final = (
    "git_push.sh",
    ".travis.yml",
    ".gitlab-ci.yml",
    "appveyor.yml",
    ".github/**",
    "**/.openapi-generator/**",
)
#: What each client has, so that a folder can be told from one of somebody's own.
MARK: Final = ".openapi-generator-ignore"


def write_client(document: dict[str, Any], language: Language, api: str, folder: Path) -> Path:
    """Write a client into a folder, in place of one that is there, and return the folder.

    Raises:
        NotGenerated: The generator failed or left something out, or the folder holds something else.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / MARK).exists():
        raise NotGenerated(f"{folder} is not empty, and holds no generated client.")
    with tempfile.TemporaryDirectory() as place:
        made = Path(place) / "client"
        source = Path(place) / "document.json"
        source.write_bytes(orjson.dumps(document))
        run(language.generator, source, made, language.options(api.replace("/", "_").replace("-", "_")))
        if language.wrapper is not None and api == "konduit":
            shutil.copy(language.wrapper, made)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(made, folder)
    return folder


def run(generator: str, source: Path, made: Path, options: Mapping[str, str]) -> None:
    """Run the generator, beside its source, as some of what it writes has the path that it was given.

    It ends well, with 0, also where it has left out the body of a request: only its log tells.

    Raises:
        NotGenerated: It failed, or its log has an error.
    """
    settings = ",".join(f"{name}={value}" for name, value in {"hideGenerationTimestamp": "true", **options}.items())
    command = [sys.executable, "-c", RUN, "generate", "-g", generator, "-i", source.name]
    command += ["-o", str(made), "--additional-properties", settings]
    command += ["--global-property", "apiTests=false,modelTests=false"]
    command += ["--openapi-generator-ignore-list", ",".join(LEFT_OUT)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=source.parent, timeout=RUN_S, check=False)
    log = (done.stdout + done.stderr).splitlines()
    faults = sorted({line.partition(" ERROR ")[2] for line in log if " ERROR " in line})
    if done.returncode or faults:
        raise NotGenerated("\n".join([f"{generator}: the client would lack something.", *(faults or log[-20:])]))
