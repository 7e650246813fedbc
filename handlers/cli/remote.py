"""A server, by the operations of specs/manage.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import click
import httpx

BASE: Final = "/api/v1/manage"
TIMEOUT: Final = httpx.Timeout(60.0, connect=5.0)
MENDS: Final = {
    HTTPStatus.UNAUTHORIZED: " Give --token or SEAMARK_TOKEN; `seamark up` prints where it keeps the first one.",
    HTTPStatus.FORBIDDEN: " The token needs the scope `manage`: `seamark token new NAME --scopes manage`.",
}


class Remote:
    """The server at an address."""

    def __init__(self, url: str, token: str | None) -> None:
        """Connect to nothing yet."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.client = httpx.Client(base_url=url.rstrip("/") + BASE, headers=headers, timeout=TIMEOUT)

    def list_jobs(self, limit: int, before: str | None) -> Any:
        """Return a page of jobs."""
        return self._ask("GET", "/jobs", params={"limit": limit} | ({"before": before} if before else {}))

    def read_job(self, job_id: str) -> Any:
        """Return a job."""
        return self._ask("GET", f"/jobs/{quote(job_id, safe='')}")

    def cancel_job(self, job_id: str) -> Any:
        """Cancel a job and return it."""
        return self._ask("POST", f"/jobs/{quote(job_id, safe='')}/cancel")

    def read_job_log(self, job_id: str, after: int, limit: int) -> Any:
        """Return lines that a job logged."""
        return self._ask("GET", f"/jobs/{quote(job_id, safe='')}/log", params={"after": after, "limit": limit})

    def list_assets(self, offset: int, limit: int) -> Any:
        """Return a page of assets."""
        return self._ask("GET", "/assets", params={"offset": offset, "limit": limit})

    def add_asset(self, path: Path, described: Mapping[str, str]) -> Any:
        """Send a file, which is never held in memory as a whole, and return the asset."""
        with path.open("rb") as file:
            return self._ask("POST", "/assets", data=described, files={"file": (path.name, file)})

    def read_asset(self, did: str) -> Any:
        """Return an asset."""
        return self._ask("GET", f"/assets/{quote(did, safe=':')}")

    def remove_asset(self, did: str) -> None:
        """Remove an asset."""
        self._ask("DELETE", f"/assets/{quote(did, safe=':')}")

    def list_tokens(self) -> Any:
        """Return the tokens."""
        return self._ask("GET", "/tokens")

    def add_token(self, body: Mapping[str, Any]) -> Any:
        """Make a token and return it with its secret."""
        return self._ask("POST", "/tokens", json=body)

    def revoke_token(self, token_id: str) -> None:
        """End a token's life."""
        self._ask("DELETE", f"/tokens/{quote(token_id, safe='')}")

    def _ask(self, method: str, path: str, **options: Any) -> Any:
        """Return what the server answers; nothing for an answer without a body."""
        answer = self.client.request(method, path, **options)
        if answer.is_success:
            return answer.json() if answer.content else None
        raise click.ClickException(refusal(answer))


def refusal(answer: httpx.Response) -> str:
    """Return why the server refused, and the mend where it is known."""
    try:
        problem = answer.json()
        words = str(problem.get("detail") or problem.get("title"))
    except (ValueError, AttributeError):
        words = f"{answer.url} answered {answer.status_code}, and not as a Seamark server does."
    status = answer.status_code
    return words + (MENDS[HTTPStatus(status)] if status in MENDS else "")
