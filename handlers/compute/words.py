"""What a compute request says, as values: objects or their JSON text; null, empty text and {} for what is absent."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from handlers.assets.did import canonical
from handlers.assets.params import members, number, switch, wrong
from handlers.chain.orders import is_address
from handlers.errors import AssetNotFound, InputInvalid

MOST_INPUTS: Final = 100
INPUT_TEXTS: Final = ("documentId", "transferTxId", "transactionId")
ADDRESSES: Final = ("owner", "providerAddress", "brizoAddress")
URIS: Final = ("nodeUri", "providerUri", "brizoUri", "metadataUri", "secretStoreUri")


@dataclass(frozen=True, kw_only=True)
class Container:
    """The image in which an algorithm runs, and its command there."""

    entrypoint: str  #: `$ALGO` stands for the algorithm's file
    image: str
    tag: str
    checksum: str = ""  #: digest of the image

    @property
    def name(self) -> str:
        """The image with its tag."""
        return f"{self.image}:{self.tag}"


@dataclass(frozen=True, kw_only=True)
class RawAlgorithm:
    """An algorithm that the caller brings along."""

    url: str
    rawcode: str
    container: Container


@dataclass(frozen=True, kw_only=True)
class Input:
    """An asset to compute on, and what paid for it."""

    did: str  #: as it was sent
    service: int | None = None
    order: str = ""
    userdata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Output:
    """What becomes of the results."""

    publish: bool = False
    publish_log: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)
    metadata_uri: str = ""
    owner: str = ""  #: address; empty: who started the job
    whitelist: tuple[str, ...] = ()
    kept: Mapping[str, str] = field(default_factory=dict)  #: the other addresses and URIs, which are never called


def raw_algorithm(sent: Mapping[str, Any] | str | None) -> RawAlgorithm | None:
    """Return the algorithm that a request brings along; None: it brings none.

    Raises:
        InputInvalid: It cannot be run.
    """
    meta = members("algorithmMeta", sent)
    if not meta:
        return None
    url, rawcode = text_in(meta, "url", "algorithmMeta"), text_in(meta, "rawcode", "algorithmMeta")
    if not url and not rawcode:
        raise wrong("algorithmMeta", "It must define one of `url` or `rawcode`, but both are missing.")
    return RawAlgorithm(url=url, rawcode=rawcode, container=container_of(meta.get("container"), "algorithmMeta"))


def container_of(section: Any, place: str) -> Container:
    """Return what a container section says.

    Raises:
        InputInvalid: It does not say enough; the fault is at *place*.
    """
    section = section if isinstance(section, Mapping) else {}
    found = {name: text_in(section, name, place) for name in ("entrypoint", "image", "tag", "checksum")}
    if not (found["entrypoint"] and found["image"] and found["tag"]):
        raise wrong(place, "Its `container` must specify values for all of entrypoint, image and tag.")
    return Container(**found)


def output(sent: Mapping[str, Any] | str | None) -> Output:
    """Return what a request wants to become of the results.

    Raises:
        InputInvalid: An address is none, or a URI no URI.
    """
    section = members("output", sent)
    for name in ADDRESSES:
        if (address := text_in(section, name, "output")) and not is_address(address):
            raise wrong("output", f"Its `{name}` is no Ethereum address.")
    for name in URIS:
        if (uri := text_in(section, name, "output")) and not uri.startswith(("http://", "https://")):
            raise wrong("output", f"Its `{name}` has to begin with http:// or https://.")
    metadata = section.get("metadata") or {}
    if not isinstance(metadata, Mapping):
        raise wrong("output", "Its `metadata` is not an object.")
    return Output(
        publish=switch(section.get("publishOutput")),
        publish_log=switch(section.get("publishAlgorithmLog")),
        metadata=metadata,
        metadata_uri=text_in(section, "metadataUri", "output"),
        owner=text_in(section, "owner", "output"),
        whitelist=addresses(section.get("whitelist")),
        kept={name: str(section[name]) for name in (*ADDRESSES, *URIS) if section.get(name)},
    )


def addresses(sent: Any) -> tuple[str, ...]:
    """Return a list of addresses.

    Raises:
        InputInvalid: One of them is none.
    """
    found = sent or []
    if not isinstance(found, list) or not all(is_address(str(address)) for address in found):
        raise wrong("output", "Its `whitelist` is not a list of Ethereum addresses.")
    return tuple(map(str, found))


def additional_inputs(sent: Sequence[Any] | Mapping[str, Any] | str | None) -> list[Input]:
    """Return the further assets to compute on.

    Raises:
        InputInvalid: An entry names none.
    """
    try:
        found = json.loads(sent) if isinstance(sent, str) and sent.strip() else sent or []
    except (ValueError, RecursionError):
        found = None
    if found == {}:
        found = []
    if not isinstance(found, list) or len(found) > MOST_INPUTS:
        raise wrong("additionalInputs", f"It is not a list of up to {MOST_INPUTS} inputs, nor the JSON text of one.")
    return [additional_input(entry, place) for place, entry in enumerate(found)]


def additional_input(entry: Any, place: int) -> Input:
    """Return one further asset.

    Raises:
        InputInvalid: It names none.
    """
    try:
        if not isinstance(entry, Mapping):
            raise wrong("additionalInputs", "It is not an object.")
        did = text_in(entry, "documentId", "additionalInputs") or text_in(entry, "did", "additionalInputs")
        canonical(did)
        order = text_in(entry, "transferTxId", "additionalInputs") or text_in(
            entry, "transactionId", "additionalInputs"
        )
        service = number("additionalInputs", entry.get("serviceId"))
        return Input(did=did, service=service, order=order, userdata=members("userdata", entry.get("userdata")))
    except (InputInvalid, AssetNotFound) as problem:
        words = problem.faults[0].detail if problem.faults else problem.detail
        raise wrong("additionalInputs", f"Error in input at index {place}: {words}") from problem


def text_in(section: Mapping[str, Any], name: str, place: str) -> str:
    """Return a text of an object; empty where there is none.

    Raises:
        InputInvalid: It is something else.
    """
    value = section.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or "\0" in value:
        raise wrong(place, f"Its `{name}` is not a text.")
    return value
