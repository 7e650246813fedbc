"""The files of an asset, wherever they lie."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Any

from handlers.assets import filelist
from handlers.assets.filelist import Listed
from handlers.assets.store import Asset, Assets
from handlers.errors import AssetNotFound, NotFound
from handlers.files.content import Facts, Source, Stored
from handlers.files.sources import Sources
from handlers.keys import Keys


@dataclass(frozen=True)
class File:
    """A file of an asset: where it is had from, and what the asset says of it."""

    index: int
    source: Source
    content_type: str = ""
    name: str = ""

    def described(self, facts: Facts) -> Facts:
        """Return what its source says of it, and where that is silent, what the asset says."""
        return facts.or_else(content_type=self.content_type, name=self.name or f"file-{self.index}")


class Delivery:
    """Finds the files of assets."""

    def __init__(self, assets: Assets, sources: Sources, keys: Keys) -> None:
        """Open lists with *keys*, and files with *assets* and *sources*."""
        self._assets = assets
        self._sources = sources
        self._keys = keys

    def files(self, asset: Asset, userdata: Mapping[str, Any] | None = None) -> list[File]:
        """Return all files of an asset, in the order of its list.

        Raises:
            AssetNotFound: Its files are not on offer here.
            SealInvalid: Its list was sealed for another provider.
            KeyUnavailable: This one has no key.
        """
        if asset.blob is not None:
            return [self._held(asset)]
        return [self._file(asset, listed, userdata) for listed in self._listed(asset)]

    def file(self, asset: Asset, index: int, userdata: Mapping[str, Any] | None = None) -> File:
        """Return a file of an asset.

        Raises:
            NotFound: It has no such file.
            AssetNotFound: Its files are not on offer here.
            SealInvalid: Its list was sealed for another provider.
            KeyUnavailable: This one has no key.
        """
        if asset.blob is not None and index == 0:
            return self._held(asset)
        listed = [] if asset.blob is not None else self._listed(asset)
        for entry in listed:
            if entry.index == index:
                return self._file(asset, entry, userdata)
        raise NotFound(f"The asset {asset.did} has no file {index}.")

    def address(self, url: str) -> File:
        """Return the file at an address."""
        return File(0, self._sources.find(url))

    def _held(self, asset: Asset) -> File:
        """Return the file that we keep ourselves."""
        blob = asset.blob or ""
        facts = Facts(
            length=asset.size,
            content_type=asset.content_type,
            etag=f'"{hashlib.sha256(blob.encode()).hexdigest()[:32]}"',
            modified=format_datetime(asset.created, usegmt=True),
            name=asset.name,
        )
        return File(0, Stored(facts, lambda: self._assets.open(asset)), asset.content_type, asset.name)

    def _listed(self, asset: Asset) -> list[Listed]:
        """Return the list that the publisher has had sealed."""
        sealed = filelist.sealed_of(asset.ddo)
        if not sealed:
            raise AssetNotFound(f"The files of {asset.did} are not on offer here.")
        found = filelist.read_list(sealed, asset.did, self._keys)
        if not found:
            raise AssetNotFound(f"The asset {asset.did} has no files.")
        return found

    def _file(self, asset: Asset, listed: Listed, userdata: Mapping[str, Any] | None) -> File:
        """Return a file that lies elsewhere."""
        public = filelist.public_of(asset.ddo, listed.index)
        kind = listed.content_type or str(public.get("contentType") or "")
        name = listed.name or str(public.get("name") or "")
        return File(listed.index, self._sources.find(listed.url, userdata), kind, name)
