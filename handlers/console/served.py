"""What is served, as the pages and `/openapi` tell it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import orjson

from handlers.spec.documents import Api


@dataclass(frozen=True, eq=False)
class Served:
    """One API and how far it is built; `api.mount` is where it really is."""

    api: Api
    operations: int
    built: int

    @property
    def title(self) -> str:
        """What the document calls itself."""
        return str(self.api.document["info"]["title"])

    def as_entry(self, base_url: str) -> dict[str, Any]:
        """Return what a list says of the API."""
        name = self.api.name
        return {
            "name": name,
            "title": self.title,
            "url": f"{base_url}{self.api.mount}",
            "mount": self.api.mount or "/",
            "operations": self.operations,
            "built": self.built,
            "document": f"{base_url}/openapi/{name}.json",
            "documentation": f"{base_url}/docs/{name}",
        }

    @lru_cache(maxsize=32)  # noqa: B019 - one instance per API for the life of the process; the bound is for addresses
    def document(self, base_url: str) -> tuple[bytes, str]:
        """Return the OpenAPI document as clients at *base_url* need it, and its entity tag."""
        description = str(self.api.document.get("info", {}).get("title", ""))
        servers = [{"url": f"{base_url}{self.api.mount}" or "/", "description": description}]
        data = orjson.dumps({**self.api.document, "servers": servers})
        return data, hashlib.sha256(data).hexdigest()[:32]


def count(api: Api, handlers: Sequence[Callable[..., Any]]) -> Served:
    """Return an API with the number of its operations and of those that do more than to say that they are not built."""
    return Served(api, len(handlers), sum(map(is_built, handlers)))


def is_built(handler: Callable[..., Any]) -> bool:
    """Tell whether a handler does more than to raise `NotBuilt`."""
    function = handler.func if isinstance(handler, partial) else handler
    code = getattr(function, "__code__", None)
    return code is None or code.co_names != ("NotBuilt",)
