"""Stock connexion over the documents that we serve: what it says of a request, and what we say."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote, unquote_to_bytes, urlsplit

import connexion
import requests
from werkzeug.test import EnvironBuilder, run_wsgi_app

from handlers.gateway.server import Gateway
from handlers.spec.documents import Api
from tests.gateway.echo import EchoResolver, echo_app

ORIGIN = "http://localhost"
BODY_LIMIT_BYTES = 1 << 16
BEARER = "tests.gateway.styles.bearer_info"


@dataclass(frozen=True)
class Request:
    """One request, byte for byte."""

    method: str
    target: str  #: path and query, quoted
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def path(self) -> str:
        """The quoted path."""
        return urlsplit(self.target).path

    @property
    def query(self) -> str:
        """The quoted query."""
        return urlsplit(self.target).query

    @property
    def content_type(self) -> str:
        """The content type, as sent."""
        return self.header("Content-Type")

    def header(self, name: str) -> str:
        """Return a header, or nothing."""
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), "")

    @classmethod
    def prepared(cls, **arguments: Any) -> Request:
        """Return what `requests` would send for the arguments of its own `Request`."""
        sent = requests.Request(**arguments).prepare()
        body = sent.body.encode() if isinstance(sent.body, str) else sent.body or b""
        parts = urlsplit(sent.url)
        target = str(parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(str(sent.method), target, {str(k): as_text(v) for k, v in sent.headers.items()}, body)


@dataclass(frozen=True)
class Outcome:
    """What a server says."""

    status: int
    arguments: Any = None  #: what the handler got, where it was called

    def __str__(self) -> str:
        """Show it in one line."""
        return f"{self.status} {json.dumps(self.arguments, sort_keys=True)[:500] if self.status == 200 else ''}"

    def same(self, other: Outcome) -> bool:
        """Tell whether both say the same; 1 and 1.0 are not the same."""
        return self.status == other.status and spelled(self.arguments) == spelled(other.arguments)


def as_text(value: str | bytes) -> str:
    """Return a header's value as text."""
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def spelled(value: Any) -> str:
    """Return *value* as text that tells 1 from 1.0."""
    return json.dumps(value, sort_keys=True)


def translated(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return stock connexion's arguments as our handlers get them.

    Who calls is in `wire.request()`, not in `user` and `token_info`; uploads are members of the body, not arguments.
    """
    arguments = {name: value for name, value in arguments.items() if name not in {"user", "token_info"}}
    files = {name: value for name, value in arguments.items() if is_file(value)}
    if files:
        rest = {name: value for name, value in arguments.items() if name not in files}
        return rest | {"body": rest.get("body", {}) | files}
    return arguments


def is_file(value: Any) -> bool:
    """Tell whether *value* is what `plain` makes of a file, or of several."""
    if isinstance(value, list):
        return bool(value) and all(is_file(item) for item in value)
    return isinstance(value, dict) and value.keys() == {"filename", "type", "bytes"}


def outcome(status: int, body: bytes) -> Outcome:
    """Return what an answer says."""
    return Outcome(status, json.loads(body) if status == 200 and body else None)


def comparable(api: Api) -> Api:
    """Return *api* with one plain answer for each operation, and tokens that need no services.

    Stock connexion answers 500 where an operation has JSON and problem+json answers (spec-first/connexion#1956), and
    what handlers answer is not compared.
    """
    document = deepcopy(dict(api.document))
    for item in document["paths"].values():
        for operation in item.values():
            if isinstance(operation, dict):
                operation["responses"] = {"200": {"description": "Echo.", "content": {"application/json": {}}}}
    for scheme in document.get("components", {}).get("securitySchemes", {}).values():
        if "x-bearerInfoFunc" in scheme:
            scheme["x-bearerInfoFunc"] = BEARER
    return replace(api, document=document)


@dataclass(frozen=True)
class Exchange:
    """A request and what both servers said of it."""

    oracle: Oracle
    request: Request
    ours: Outcome
    stock: Outcome

    @property
    def statuses(self) -> tuple[int, int]:
        """Our status and stock connexion's."""
        return self.ours.status, self.stock.status

    def __str__(self) -> str:
        """Show it for people."""
        request = self.request
        return (
            f"{request.method} {request.target} {dict(request.headers)} {request.body!r}\n"
            f"  ours:  {self.ours}\n  stock: {self.stock}"
        )


class Oracle:
    """Both servers of one API."""

    def __init__(self, api: Api) -> None:
        self.api = comparable(api)
        self.ours: Gateway = echo_app(self.api, body_limit_bytes=BODY_LIMIT_BYTES)
        self.stock = connexion.FlaskApp(api.name.replace("/", "_"))
        self.stock.add_api(
            dict(deepcopy(self.api.document)), base_path=api.mount, resolver=EchoResolver(self.api), name=api.name
        )
        self._loop = asyncio.new_event_loop()

    def ask(self, request: Request) -> Exchange:
        """Return what both say."""
        return Exchange(self, request, self.ask_ours(request), self.ask_stock(request))

    def close(self) -> None:
        """Close the loop in which stock connexion runs."""
        self._loop.close()

    def ask_ours(self, request: Request) -> Outcome:
        """Return what our gateway says."""
        environ = EnvironBuilder(method=request.method, base_url=ORIGIN).get_environ()
        environ.pop("CONTENT_LENGTH", None)
        environ["wsgi.input_terminated"] = True
        environ["PATH_INFO"] = unquote_to_bytes(request.path).decode("latin-1")
        environ["QUERY_STRING"] = request.query
        for name, value in request.headers.items():
            key = name.upper().replace("-", "_")
            environ[key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"] = value
        environ["wsgi.input"].write(request.body)
        environ["wsgi.input"].seek(0)
        chunks, status, _ = run_wsgi_app(self.ours, environ)
        return outcome(int(status.split()[0]), b"".join(chunks))

    def ask_stock(self, request: Request) -> Outcome:
        """Return what stock connexion says; an exception that it lets through is a 500."""
        return self._loop.run_until_complete(self._ask_stock(request))

    async def _ask_stock(self, request: Request) -> Outcome:
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": "http",
            "path": unquote(request.path),
            "raw_path": request.path.encode("latin-1"),
            "root_path": "",
            "query_string": request.query.encode("latin-1"),
            "headers": [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in request.headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("localhost", 80),
        }
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": request.body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        try:
            await self.stock(scope, receive, send)
        except Exception:  # noqa: BLE001 - whatever gets through is the server's 500
            return Outcome(500)
        said = outcome(sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:]))
        return replace(said, arguments=translated(said.arguments)) if said.status == 200 else said
