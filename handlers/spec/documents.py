"""The bundled documents that are served: what `seamark generate` left in `generated/`."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

MANIFEST = "manifest.json"
MEND = "Run `seamark generate` in a checkout, or install Seamark anew."


class DocumentMissing(RuntimeError):
    """A document that should be served is not in `generated/`."""


@dataclass(frozen=True)
class Api:
    """One API as it is served."""

    name: str  #: "provider", or "invoke/hash" for an operation
    document: Mapping[str, Any]  #: OpenAPI 3.0.3, every $ref local, a controller on every operation
    mount: str  #: path of the first server, without a trailing slash: "" or "/ops"
    folder: Path | None = None  #: where the operation's YAML and function are, if not in this package


def read_apis(names: Collection[str] = (), outside: Path | None = None) -> list[Api]:
    """Return what is to be served: the documents in `generated/`, and the operations of a folder outside.

    Args:
        names: Which ones; none means all, and `invoke` means every operation.
        outside: A folder of operations, see `outside.py`.

    Raises:
        DocumentMissing: There are none, or one of *names* is not among them, or two have one name.
        SpecError: An operation in *outside* cannot be read.
    """
    found = {api.name: api for api in read_generated()}
    if outside is not None:
        from handlers.spec.outside import read_outside

        for api in read_outside(outside):
            if api.name in found:
                raise DocumentMissing(f"{outside} has the operation {api.name!r}, which is built in. Rename it.")
            found[api.name] = api
    return [found[name] for name in _chosen(sorted(found), names)]


def read_generated(names: Collection[str] = (), folder: Path | None = None) -> list[Api]:
    """Return the documents in `generated/`, sorted by name.

    Args:
        names: Which ones; none means all, and `invoke` means every operation.
        folder: Where they are, if not in the installed package `generated`.

    Raises:
        DocumentMissing: There are none, or one of *names* is not among them.
    """
    folder = folder or generated_folder()
    found = {
        path.relative_to(folder).with_suffix("").as_posix(): path
        for path in sorted(folder.rglob("*.json"))
        if path.name != MANIFEST
    }
    if not found:
        raise DocumentMissing(f"There is no document in {folder}. {MEND}")
    return [read_document(name, found[name]) for name in _chosen(list(found), names)]


def _chosen(found: list[str], names: Collection[str]) -> list[str]:
    for wanted in names:
        if not any(_names(wanted, name) for name in found):
            raise DocumentMissing(f"There is no API {wanted!r}; there are {', '.join(found)}. {MEND}")
    return [name for name in found if not names or any(_names(wanted, name) for wanted in names)]


def _names(wanted: str, name: str) -> bool:
    return name == wanted or name.startswith(f"{wanted}/")


def read_document(name: str, path: Path) -> Api:
    """Return the API whose bundled document is in *path*."""
    try:
        document = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise DocumentMissing(f"{path} is not a JSON document: {error}. {MEND}") from error
    return Api(name, document, mount_of(document))


def mount_of(document: Mapping[str, Any]) -> str:
    """Return the path of the document's first server, without a trailing slash."""
    servers = document.get("servers") or [{"url": "/"}]
    return urlsplit(str(servers[0]["url"])).path.rstrip("/")


def generated_folder() -> Path:
    """Return the folder of the package `generated`, without importing it."""
    spec = importlib.util.find_spec("generated")
    if spec is None or not spec.submodule_search_locations:
        raise DocumentMissing(f"The package `generated` is not installed. {MEND}")
    return Path(next(iter(spec.submodule_search_locations)))
