"""Copies of what pipelines are made of, which their hosts see in place of the folder of the configuration."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

import orjson

from handlers.pipelines.config import Configuration
from handlers.pipelines.words import CONFIGURATION
from handlers.settings import Settings


def kept_apart(configuration: Configuration, settings: Settings) -> Path:
    """Return a folder with the configuration and copies of the files that its steps name, and nothing else.

    The host sees this folder and not the one of the configuration, which may hold what is none of its business; and
    it must be readable for the user that the host runs as, which is not for us to change about the files of others.
    """
    folder = folder_of(configuration, settings)
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = Path(tempfile.mkdtemp(dir=folder.parent))
    try:
        (made / CONFIGURATION).write_bytes(document_of(configuration))
        for file in files_of(configuration):
            (made / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(configuration.folder / file, made / file)
        with suppress(OSError):  # another process was faster
            made.rename(folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return folder


def forget_others(configuration: Configuration | None, settings: Settings) -> None:
    """Remove the copies of all other pipelines; for who has this home folder alone."""
    kept = None if configuration is None else folder_of(configuration, settings)
    for folder in (settings.home / "pipelines").glob("*"):
        if folder != kept:
            shutil.rmtree(folder, ignore_errors=True)


def folder_of(configuration: Configuration, settings: Settings) -> Path:
    """Return the folder for the copies, which is another once a file is."""
    facts = [(name, *stamp(configuration.folder / name)) for name in files_of(configuration)]
    name = hashlib.sha256(document_of(configuration) + repr(facts).encode()).hexdigest()[:32]
    return settings.home / "pipelines" / name


def files_of(configuration: Configuration) -> list[str]:
    """Return the files that the steps name, from the folder of the configuration."""
    return sorted(set(configuration.files) - set(configuration.large_files))


def document_of(configuration: Configuration) -> bytes:
    """Return the configuration of the steps as JSON."""
    members = {name: value for name, value in configuration.document.items() if name != "memMapConfig"}
    return orjson.dumps(members, option=orjson.OPT_SORT_KEYS)


def stamp(path: Path) -> tuple[int, int]:
    """Return what is another once a file is."""
    found = os.stat(path)
    return found.st_size, found.st_mtime_ns
