"""What `asset`, `job` and `token` act on: the configured store, or a server.

Both give the documents of specs/manage.yaml.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

import click

Function = TypeVar("Function", bound=Callable[..., Any])
Document = Mapping[str, Any]


class Store(Protocol):
    """What can be done, here and there."""

    def list_jobs(self, limit: int, before: str | None) -> Document:
        """Return a page of jobs."""

    def read_job(self, job_id: str) -> Document:
        """Return a job."""

    def cancel_job(self, job_id: str) -> Document:
        """Cancel a job and return it."""

    def read_job_log(self, job_id: str, after: int, limit: int) -> Document:
        """Return lines that a job logged."""

    def list_assets(self, offset: int, limit: int) -> Document:
        """Return a page of assets."""

    def add_asset(self, path: Path, described: Mapping[str, str]) -> Document:
        """Store a file as an asset and return it."""

    def read_asset(self, did: str) -> Document:
        """Return an asset."""

    def remove_asset(self, did: str) -> None:
        """Remove an asset."""

    def list_tokens(self) -> Document:
        """Return the tokens."""

    def add_token(self, body: Mapping[str, Any]) -> Document:
        """Make a token and return it with its secret."""

    def revoke_token(self, token_id: str) -> None:
        """End a token's life."""


def store_options(function: Function) -> Function:
    """Add `--url` and `--token`."""
    function = click.option("--token", envvar="SEAMARK_TOKEN", help="Token for --url.  [env: SEAMARK_TOKEN]")(function)
    return click.option("--url", envvar="SEAMARK_URL", help="Server to act on; else the store.  [env: SEAMARK_URL]")(
        function
    )


def open_store(url: str | None, token: str | None) -> Store:
    """Return the server at *url*, or the configured store."""
    if url:
        from handlers.cli.remote import Remote

        return Remote(url, token)
    from handlers.cli.local import Local

    return Local()
