"""Stage 5, publishing: keep what the algorithm has left, and make an asset of it where that is wanted."""

from __future__ import annotations

import hashlib
import mimetypes
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from handlers.assets.ddo import Sale
from handlers.assets.did import PREFIX
from handlers.assets.store import DEFAULT_TYPE, Assets
from handlers.compute import logs
from handlers.compute.elsewhere import Elsewhere
from handlers.compute.work import Work
from handlers.jobs.runner import Context

OUTPUT: Final = "output"


class Publishing:
    """Keeps results."""

    def __init__(self, assets: Assets, elsewhere: Elsewhere, *, endpoint: str) -> None:
        """Make assets in *assets*, and tell *elsewhere* of them; *endpoint* is this server's address, where known."""
        self._assets = assets
        self._elsewhere = elsewhere
        self._endpoint = endpoint

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

        It happens once: what an earlier attempt of the same job has made is replaced, and has the same DID.

        Raises:
            InsufficientStorage: There is no room for it.
            StageFailed: The store that the request names is one of ours to call, and does not take it.
        """
        output = work.output
        wanted = [*(files if output.publish else ()), *((work.log,) if output.publish_log else ())]
        if not wanted:
            return ""
        self._assets.remove_of_job(work.job.id)
        path = wanted[0] if len(wanted) == 1 else packed(wanted, work.folder("outputs"), work.volume / "outputs.zip")
        asset = self._assets.add(
            path,
            did=did_of(work.job.id),
            job=work.job.id,
            owner=None if output.whitelist else owner_of(work),
            sale=sale_of(work, self._endpoint),
            name=f"job-{work.job.id}-output",
            content_type=logs.TYPE if path == work.log else "",
            said=output.metadata,
        )
        if self._elsewhere.knows(output.metadata_uri):
            self._elsewhere.register(output.metadata_uri, asset.ddo)
        return asset.did


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


def did_of(job_id: str) -> str:
    """Return the DID of what a job publishes; all attempts have the same."""
    return PREFIX + hashlib.sha256(f"output of {job_id}".encode()).hexdigest()


def owner_of(work: Work) -> str:
    """Return to whom the asset belongs: the address that the request names, or whose the job is."""
    return (work.output.owner or work.job.owner or "").lower()


def sale_of(work: Work, endpoint: str) -> Sale:
    """Return how the asset is offered: for nothing, to its owner and to those whom the request lists."""
    owner, listed = owner_of(work), work.output.whitelist
    return Sale(publisher=owner, allow=(owner, *listed) if listed else (), endpoint=endpoint)
