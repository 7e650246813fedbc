"""The web application: documents, handlers and everything around them, put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from handlers.gateway.compilation import compile_apis
from handlers.gateway.resolver import Resolver
from handlers.gateway.server import Gateway
from handlers.settings import Settings
from handlers.spec.documents import Api, read_generated


def create_app(
    settings: Settings,
    *,
    apis: Sequence[Api] | None = None,
    mounts: Mapping[str, str] | None = None,
    resolver: Callable[[Api], Resolver] = Resolver,
) -> Gateway:
    """Return the application.

    Args:
        settings: Which APIs to serve, bounds, trust.
        apis: The documents; those in `generated/` by default.
        mounts: Where to serve an API, by its name, if not where its document says; `invoke` stands for all operations.
        resolver: Makes the resolver of an API.

    Raises:
        CannotServe: Handlers are missing, or do not take what the spec gives them; all of them are named.
    """
    if apis is None:
        apis = read_generated([name.strip() for name in settings.apis.split(",") if name.strip()])
    endpoints = compile_apis(apis, settings, mounts=mounts or {}, resolver=resolver)
    app = Gateway("handlers", settings=settings, endpoints=endpoints)
    add_routes(app)
    return app


def add_routes(app: Gateway) -> None:
    """Add what no spec describes: health, metrics and documentation go here, as routes of Flask."""
