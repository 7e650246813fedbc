"""The web application: documents, handlers and everything around them, put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from handlers.console.routes import register
from handlers.gateway.compilation import compile_apis, mount_of
from handlers.gateway.endpoint import Endpoint, Handler
from handlers.gateway.mock import MockResolver
from handlers.gateway.resolver import Resolver, refusing
from handlers.gateway.server import Gateway
from handlers.pipelines.loaded import of_pipeline
from handlers.services import services
from handlers.settings import Settings
from handlers.spec.documents import Api, read_apis
from handlers.spec.parts import answering_nothing, left_out, needing, without

MODELS = ("ops", "v2")  #: the APIs of models, of which the settings may close parts
SCOPE = "models"  #: which their closed parts ask for
OPS = "ops"  #: the API of which the settings may leave parts out


def create_app(
    settings: Settings,
    *,
    apis: Sequence[Api] | None = None,
    mounts: Mapping[str, str] | None = None,
    resolver: Callable[[Api], Resolver] | None = None,
) -> Gateway:
    """Return the application.

    Args:
        settings: Which APIs to serve, bounds, trust.
        apis: The documents; those in `generated/` and in the folder of the settings by default.
        mounts: Where to serve an API, by its name, if not where its document says; `invoke` stands for all operations.
            Those of the settings by default.
        resolver: Makes the resolver of an API; by default one that finds the handlers, or the examples where the
            settings say so.

    Raises:
        CannotServe: Handlers are missing, or do not take what the spec gives them; all of them are named.
        Unusable: The configuration of the pipeline has faults.
    """
    if apis is None:
        names = [name.strip() for name in settings.apis.split(",") if name.strip()]
        apis = read_apis(names, settings.operations_dir)
    mounts = settings.mount_points if mounts is None else mounts
    resolver = resolver or (MockResolver if settings.mock else Resolver)
    apis = [needing(api, settings.closed_parts, SCOPE) if api.name in MODELS else api for api in apis]
    closed = {api.name: left_out(api, settings.capabilities) for api in apis if api.name == OPS}
    compiled = [answering_nothing(api, closed.get(api.name, ())) for api in apis]
    endpoints = compile_apis(compiled, settings, mounts=mounts, resolver=refusing(resolver, closed))
    app = Gateway("handlers", settings=settings, endpoints=endpoints)
    there = {api.name for api in apis}
    served = [replace(without(api, closed.get(api.name, ()), there), mount=mount_of(api, mounts)) for api in apis]
    register(app, [of_pipeline(api, settings) for api in served], handlers_of(endpoints), services)
    return app


def handlers_of(endpoints: Sequence[Endpoint]) -> dict[str, list[Handler]]:
    """Return the functions that serve each API, by its name."""
    handlers: dict[str, list[Handler]] = {}
    for endpoint in endpoints:
        handlers.setdefault(endpoint.name.partition(":")[0], []).append(endpoint.handler)
    return handlers
