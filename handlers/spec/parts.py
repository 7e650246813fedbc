"""Leave parts of an API out, or close them: what settings say is so in what is served, and in its document."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from handlers.spec.documents import Api

SCHEME = "token"  #: of bearer tokens
PART = "x-part"  #: an operation's part of its API, where that is not its first tag


def left_out(api: Api, parts: Collection[str]) -> frozenset[str]:
    """Return the operationIds of the operations that belong to none of *parts*."""
    return frozenset(one["operationId"] for _, _, one in operations(api.document) if part_of(one) not in parts)


def without(api: Api, closed: Collection[str], served: Collection[str]) -> Api:
    """Return an API without the operations that have one of the operationIds *closed*, and without links to them.

    Links to an API that is not among *served* go, too, and tags that no operation has any more.
    """

    def leads(link: Mapping[str, Any]) -> bool:
        if link.get("operationId") in closed:
            return False
        parts = urlsplit(str(link.get("operationRef", "")))
        return bool(parts.netloc) or not parts.path or beside(api.name, parts.path) in served

    components = dict(api.document.get("components", {}))
    shared = {name: link for name, link in components.get("links", {}).items() if leads(link)}
    if "links" in components:
        components["links"] = shared

    def kept(link: Mapping[str, Any]) -> bool:
        return str(link["$ref"]).rpartition("/")[2] in shared if "$ref" in link else leads(link)

    paths: dict[str, dict[str, Any]] = {path: dict(item) for path, item in api.document["paths"].items()}
    for path, method, one in operations(api.document):
        if one["operationId"] in closed:
            del paths[path][method]
        else:
            paths[path][method] = {**one, "responses": unlinked(one["responses"], kept)}
    paths = {path: item for path, item in paths.items() if item.keys() - {"parameters", "summary", "description"}}
    if "responses" in components:
        components["responses"] = unlinked(components["responses"], kept)
    document = {**api.document, "paths": paths, "components": components}
    return replace(api, document=document | tags_left(api.document, document))


def tags_left(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return the member `tags`, if there is one, without those whose operations are all gone."""
    had, has = tags_of(before), tags_of(after)
    listed = before.get("tags", ())
    return {"tags": [tag for tag in listed if tag["name"] in has or tag["name"] not in had]} if listed else {}


def tags_of(document: Mapping[str, Any]) -> set[str]:
    """Return the tags that operations have."""
    return {tag for _, _, one in operations(document) for tag in one.get("tags", ())}


def beside(name: str, file: str) -> str:
    """Return the name of the API whose document is *file*, as seen from the document of the API *name*."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), file)).removesuffix(".json")


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


def unlinked(responses: Mapping[str, Any], kept: Callable[[Mapping[str, Any]], bool]) -> dict[str, Any]:
    """Return responses without the links that are not *kept*."""
    return {
        code: {**one, "links": {name: link for name, link in one["links"].items() if kept(link)}}
        if "links" in one
        else one
        for code, one in responses.items()
    }
