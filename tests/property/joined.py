"""Several documents as one, so that a story may follow links from one API to the other."""

from __future__ import annotations

from urllib.parse import unquote

from handlers.spec.documents import Api
from handlers.spec.shape import follow, look_up


def joined(apis):
    """Return one API with all operations; each link stands where it is used, and names the operation it leads to."""
    others = {f"{api.name}.json": api.document for api in apis}
    paths, components = {}, {}
    for api in apis:
        document = linked(api.document, api.document, others)
        add(paths, document["paths"])
        for kind, parts in document["components"].items():
            if kind != "links":
                add(components.setdefault(kind, {}), parts)
    names = "-".join(api.name for api in apis)
    head = {"openapi": "3.0.3", "info": {"title": names, "version": "1"}}
    return Api(names, {**head, "paths": paths, "components": components}, "")


def add(parts, more):
    """Add parts to others, of which none may have the same name and be something else."""
    assert all(parts[name] == more[name] for name in parts.keys() & more.keys())
    parts |= more


def linked(value, document, others):
    """Return a part of a document with its links resolved; those to one of the *others* get the operationId there."""
    if isinstance(value, list):
        return [linked(item, document, others) for item in value]
    if not isinstance(value, dict):
        return value
    if str(value.get("$ref", "")).startswith("#/components/links/"):
        value = follow(document, value)
    file, _, place = str(value.get("operationRef", "")).partition("#")
    if file in others:
        value = {key: item for key, item in value.items() if key != "operationRef"}
        value["operationId"] = look_up(others[file], unquote(place))["operationId"]
    return {key: linked(item, document, others) for key, item in value.items()}
