"""Handlers that answer with their arguments, and the documents that they serve in tests."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from werkzeug.datastructures import FileStorage

from handlers.app import create_app
from handlers.gateway.resolver import Handler, Resolver
from handlers.gateway.server import Gateway
from handlers.settings import Settings
from handlers.spec.bundle import bundle
from handlers.spec.documents import Api, mount_of
from handlers.wire import Upload

SPECS = Path(__file__).parents[2] / "specs"
UNKNOWN = "application/octet-stream"
DATA = Path(__file__).parent / "data"


@cache
def api(path: Path) -> Api:
    """Return the spec in *path*, bundled."""
    name = f"invoke/{path.stem}" if path.parent.name == "invoke" else path.stem
    document = bundle(path, path.parent if path.parent == DATA else None)
    return Api(name, document, mount_of(document))


def styles() -> Api:
    """Return the document that has every style and every kind of body."""
    return api(DATA / "styles.yaml")


def plain(value: Any) -> Any:
    """Return *value* as JSON: files and streams by their content."""
    if isinstance(value, Upload | FileStorage):
        file = value.file if isinstance(value, Upload) else value.stream
        return {
            "filename": value.filename,
            "type": value.content_type or UNKNOWN,
            "bytes": file.read().decode("latin-1"),
        }
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    return value.read().decode("latin-1") if hasattr(value, "read") else value


def echo(**arguments: Any) -> dict[str, Any]:
    """Answer with the arguments."""
    return plain(arguments)


class EchoResolver(Resolver):
    """Lets `echo`, or what a test puts in its place, serve every operation."""

    def handler(self, controller: str, operation_id: str) -> Handler:
        """Return the echo."""
        return echo

    def function(self, path: str) -> Handler:
        """Return the function; tokens of the real documents are looked up in the test's own list."""
        if path == "handlers.services.bearer_info":
            path = "tests.gateway.styles.bearer_info"
        return super().function(path)


def serving(handler: Handler) -> Callable[[Api], Resolver]:
    """Return a resolver under which *handler* serves every operation."""

    class One(EchoResolver):
        def handler(self, controller: str, operation_id: str) -> Handler:
            return handler

    return One


def echo_app(*apis: Api, handler: Handler = echo, **settings: Any) -> Gateway:
    """Return an application of *apis* whose handlers echo."""
    return create_app(Settings(**settings), apis=apis or (styles(),), resolver=serving(handler))
