"""What is known of models and endpoints, and how it changes."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Final, TypeVar

from sqlalchemy import RowMapping

from handlers.errors import Conflict, Fault, InputInvalid
from handlers.models.tables import CHOSEN, State
from handlers.storage.sql import now

OWN_LINKS: Final = frozenset({"self", "model", "endpoint"})  #: written by the server, whatever was given
DEFAULT_VERSION: Final = "v1"

Feature = Mapping[str, Any]  #: `name`, `order` and `type`
Kind = TypeVar("Kind")


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model, and the ids of its endpoints, the oldest first."""

    id: str
    name: str
    version: str | None
    input_schema: Sequence[Feature] | None
    output_schema: Any
    about: Mapping[str, Any] | None
    links: Sequence[Mapping[str, str]] | None
    created: datetime
    modified: datetime
    current: str | None = None
    previous: str | None = None
    canary: str | None = None
    share: float | None = None
    endpoints: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """An endpoint; the fields are those of `tables.EndpointRow`."""

    id: str
    model: str
    name: str
    status: State
    about: Mapping[str, Any] | None
    links: Sequence[Mapping[str, str]] | None
    deployed: datetime
    format: str
    takes: str
    gives: str
    blob: str
    size: int
    sha256: str
    known: Mapping[str, Any] | None
    problem: str | None
    job: str | None
    credentials: str | None = field(default=None, repr=False)
    looked: datetime | None = None


def model_from(row: RowMapping, endpoints: Sequence[str]) -> Model:
    """Return a row as a value."""
    return Model(**dict(row), endpoints=tuple(endpoints))


def endpoint_from(row: RowMapping) -> Endpoint:
    """Return a row as a value."""
    return Endpoint(**{**row, "status": State(row["status"])})


def as_row(value: Model | Endpoint) -> dict[str, Any]:
    """Return what of a value is stored in its own row."""
    return {field.name: getattr(value, field.name) for field in fields(value) if field.name != "endpoints"}


def model_changes(model: Model, wish: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns that a wish changes: what is null is taken away, what is absent stays.

    Raises:
        InputInvalid: The name holds what cannot be stored.
    """
    changes = {key: wish[key] for key in ("name", "version", "input_schema", "output_schema") if key in wish}
    return checked(changes | shared_changes(model, wish))


def endpoint_changes(endpoint: Endpoint, wish: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns that a wish changes; a status that is the server's to set changes nothing.

    Raises:
        Conflict: The endpoint's file does not work, or nobody knows yet.
        InputInvalid: The name holds what cannot be stored.
    """
    changes = {"name": wish["name"]} if "name" in wish else {}
    status = wish.get("status")
    if status in CHOSEN and status != endpoint.status:
        if endpoint.status not in CHOSEN:
            raise Conflict(f"The endpoint is {endpoint.status}; only one whose file was loaded can be {status}.")
        changes["status"] = status
    return checked(changes | shared_changes(endpoint, wish))


def shared_changes(value: Model | Endpoint, wish: Mapping[str, Any]) -> dict[str, Any]:
    """Return how a wish changes metadata, member by member, and links."""
    changes: dict[str, Any] = {}
    if "metadata" in wish:
        changes["about"] = merged(value.about, wish["metadata"])
    if "links" in wish:
        changes["links"] = others(wish["links"])
    return changes


def merged(old: Mapping[str, Any] | None, change: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return metadata with the members of *change*; those that are null are taken away, and all of them for null."""
    if change is None:
        return None
    return {key: value for key, value in ({**(old or {}), **change}).items() if value is not None}


def others(links: Sequence[Mapping[str, str]] | None) -> list[Mapping[str, str]]:
    """Return those links that are not the server's to write."""
    return [link for link in links or () if link.get("rel") not in OWN_LINKS]


def checked(values: dict[str, Any]) -> dict[str, Any]:
    """Return *values* if each text of them can be stored.

    Raises:
        InputInvalid: One holds the character NUL, which PostgreSQL does not take.
    """
    faults = [
        Fault("body", f"/{key}", "It may not contain the character NUL.")
        for key, value in values.items()
        if isinstance(value, str) and "\0" in value
    ]
    if faults:
        raise InputInvalid(faults=faults)
    return values


def new_model(wish: Mapping[str, Any]) -> Model:
    """Return a model with a new id; members of *wish* that are null count as absent.

    Raises:
        InputInvalid: Its name holds what cannot be stored.
    """
    created = now()
    given = checked({key: value for key, value in wish.items() if value is not None})
    return Model(
        id=new_id(),
        name=given["name"],
        version=given.get("version", DEFAULT_VERSION),
        input_schema=given.get("input_schema"),
        output_schema=given.get("output_schema"),
        about=merged(None, given["metadata"]) if "metadata" in given else None,
        links=others(given.get("links")),
        created=created,
        modified=created,
    )


def new_id() -> str:
    """Return an id that nobody can guess, and no two models or endpoints share."""
    return str(uuid.uuid4())
