"""Where the DDO of an asset is: in this server's own store, or in one elsewhere."""

from __future__ import annotations

import math
from typing import Protocol

from handlers.assets.aquarius import Aquarius
from handlers.assets.store import Asset, Assets
from handlers.errors import AssetNotFound
from handlers.files.fetch import Fetcher
from handlers.files.remote import Remote
from handlers.settings import Settings


class Resolver(Protocol):
    """Finds assets by their DIDs."""

    def read(self, did: str) -> Asset:
        """Return an asset.

        Raises:
            AssetNotFound: There is none.
            MetadataUnavailable: Nobody can tell.
        """


class Both:
    """Looks into the own store first, and then elsewhere."""

    def __init__(self, assets: Assets, elsewhere: Aquarius) -> None:
        """Look into *assets*, and then ask *elsewhere*."""
        self._assets = assets
        self._elsewhere = elsewhere

    def read(self, did: str) -> Asset:
        """Return an asset."""
        try:
            return self._assets.read(did)
        except AssetNotFound:
            return self._elsewhere.read(did)


def resolver(settings: Settings, assets: Assets) -> Resolver:
    """Return what finds assets, as *settings* say."""
    if not settings.metadata_url:
        return assets
    remote = Remote(settings.networks, trusted=settings.metadata_url)
    elsewhere = Aquarius(
        settings.metadata_url,
        assets.database,
        Fetcher(remote, patience_s=settings.metadata_timeout_s, least_rate=math.inf),
        fresh_s=settings.metadata_fresh_s,
        stale_s=settings.metadata_stale_s,
    )
    return Both(assets, elsewhere)
