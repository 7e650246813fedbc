"""What runs an algorithm in the sandbox, where there are no images: interpreters of this machine in their place."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from handlers.compute.statuses import Stage
from handlers.compute.words import Container
from handlers.compute.work import StageFailed

SYSTEM: Final = ("/usr", "/bin", "/lib", "/lib64")  #: what every sandbox sees
HOMES: Final = Path("/home")
PATH: Final = "/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True)
class Interpreter:
    """A program of this machine that stands for an image."""

    name: str  #: as the entrypoint calls it
    path: Path


def read_table(text: str) -> Mapping[str, Interpreter]:
    """Return the interpreters that a setting names, by image: `python=/usr/bin/python3,node=node`.

    Raises:
        ValueError: It is no such list.
    """
    found = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        image, _, program = (part.strip() for part in entry.partition("="))
        if not image or not program:
            raise ValueError(f"{entry!r} is not IMAGE=PROGRAM.")
        where = shutil.which(program, path=PATH)
        if where is not None:
            found[image] = Interpreter(image.rpartition("/")[2], Path(where))
    return found


def interpreter_for(container: Container, table: Mapping[str, Interpreter]) -> Interpreter:
    """Return what stands for the image of a container.

    Raises:
        StageFailed: Nothing does.
    """
    found = table.get(container.image)
    if found is None:
        known = ", ".join(sorted(table)) or "none"
        words = f"The image {container.name[:200]!r} cannot be run in this server's sandbox; these can: {known}."
        raise StageFailed(Stage.NO_ALGORITHM, words)
    return found


def roots_of(interpreter: Interpreter, hidden: Sequence[Path]) -> Sequence[Path]:
    """Return the folders that an interpreter needs beside those that every sandbox sees.

    Args:
        interpreter: The program.
        hidden: Folders that no algorithm may see.

    Raises:
        StageFailed: What it needs holds one of those, or is somebody's home.
    """
    folders = {path.parent.parent for path in (interpreter.path, interpreter.path.resolve())}
    roots = sorted(folder for folder in folders if not any(folder.is_relative_to(system) for system in SYSTEM))
    for root in roots:
        if root.parent == HOMES or any(folder.is_relative_to(root) for folder in hidden):
            words = f"The program that stands for {interpreter.name!r} lies where algorithms may not look."
            raise StageFailed(Stage.NO_ALGORITHM, words)
    return roots
