"""Which endpoint answers a method and a path.

Fixed paths are looked up in a dictionary; templates go through werkzeug's state machine, where a fixed part wins over a
template whatever the order of the document. Flask's URL map holds the same rules, made from connexion's operations.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from werkzeug.exceptions import HTTPException
from werkzeug.routing import BaseConverter, Map, RequestRedirect

from handlers.errors import BadRequest, Fault
from handlers.gateway.endpoint import Endpoint
from handlers.spec.schemas import Schema

TEMPLATE = re.compile(r"\{([^}]*)\}")
CONVERTERS = {"integer": "whole", "number": "decimal"}
NOTHING: Mapping[str, str] = {}


class Whole(BaseConverter):
    """An integer, left as text: the parameter's own rules convert it."""

    regex = r"[+-]?[0-9]+"


class Decimal(BaseConverter):
    """A number, left as text."""

    regex = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"


class Router:
    """Finds endpoints."""

    def __init__(self, url_map: Map, endpoints: Sequence[Endpoint]) -> None:
        """Take Flask's URL map, which has the rules of *endpoints*."""
        self._by_name = {endpoint.name: endpoint for endpoint in endpoints}
        self._fixed = {
            (method, path): endpoint
            for endpoint in endpoints
            if not TEMPLATE.search(endpoint.path)
            for path in addresses(endpoint)
            for method in methods(endpoint)
        }
        self._adapter = url_map.bind("localhost")

    def find(self, method: str, path: str) -> tuple[Endpoint, Mapping[str, str]] | None:
        """Return the endpoint and the captured parts of the path; None if Flask should answer.

        Args:
            method: In upper case.
            path: As WSGI has it: unquoted, its bytes as Latin-1.

        Raises:
            BadRequest: The path is not UTF-8.
        """
        fixed = self._fixed.get((method, path))
        if fixed is not None:
            return fixed, NOTHING
        if path.startswith("//"):  # as clients ask that were given the server's address with a slash at its end
            return self.find(method, "/" + path.lstrip("/"))
        try:
            name, captured = self._adapter.match(path.encode("latin-1").decode(), method)
        except UnicodeError:
            raise BadRequest("The path is not UTF-8.", faults=[Fault("path", "", "It is not UTF-8.")]) from None
        except (HTTPException, RequestRedirect):
            return None
        endpoint = self._by_name.get(name)
        if endpoint is None or method not in methods(endpoint):
            return None
        return endpoint, named(endpoint, captured)


def methods(endpoint: Endpoint) -> tuple[str, ...]:
    """Return the methods that an endpoint answers: HEAD where it answers GET."""
    return ("GET", "HEAD") if endpoint.method == "GET" else (endpoint.method,)


def addresses(endpoint: Endpoint) -> list[str]:
    """Return the paths of an endpoint: that of a mount itself is good with and without its slash."""
    whole = endpoint.mount + endpoint.path
    return [whole, endpoint.mount] if endpoint.path == "/" and endpoint.mount else [whole]


def rules(endpoint: Endpoint) -> list[str]:
    """Return the rules of an endpoint in werkzeug's language."""
    kinds = {parameter.name: parameter.schema for parameter in endpoint.parameters.all if parameter.place == "path"}
    return [TEMPLATE.sub(lambda match: placeholder(match.group(1), kinds), path) for path in addresses(endpoint)]


def placeholder(name: str, kinds: Mapping[str, Schema]) -> str:
    """Return the placeholder of the path parameter *name*."""
    schema = kinds.get(name, {})
    kind = str(schema.get("type"))
    if kind == "string" and schema.get("format") == "path":
        return f"<path:{rule_name(name)}>"
    return f"<{CONVERTERS[kind]}:{rule_name(name)}>" if kind in CONVERTERS else f"<{rule_name(name)}>"


def rule_name(name: str) -> str:
    """Return *name* as an identifier, which is what werkzeug takes."""
    return re.sub(r"^(?![A-Za-z_])|[^0-9A-Za-z_]", "_", name)


def named(endpoint: Endpoint, captured: Mapping[str, str]) -> dict[str, str]:
    """Return what werkzeug captured by the names of the template."""
    return {name: captured[rule_name(name)] for name in TEMPLATE.findall(endpoint.path)}
