"""OpenAPI documents, as generators of clients can take them."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any, Final

import httpx
import orjson

from tools.clients.errors import NotGenerated

#: The part of an upload whose schema names none: what Konduit calls the only input of a pipeline that names none.
DEFAULT_PART: Final = {"default": {"type": "string", "format": "binary"}}


def read_document(place: str) -> dict[str, Any]:
    """Return the document of a file or a URL.

    Raises:
        NotGenerated: It cannot be read, or is no OpenAPI document.
    """
    try:
        found = orjson.loads(fetched(place) if place.startswith(("http://", "https://")) else Path(place).read_bytes())
    except (OSError, httpx.HTTPError, orjson.JSONDecodeError) as error:
        raise NotGenerated(f"{place} cannot be read: {error}") from error
    if not isinstance(found, dict) or "openapi" not in found or "paths" not in found:
        raise NotGenerated(f"{place} is no OpenAPI document.")
    return found


def fetched(url: str) -> bytes:
    """Return what a server answers."""
    return httpx.get(url, timeout=30).raise_for_status().content


def client_document(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document without what generators of clients cannot take.

    - An upload that may have parts of any name loses that freedom: generators would leave out the whole body. One that
      has no named part gets `default`.
    - Of paths that are the same but for their case the first is enough.
    - A body that is one thing or a list of them is a list: TypeScript for both does not compile.
    - An answer that is a map of outputs, or something else, is a value of any kind: Python would take it for a map of
      outputs without content. The classes of the outputs are there, and read them.
    """
    made = copy.deepcopy(document)
    made["paths"] = {path: item for path, item in made["paths"].items() if path == first_alike(path, made["paths"])}
    for schema in schemas_of("requestBody", "multipart/form-data", made):
        name_parts(schema)
    for schema in schemas_of("requestBody", "application/json", made):
        choose_list(schema, made)
    for schema in schemas_of("responses", "application/json", made):
        schema.pop("anyOf", None)
    return made


def name_parts(upload: dict[str, Any]) -> None:
    """Leave an upload the parts that have names."""
    if upload.get("additionalProperties"):
        if not upload.get("properties"):
            upload.update(properties=copy.deepcopy(DEFAULT_PART), required=list(DEFAULT_PART))
        for word in ("additionalProperties", "minProperties", "maxProperties"):
            upload.pop(word, None)


def choose_list(schema: dict[str, Any], document: dict[str, Any]) -> None:
    """Leave of several kinds of body the one that is a list, if there is one."""
    lists = [one for one in schema.get("anyOf", []) if resolved(one, document).get("type") == "array"]
    if lists:
        del schema["anyOf"]
        schema.update(copy.deepcopy(resolved(lists[0], document)))


def first_alike(path: str, paths: dict[str, Any]) -> str:
    """Return the first of the paths that are this one, in any case."""
    return next(other for other in paths if other.casefold() == path.casefold())


def schemas_of(member: str, kind: str, document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the schemas of all requests, or of all responses, of a media type, to be changed in place."""
    operations = [each for item in document["paths"].values() for each in item.values() if isinstance(each, dict)]
    found = [each[member] for each in operations if member in each]
    bodies = found if member == "requestBody" else [body for each in found for body in each.values()]
    media = [resolved(body, document).get("content", {}).get(kind, {}) for body in bodies]
    return [resolved(each["schema"], document) for each in media if "schema" in each]


def resolved(node: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """Return what a node refers to, within the document."""
    while "$ref" in node:
        found: Any = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            found = found[step.replace("~1", "/").replace("~0", "~")]
        node = found
    return node
