"""A server with models, by the operations of specs/ops.yaml."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import click
import httpx

from handlers.cli.remote import refusal

TIMEOUT: Final = httpx.Timeout(300.0, connect=5.0)
PAGE: Final = 200  #: models or endpoints of one request
CHUNK_BYTES: Final = 1 << 20

Heard = Callable[[int], object]


class ModelServer:
    """The models at an address."""

    def __init__(self, url: str, token: str | None) -> None:
        """Connect to nothing yet; *url* is where the API is, such as http://127.0.0.1:8030/ops."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.Client(base_url=url.rstrip("/"), headers=headers, timeout=TIMEOUT)

    def models(self) -> Iterator[Mapping[str, Any]]:
        """Give all models, page by page."""
        return self._pages("models")

    def statuses(self) -> dict[str, str]:
        """Return the status of each endpoint, by its address."""
        found = {}
        for endpoint in self._pages("endpoints"):
            address = next(link["href"] for link in endpoint["links"] if link["rel"] == "self")
            found[address] = endpoint["status"]
        return found

    def _pages(self, kind: str) -> Iterator[Mapping[str, Any]]:
        """Give all things of a kind; a page that is not full is the last."""
        offset, page = 0, [None] * PAGE
        while len(page) == PAGE:
            page = self._ask("GET", f"/{kind}", params={"limit": PAGE, "offset": offset})[kind]
            yield from page
            offset += len(page)

    def model(self, named: str) -> Mapping[str, Any]:
        """Return the model with an id, or else the only one with that name.

        Raises:
            ClickException: There is none, or there are several.
        """
        found = [model for model in self.models() if named in (model["id"], model.get("name"))]
        exact = [model for model in found if model["id"] == named]
        if len(exact or found) != 1:
            several = ", ".join(model["id"] for model in found)
            words = (
                f"Several models are called {named}; name one by its id: {several}"
                if found
                else f"There is no model {named}."
            )
            raise click.ClickException(words)
        return (exact or found)[0]

    def endpoints(self, model_id: str) -> list[Mapping[str, Any]]:
        """Return the endpoints of a model."""
        found: list[Mapping[str, Any]] = self._ask("GET", "/endpoints", params={"model_id": model_id, "limit": PAGE})[
            "endpoints"
        ]
        return found

    def upload(self, file: Path, fields: Mapping[str, str], model_id: str | None, heard: Heard) -> Mapping[str, Any]:
        """Send a file, which is never held in memory as a whole, and return its model, or its endpoint.

        Args:
            file: Of the model.
            fields: What is said of it.
            model_id: Of the model that it is a further file of; None: it is one of its own.
            heard: Told how many bytes were sent, each time some were.
        """
        path = f"/models/{quote(model_id, safe='')}" if model_id else "/upload"
        # A file's extension would go before the format that is named here.
        name = f"{file.stem}." if "format" in fields else file.name
        with Told(file, heard) as opened:
            found: Mapping[str, Any] = self._ask("POST", path, data=fields, files={"file": (name, opened)})
        return found

    def add_remote(self, wish: Mapping[str, Any]) -> Mapping[str, Any]:
        """Add a model that stands for one of another server, and return it."""
        found: Mapping[str, Any] = self._ask("POST", "/remotes", json=wish)
        return found

    def change(self, model_id: str, wish: Mapping[str, Any]) -> Mapping[str, Any]:
        """Change what is known of a model, and return it."""
        found: Mapping[str, Any] = self._ask("PATCH", f"/models/{quote(model_id, safe='')}", json=wish)
        return found

    def refresh(self, model_id: str) -> Mapping[str, Any]:
        """Have a model of another server read again, and return it."""
        found: Mapping[str, Any] = self._ask("POST", f"/models/{quote(model_id, safe='')}/refresh")
        return found

    def traffic(self, model_id: str) -> Mapping[str, Any]:
        """Return which endpoint of a model answers."""
        found: Mapping[str, Any] = self._ask("GET", f"/models/{quote(model_id, safe='')}/traffic")
        return found

    def change_traffic(self, model_id: str, change: Mapping[str, Any]) -> Mapping[str, Any]:
        """Promote an endpoint, or give one a share."""
        found: Mapping[str, Any] = self._ask("PUT", f"/models/{quote(model_id, safe='')}/traffic", json=change)
        return found

    def roll_back(self, model_id: str) -> Mapping[str, Any]:
        """Promote the endpoint that answered before."""
        found: Mapping[str, Any] = self._ask("POST", f"/models/{quote(model_id, safe='')}/rollback")
        return found

    def predict(self, model: Mapping[str, Any], inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what a model says of some inputs.

        Raises:
            ClickException: It has no endpoint.
        """
        answers = self.traffic(model["id"])["endpoint"]
        target = [one for one in model["links"] if one["rel"] == "endpoint" and one["href"].endswith(f"/{answers}")]
        if not target:
            raise click.ClickException(f"The model {model.get('name')} has no endpoint yet: upload a file of it.")
        parameters = [{"name": name, "value": value} for name, value in inputs.items()]
        found: Mapping[str, Any] = self._ask("POST", "/predictions", json={"target": target, "parameters": parameters})
        return found

    def remove(self, model_id: str) -> None:
        """Remove a model."""
        self._ask("DELETE", f"/models/{quote(model_id, safe='')}")

    def _ask(self, method: str, path: str, **options: Any) -> Any:
        """Return what the server answers; nothing for an answer without a body."""
        answer = self._client.request(method, path, **options)
        if answer.is_success:
            return answer.json() if answer.content else None
        raise click.ClickException(refusal(answer))


class Told(io.FileIO):
    """A file that tells how much of it was read."""

    def __init__(self, path: Path, heard: Heard) -> None:
        """Open the file at *path*."""
        super().__init__(path, "rb")
        self._heard = heard

    def read(self, size: int | None = -1, /) -> bytes:
        """Return some of it."""
        data = super().read(CHUNK_BYTES if size is None or size < 0 else size) or b""
        self._heard(len(data))
        return data
