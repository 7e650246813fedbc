"""Stage 2, configuring volumes: bring the data and the algorithm to where the algorithm will run.

Source:
    pod-configuration 1.0.9: /data/inputs/<did>/<index>, /data/ddos/<did>, /data/transformations/algorithm, each DID
    without `did:op:`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import orjson

from handlers.assets.delivery import Delivery, File
from handlers.assets.resolver import Resolver
from handlers.compute.statuses import Stage
from handlers.compute.work import ALGORITHM, FOLDERS, StageFailed, Work, digits_of
from handlers.errors import InsufficientStorage, Problem, TooLarge
from handlers.files.content import Source
from handlers.storage import room

READABLE: Final = 0o755


class Provision:
    """Fills volumes."""

    def __init__(self, assets: Resolver, delivery: Delivery, *, most_bytes: int, reserve_bytes: int) -> None:
        """Read DDOs in *assets*, and fetch files by *delivery*.

        Args:
            assets: The metadata.
            delivery: Finds files.
            most_bytes: Most that all inputs of a job may have together.
            reserve_bytes: Free space to leave on the disk.
        """
        self._assets = assets
        self._delivery = delivery
        self._most_bytes = most_bytes
        self._reserve_bytes = reserve_bytes

    def __call__(self, work: Work) -> None:
        """Fill the volume of a job.

        Raises:
            StageFailed: Something cannot be had.
            InsufficientStorage: There is no room for it.
        """
        for name in FOLDERS:
            work.folder(name).mkdir(parents=True)
        left = self._most_bytes
        for entry in work.data:
            with failing(Stage.NO_DATA):
                left -= self._bring(work, entry, left)
        with failing(Stage.NO_ALGORITHM):
            self._bring_algorithm(work, self._most_bytes)

    def _bring(self, work: Work, entry: Mapping[str, Any], most: int) -> int:
        """Store all files of an asset, and its DDO; return how many bytes the files have."""
        asset, name = self._assets.read(entry["did"]), digits_of(entry["did"])
        work.folder("ddos").joinpath(name).write_bytes(orjson.dumps(asset.ddo))
        folder = work.folder("inputs") / name
        folder.mkdir(exist_ok=True)
        size = 0
        for file in self._delivery.files(asset, entry["userdata"]):
            size += self._store(file.source, folder / str(file.index), most - size)
        return size

    def _bring_algorithm(self, work: Work, most: int) -> None:
        """Store the algorithm, ready to be run."""
        target = work.volume / ALGORITHM
        if work.algorithm is not None:
            self._store(self._published(work.algorithm).source, target, most)
        elif work.raw["rawcode"]:
            target.write_text(work.raw["rawcode"], encoding="utf-8", errors="surrogateescape")
        else:
            self._store(self._delivery.address(work.raw["url"]).source, target, most)
        target.chmod(READABLE)

    def _published(self, entry: Mapping[str, Any]) -> File:
        """Return the first file of a published algorithm."""
        return self._delivery.files(self._assets.read(entry["did"]), entry["userdata"])[0]

    def _store(self, source: Source, target: Path, most: int) -> int:
        """Store a file, and return its size in bytes.

        Raises:
            TooLarge: It has more than *most* bytes.
            InsufficientStorage: There is no room for it.
        """
        content = source.open(None, "")
        try:
            if content.total > most:
                raise TooLarge(f"The inputs of a job may have {room.in_words(self._most_bytes)} together.")
            room.demand(target.parent, content.total, self._reserve_bytes)
            with target.open("wb") as file:
                file.writelines(content.chunks)
        finally:
            content.chunks.close()
        return content.total


@contextmanager
def failing(stage: Stage) -> Iterator[None]:
    """Turn a problem into the end of a job in *stage*; what its reason is, its owner may know."""
    try:
        yield
    except InsufficientStorage:
        raise
    except Problem as problem:
        raise StageFailed(stage, problem.detail or problem.title()) from problem
