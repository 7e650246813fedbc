"""Make a document that somebody else wrote keep to the rules of this house, and say what was changed for it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from handlers.spec.bundle import CONTROLLER
from handlers.spec.names import function_name
from handlers.spec.shape import METHODS, follow

PROBLEM = {"$ref": "_shared.yaml#/components/responses/Problem"}
TOKEN = {"$ref": "_shared.yaml#/components/securitySchemes/token"}
PREFERRED = ("application/json", "multipart/form-data", "application/x-www-form-urlencoded")

Document = dict[str, Any]


def tidy(document: Document, name: str, notes: list[str]) -> None:
    """Change *document* so that `handlers.<name>` can serve it; *notes* gets a sentence for each change."""
    document["openapi"] = "3.0.3"
    document.setdefault("info", {}).setdefault("title", name)
    document["info"].setdefault("version", "1.0.0")
    document["info"]["version"] = str(document["info"]["version"])
    document[CONTROLLER] = f"handlers.{name}"
    mend_security(document, notes)
    seen: set[str] = set()
    for where, path, method, operation in each_operation(document):
        operation.pop(CONTROLLER, None)
        operation.pop("x-swagger-router-controller", None)
        name_operation(operation, path, method, where, seen, notes)
        if not operation.get("summary"):
            operation["summary"] = first_sentence(operation.get("description", "")) or f"{where}."
        choose_media(document, operation, where, notes)
        say_failures(operation, where, notes)


def each_operation(document: Document) -> Iterator[tuple[str, str, str, Document]]:
    """Yield each operation with its words, its path and its method."""
    for path, item in document.get("paths", {}).items():
        for method in METHODS:
            if isinstance(item, dict) and isinstance(item.get(method), dict):
                yield f"{method.upper()} {path}", path, method, item[method]


def name_operation(operation: Document, path: str, method: str, where: str, seen: set[str], notes: list[str]) -> None:
    """Give an operation an id whose function is its own."""
    given = str(operation.get("operationId") or "")
    words = re.sub(r"[^0-9A-Za-z]+", "_", path).strip("_")
    plain = re.sub(r"[^0-9A-Za-z_]+", "_", given).strip("_") or f"{method}_{words}"
    plain = plain if plain[:1].isalpha() else f"op_{plain}"
    longer = f"{plain}_{words.rpartition('_')[2] or method}"
    numbered = (f"{longer}_{number}" for number in itertools.count(2))
    chosen = next(each for each in itertools.chain([plain, longer], numbered) if function_name(each) not in seen)
    seen.add(function_name(chosen))
    operation["operationId"] = chosen
    if chosen == given:
        return
    if not given:
        notes.append(f"{where} had no operationId and is called {chosen}.")
    elif chosen == plain:
        notes.append(f"The operationId {given!r} of {where} is no name of a function; it is {chosen} now.")
    else:
        notes.append(f"The operationId {given} of {where} was taken; it is {chosen} now.")


def first_sentence(text: str) -> str:
    """Return the first sentence of a description."""
    words = " ".join(text.split())
    return re.split(r"(?<=[.!?]) ", words)[0][:100]


def choose_media(document: Document, operation: Document, where: str, notes: list[str]) -> None:
    """Keep one media type of a body, and of each answer: JSON if it is among them."""
    parts = [("body", operation.get("requestBody"))]
    parts += [(f"answer {code}", each) for code, each in operation.get("responses", {}).items()]
    for words, part in parts:
        content = follow(document, part).get("content", {}) if isinstance(part, Mapping) else {}
        if len(content) > 1:
            kept = next((kind for kind in PREFERRED if kind in content), next(iter(content)))
            gone = [kind for kind in content if kind != kept]
            for kind in gone:
                del content[kind]
            notes.append(f"The {words} of {where} is {kept} only; left out: {', '.join(gone)}.")


def say_failures(operation: Document, where: str, notes: list[str]) -> None:
    """See that an operation says how it fails; every failure of this server is a problem document."""
    responses = operation.setdefault("responses", {})
    if "default" not in responses:
        responses["default"] = dict(PROBLEM)
        notes.append(f"{where} did not say how else it fails; a problem document is added.")


def mend_security(document: Document, notes: list[str]) -> None:
    """Put our token in place of schemes whose credentials nobody here can check."""
    schemes = document.get("components", {}).pop("securitySchemes", {})
    kept = {name: scheme for name, scheme in schemes.items() if is_checked(scheme)}
    holders = [document, *(operation for *_, operation in each_operation(document))]
    foreign = {name for each in holders for needed in each.get("security", ()) for name in needed} - kept.keys()
    if foreign:
        kept["token"] = dict(TOKEN)
        words = ", ".join(sorted(foreign))
        notes.append(f"Who had to bring {words} brings a token of this server: nobody here could check that.")
    for each in holders:
        if "security" in each:
            mended: list[dict[str, list[str]]] = [
                {("token" if name in foreign else name): [] for name in needed} for needed in each["security"]
            ]
            each["security"] = [needed for place, needed in enumerate(mended) if needed not in mended[:place]]
    if kept:
        document.setdefault("components", {})["securitySchemes"] = kept


def is_checked(scheme: Mapping[str, Any]) -> bool:
    """Tell whether a scheme names a function of ours that checks its credentials."""
    return any(key.endswith("InfoFunc") and str(value).startswith("handlers.") for key, value in scheme.items())
