"""What a DDO has to be beyond its schema, with the place of each fault.

The schema says what each part may be; here is what one part of a document demands of another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from handlers.assets.did import PREFIX
from handlers.errors import Fault, InputInvalid
from handlers.spec.documents import read_generated
from handlers.spec.schemas import Checker, Schemas

SOLD: Final = ("access", "compute")
KINDS: Final = ("dataset", "algorithm")
TOKEN_DIGITS: Final = 40  # of a DID that is the address of its datatoken
MOST_FAULTS: Final = 50  # that are told at once

Found = Iterator[tuple[str, str]]  #: place, as a JSON Pointer, and what is wrong there


def check(ddo: Mapping[str, Any]) -> None:
    """Refuse a DDO that its schema lets through, and that cannot be offered all the same.

    Raises:
        InputInvalid: With the place of each fault.
    """
    faults = [Fault("body", place, detail) for _, (place, detail) in zip(range(MOST_FAULTS), all_in(ddo), strict=False)]
    if faults:
        raise InputInvalid(faults=faults)


def check_whole(ddo: Mapping[str, Any]) -> None:
    """Refuse a DDO that breaks its schema, or cannot be offered; for those that do not come through the gateway.

    Raises:
        InputInvalid: With the place of each fault.
    """
    if faults := schema().faults(ddo, "body"):
        raise InputInvalid(faults=faults)
    check(ddo)


@cache
def schema() -> Checker:
    """Return what a DDO is held against, as the metadata store's document has it."""
    (api,) = read_generated(["metadata"])
    return Schemas(dict(api.document)).compile({"$ref": "#/components/schemas/Ddo"})


def all_in(ddo: Mapping[str, Any]) -> Found:
    """Yield every fault."""
    yield from in_token(ddo)
    services = list(enumerate(ddo["service"]))
    if sum(service["type"] == "metadata" for _, service in services) != 1:
        yield "/service", "There has to be just one service of the type metadata."
    taken: set[Any] = set()
    for place, service in services:
        yield from in_service(f"/service/{place}", service, taken)


def in_token(ddo: Mapping[str, Any]) -> Found:
    """Yield what is wrong with the datatoken: a DID of 40 digits is the address of its own."""
    token, digits = ddo.get("dataToken"), ddo["id"].removeprefix(PREFIX).removeprefix("0x")
    if token and len(digits) == TOKEN_DIGITS and token[2:].lower() != digits.lower():
        yield "/dataToken", "It is not the one that the DID names."


def in_service(here: str, service: Mapping[str, Any], taken: set[Any]) -> Found:
    """Yield what is wrong with a service; *taken* are the indexes of those before it."""
    index, kind = service.get("index"), service["type"]
    if index is None and kind in SOLD:
        yield f"{here}/index", "What is sold needs an index."
    elif index is not None and index in taken:
        yield f"{here}/index", "Another service has this index."
    taken.add(index)
    if kind == "metadata":
        main = service["attributes"].get("main") or {}
        if main.get("type") not in KINDS:
            yield f"{here}/attributes/main/type", "An asset is a dataset or an algorithm."
        yield from in_files(f"{here}/attributes/main", main)
        yield from in_algorithm(f"{here}/attributes/main", main)


def in_files(here: str, main: Mapping[str, Any]) -> Found:
    """Yield what is wrong with the public list of files."""
    if main.get("files") is None:
        yield f"{here}/files", "The files have to be listed, without their addresses."
    taken: set[Any] = set()
    for place, file in enumerate(main.get("files") or []):
        if file.get("url"):
            yield f"{here}/files/{place}/url", "Everybody could read it: addresses belong into encryptedFiles."
        if (index := file.get("index")) is not None and index in taken:
            yield f"{here}/files/{place}/index", "Another file has this index."
        taken.add(index)


def in_algorithm(here: str, main: Mapping[str, Any]) -> Found:
    """Yield what is missing for an algorithm to be run."""
    if main.get("type") != "algorithm":
        return
    container = (main.get("algorithm") or {}).get("container") or {}
    for name in ("entrypoint", "image", "tag"):
        if not container.get(name):
            yield f"{here}/algorithm/container/{name}", "An algorithm has to say how it is run."
