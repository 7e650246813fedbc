"""Operations that live in a folder outside: `<name>.yaml` says what each takes and gives, `<name>.py` does it.

They are served like those of `generated/`, only that their documents are bundled when a process starts.
"""

from __future__ import annotations

import re
from pathlib import Path

from handlers.spec.bundle import CONTROLLER, bundle
from handlers.spec.documents import Api, DocumentMissing, mount_of

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
INVOKE = "handlers.invoke"


def find_outside(folder: Path) -> dict[str, Path]:
    """Return the specs in *folder* by the names of their operations.

    Raises:
        DocumentMissing: There is no such folder, or a name could not be that of an operation.
    """
    if not folder.is_dir():
        raise DocumentMissing(f"There is no folder {folder}. Make an operation with `seamark new operation --in DIR`.")
    found = {path.stem: path for path in sorted(folder.glob("*.yaml")) if not path.name.startswith(("_", "."))}
    for name, path in found.items():
        if not NAME.fullmatch(name):
            raise DocumentMissing(f"{path}: {name!r} is no name of an operation. Use small letters, digits and `-`.")
    return found


def read_outside(folder: Path) -> list[Api]:
    """Return the operations in *folder*, sorted by name.

    Raises:
        DocumentMissing: As for `find_outside`.
        SpecError: A spec cannot be read.
    """
    return [read_operation(name, path) for name, path in find_outside(folder).items()]


def read_operation(name: str, path: Path) -> Api:
    """Return the operation whose spec is in *path*."""
    document = bundle(path, path.parent)
    for item in document.get("paths", {}).values():
        for operation in item.values():
            if isinstance(operation, dict):
                operation.setdefault(CONTROLLER, INVOKE)
    mount = mount_of(document) if document.get("servers") else f"/invoke/{name}"
    return Api(f"invoke/{name}", document, mount, folder=path.parent.resolve())
