"""Leave parts of an API out, or close them: what settings say is so in what is served, and in its document."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from handlers.spec.documents import Api

SCHEME = "token"  #: of bearer tokens
PART = "x-part"  #: an operation's part of its API, where that is not its first tag


def left_out(api: Api, parts: Collection[str]) -> frozenset[str]:
    """Return the operationIds of the operations that belong to none of *parts*."""
    return frozenset(one["operationId"] for _, _, one in operations(api.document) if part_of(one) not in parts)


def without(api: Api, closed: Collection[str]) -> Api:
    """Return an API without the operations that have one of the operationIds *closed*, and without links to them."""
    paths: dict[str, dict[str, Any]] = {path: dict(item) for path, item in api.document["paths"].items()}
    for path, method, one in operations(api.document):
        if one["operationId"] in closed:
            del paths[path][method]
        else:
            paths[path][method] = unlinked(one, closed, api.document)
    kept = {path: item for path, item in paths.items() if item.keys() - {"parameters", "summary", "description"}}
    return replace(api, document={**api.document, "paths": kept})


def needing(api: Api, parts: Collection[str], scope: str) -> Api:
    """Return an API in which operations of *parts* that everybody may call need a token with *scope*."""
    paths: dict[str, dict[str, Any]] = {path: dict(item) for path, item in api.document["paths"].items()}
    for path, method, one in operations(api.document):
        if part_of(one) in parts and not one.get("security"):
            paths[path][method] = {**one, "security": [{SCHEME: []}], "x-scopes": [scope]}
    return replace(api, document={**api.document, "paths": paths})


def answering_nothing(api: Api, closed: Collection[str]) -> Api:
    """Return an API whose operations *closed* ask for nothing any more: whatever comes reaches their function."""
    paths: dict[str, dict[str, Any]] = {path: dict(item) for path, item in api.document["paths"].items()}
    for path, method, one in operations(api.document):
        if one["operationId"] in closed:
            kept = ("operationId", "x-openapi-router-controller")
            bare = {key: one[key] for key in kept if key in one}
            paths[path][method] = {**bare, "responses": {"default": {"description": "There is no such thing."}}}
    return replace(api, document={**api.document, "paths": paths})


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Give the path, the method and the object of each operation."""
    for path, item in document["paths"].items():
        for method, one in item.items():
            if isinstance(one, Mapping) and "operationId" in one:
                yield path, method, one


def part_of(operation: Mapping[str, Any]) -> str:
    """Return to which part of its API an operation belongs."""
    return str(operation.get(PART) or next(iter(operation.get("tags", ())), ""))


def unlinked(operation: Mapping[str, Any], closed: Collection[str], document: Mapping[str, Any]) -> dict[str, Any]:
    """Return an operation without links to those that are closed."""
    shared = document.get("components", {}).get("links", {})

    def leads(link: Mapping[str, Any]) -> bool:
        link = shared.get(str(link.get("$ref", "")).rpartition("/")[2], link)
        return link.get("operationId") not in closed

    responses = {
        code: {**one, "links": {name: link for name, link in one["links"].items() if leads(link)}}
        if "links" in one
        else one
        for code, one in operation["responses"].items()
    }
    return {**operation, "responses": responses}
