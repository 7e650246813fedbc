"""The routes that no contract describes: documentation, documents, health and metrics."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from flask import Blueprint, Flask, Response, redirect, render_template, request, send_from_directory
from swagger_ui_bundle import swagger_ui_path
from werkzeug.wrappers import Response as BaseResponse

from handlers import observability, wire
from handlers.console import health
from handlers.console.served import Served, count
from handlers.errors import NotFound
from handlers.services import Services
from handlers.spec.documents import Api

SWAGGER_FILES: Final = frozenset({"swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png"})
OWN_FILES: Final = frozenset({"console.css", "swagger.js"})
ENDPOINT_DOCUMENT: Final = "/endpoints/{endpoint_id}/openapi.json"
DAY_S: Final = 86400
POLICY: Final = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


def register(
    app: Flask,
    apis: Sequence[Api],
    handlers: Mapping[str, Sequence[Callable[..., Any]]],
    services: Callable[[], Services],
) -> None:
    """Add the console to *app*.

    Args:
        app: Serves *apis* already.
        apis: Each with the mount at which it really is.
        handlers: The functions that serve each API, by its name.
        services: Returns the services of this process.
    """
    shelf = Shelf([count(api, handlers.get(api.name, ())) for api in apis])
    blueprint = Blueprint("console", __name__, template_folder=".")
    add_pages(blueprint, shelf)
    add_page_of_endpoints(blueprint, shelf, services)
    add_documents(blueprint, shelf)
    add_health(blueprint, services)
    app.register_blueprint(blueprint)


class Shelf:
    """The APIs by name."""

    def __init__(self, served: Sequence[Served]) -> None:
        """Hold *served*."""
        self.served = {one.api.name: one for one in served}

    def find(self, name: str) -> Served:
        """Return an API.

        Raises:
            NotFound: There is none of this name.
        """
        if name not in self.served:
            raise NotFound(f"There is no API {name[:100]}; there are {', '.join(self.served)}.")
        return self.served[name]

    def entries(self) -> list[dict[str, Any]]:
        """Return what a list says of each API."""
        return [one.as_entry(wire.request().base_url) for one in self.served.values()]


def add_pages(blueprint: Blueprint, shelf: Shelf) -> None:
    """Add the documentation for people."""

    @blueprint.get("/docs")
    def index() -> Response:
        return page("index.html", entries=shelf.entries())

    @blueprint.get("/docs/")
    def index_with_slash() -> BaseResponse:
        return redirect("../docs")

    @blueprint.get("/docs/<path:name>")
    def documentation(name: str) -> Response:
        api, root = shelf.find(name), "../" * (name.count("/") + 1)
        return page("api.html", title=api.title, document=f"{root}openapi/{api.api.name}.json", root=root)

    @blueprint.get("/docs/assets/<name>")
    def asset(name: str) -> Response:
        if name not in SWAGGER_FILES | OWN_FILES:
            raise NotFound("There is no such file.")
        folder = swagger_ui_path if name in SWAGGER_FILES else blueprint.root_path
        return send_from_directory(folder, name, max_age=DAY_S)


def add_page_of_endpoints(blueprint: Blueprint, shelf: Shelf, services: Callable[[], Services]) -> None:
    """Add the documentation of each endpoint for people, beside that for programs, where that is served."""
    ops = shelf.served.get("ops")
    if ops is None or ENDPOINT_DOCUMENT not in ops.api.document["paths"]:
        return

    @blueprint.get(f"{ops.api.mount}/endpoints/<endpoint_id>/docs")
    def documentation_of_endpoint(endpoint_id: str) -> Response:
        title = services().models.registry.endpoint(endpoint_id).name
        root = "../" * (ops.api.mount.count("/") + 2)
        return page("api.html", title=title, document="openapi.json", root=root)


def add_documents(blueprint: Blueprint, shelf: Shelf) -> None:
    """Add the documents for programs."""

    @blueprint.get("/openapi")
    def documents() -> Response:
        return as_json({"apis": shelf.entries()})

    @blueprint.get("/openapi/<path:name>.json")
    def document(name: str) -> BaseResponse:
        data, tag = shelf.find(name).document(wire.request().base_url)
        response = Response(data, content_type="application/json")
        response.set_etag(tag)
        response.headers["Cache-Control"] = "no-cache"
        response.headers["Vary"] = "Host"
        return response.make_conditional(request)


def add_health(blueprint: Blueprint, services: Callable[[], Services]) -> None:
    """Add what supervisors and monitors ask for."""

    @blueprint.get("/healthz")
    def alive() -> Response:
        return as_json({"status": "alive"})

    @blueprint.get("/readyz")
    def ready() -> Response:
        return as_json({"status": "ready", "parts": health.assert_ready(services())})

    @blueprint.get("/metrics")
    def metrics() -> Response:
        text = observability.metrics().exposition(health.Gauges(services()))
        return Response(text, content_type="text/plain; version=0.0.4; charset=utf-8")


def page(template: str, **values: Any) -> Response:
    """Return a page that loads nothing from elsewhere."""
    response = Response(render_template(template, **values))
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def as_json(value: Any) -> Response:
    """Return an answer that nobody keeps."""
    return Response(json.dumps(value), content_type="application/json", headers={"Cache-Control": "no-store"})
