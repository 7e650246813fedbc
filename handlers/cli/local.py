"""The configured store, through the same functions that serve specs/manage.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from handlers import manage
from handlers.services import start
from handlers.settings import Settings
from handlers.storage.migrate import upgrade


class Local:
    """The store that the settings name."""

    def __init__(self) -> None:
        """Open it; a store that is not there yet is made."""
        upgrade(start(Settings()).database)

    list_jobs = staticmethod(manage.list_jobs)
    read_job = staticmethod(manage.read_job)
    cancel_job = staticmethod(manage.cancel_job)
    read_job_log = staticmethod(manage.read_job_log)
    list_assets = staticmethod(manage.list_assets)
    read_asset = staticmethod(manage.read_asset)
    remove_asset = staticmethod(manage.remove_asset)
    list_tokens = staticmethod(manage.list_tokens)
    revoke_token = staticmethod(manage.revoke_token)

    def add_asset(self, path: Path, described: Mapping[str, str]) -> Mapping[str, Any]:
        """Store a file as an asset and return it."""
        return manage.store_asset(
            path,
            name=described.get("name") or path.name,
            content_type=described.get("content_type", ""),
            owner=described.get("owner") or None,
            price=described.get("price", "0"),
            author=described.get("author", ""),
            description=described.get("description", ""),
        )

    def add_token(self, body: Any) -> Mapping[str, Any]:
        """Make a token and return it with its secret."""
        return manage.add_token(body)[0]
