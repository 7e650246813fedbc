"""Stage 5, publishing: keep what the algorithm has left, and make an asset of it where that is wanted."""

from __future__ import annotations

import mimetypes
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from handlers.assets.store import DEFAULT_TYPE, Assets
from handlers.compute import logs
from handlers.compute.words import Output
from handlers.compute.work import Work
from handlers.jobs.runner import Context

OUTPUT: Final = "output"


class Publishing:
    """Keeps results."""

    def __init__(self, assets: Assets) -> None:
        """Make assets in *assets*."""
        self._assets = assets

    def keep(self, work: Work, files: Sequence[Path], context: Context) -> list[dict[str, Any]]:
        """Store the outputs, and the log after them, as blobs of the job; return what is known of each.

        Raises:
            InsufficientStorage: There is no room for them.
        """
        folder = work.folder("outputs")
        kept = [
            kept_file(context, path, str(path.relative_to(folder)), OUTPUT, f"output-{index}")
            for index, path in enumerate(files)
        ]
        return [*kept, *self.keep_log(work, context)]

    def keep_log(self, work: Work, context: Context) -> list[dict[str, Any]]:
        """Store the algorithm's log, if it came so far as to have one."""
        if not work.log.is_file():
            return []
        return [kept_file(context, work.log, logs.NAME, logs.KIND, "log") | {"type": logs.TYPE}]

    def publish(self, work: Work, files: Sequence[Path]) -> str:
        """Make an asset of what is to be published, and return its DID; empty where that is nothing.

        It happens once: what an earlier attempt of the same job has made is replaced.

        Raises:
            InsufficientStorage: There is no room for it.
        """
        wanted = [*(files if work.output.publish else ()), *((work.log,) if work.output.publish_log else ())]
        if not wanted:
            return ""
        self._assets.remove_of_job(work.job.id)
        path = wanted[0] if len(wanted) == 1 else packed(wanted, work.folder("outputs"), work.volume / "outputs.zip")
        return self._assets.add(path, job=work.job.id, **described(work, path)).did


def kept_file(context: Context, path: Path, name: str, kind: str, blob: str) -> dict[str, Any]:
    """Store a file as a blob of the job; return what is known of it."""
    size = path.stat().st_size
    media = mimetypes.guess_type(name)[0] or DEFAULT_TYPE
    return {"name": name, "size": size, "type": media, "kind": kind, "blob": context.keep(path, blob)}


def packed(files: Sequence[Path], folder: Path, target: Path) -> Path:
    """Pack several files into one."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
        for path in files:
            archive.write(path, path.relative_to(folder) if path.is_relative_to(folder) else path.name)
    return target


def described(work: Work, path: Path) -> dict[str, Any]:
    """Return what the new asset is said to be: what the job's owner says, and where they are silent, what can be."""
    output = work.output
    main = output.metadata.get("main")
    said: Mapping[str, Any] = {**output.metadata, **(main if isinstance(main, Mapping) else {})}
    texts = {name: str(said[key]) for name, key in TEXTS.items() if isinstance(said.get(key), str) and said[key]}
    return {
        "name": f"job-{work.job.id}-output",
        "content_type": logs.TYPE if path == work.log else "",
        "owner": owner_of(output, work.job.owner),
        **texts,
    }


TEXTS: Final = {"name": "name", "author": "author", "license_name": "license", "description": "description"}


def owner_of(output: Output, starter: str | None) -> str | None:
    """Return to whom the asset belongs: the address that the request names, or whose the job is."""
    return output.owner.lower() or starter
