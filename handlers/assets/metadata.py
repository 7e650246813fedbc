"""Texts that describe assets, each under its own hash, so that nobody can change what an id stands for.

Source:
    DEP 15 (meta API): the id of a text is the SHA3-256 of its UTF-8 bytes.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import Connection, delete, insert, or_, select
from sqlalchemy.exc import IntegrityError

from handlers.assets.tables import MetadataRow
from handlers.errors import BodyMalformed, Fault, NotFound
from handlers.storage.sql import Database, now
from handlers.wire import Caller

LISTED: Final = 1000  # texts that a list has at most, the newest of them


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """A text, and whose it is."""

    id: str
    text: str
    owner: str | None
    public: bool

    @property
    def value(self) -> Mapping[str, Any]:
        """What the text says."""
        found: Mapping[str, Any] = orjson.loads(self.text)
        return found


class MetadataStore:
    """The texts of this server."""

    def __init__(self, database: Database) -> None:
        """Keep texts in *database*."""
        self.database = database

    def register(self, text: str, owner: str | None) -> Metadata:
        """Store a text for everybody to read; one that is there already stays whose it is.

        Raises:
            BodyMalformed: It is not a JSON object.
        """
        if not is_object(text):
            raise BodyMalformed(faults=[Fault("body", "", "It is not a JSON object.")])
        try:
            with self.database.write() as connection:
                return add(connection, text, owner, public=True)
        except IntegrityError:
            return self._find(id_of(text))

    def read(self, metadata_id: str, caller: Caller) -> Metadata:
        """Return a text that the caller may see.

        Raises:
            NotFound: There is none.
        """
        found = self._find(metadata_id)
        if found.public or found.owner == caller.name or caller.may("manage"):
            return found
        raise missing(metadata_id)

    def list(self, caller: Caller) -> list[Metadata]:
        """Return the newest texts that the caller may see."""
        seen = or_(MetadataRow.public, MetadataRow.owner == caller.name) if caller.name else MetadataRow.public
        rows = select(MetadataRow.__table__).where(seen).order_by(MetadataRow.created.desc()).limit(LISTED)
        with self.database.read() as connection:
            return [as_metadata(row) for row in connection.execute(rows)]

    def _find(self, metadata_id: str) -> Metadata:
        """Return a text, whoever's it is."""
        with self.database.read() as connection:
            found = select(MetadataRow.__table__).where(MetadataRow.id == metadata_id)
            row = connection.execute(found).one_or_none()
        if row is None:
            raise missing(metadata_id)
        return as_metadata(row)


def add(connection: Connection, text: str, owner: str | None, *, public: bool) -> Metadata:
    """Store a text."""
    found = Metadata(id=id_of(text), text=text, owner=owner, public=public)
    row = {"id": found.id, "text": text, "owner": owner, "public": public, "created": now()}
    connection.execute(insert(MetadataRow).values(row))
    return found


def remove(connection: Connection, metadata_id: str) -> None:
    """Remove a text; one that is not there is no error."""
    connection.execute(delete(MetadataRow).where(MetadataRow.id == metadata_id))


def is_object(text: str) -> bool:
    """Tell whether a text is a JSON object that every reader of JSON can read."""
    try:
        return isinstance(orjson.loads(text), dict)
    except orjson.JSONDecodeError:
        return False


def id_of(text: str) -> str:
    """Return the id of a text."""
    return hashlib.sha3_256(text.encode()).hexdigest()


def text_of(*, name: str, kind: str, created: datetime, **members: Any) -> str:
    """Return a text, unlike any other, that describes an asset of this server's own."""
    known = {key: value for key, value in members.items() if value not in ("", None)}
    when = created.isoformat().replace("+00:00", "Z")
    return json.dumps({"name": name, "type": kind, "dateCreated": when, **known, "nonce": secrets.token_hex(16)})


def missing(metadata_id: str) -> NotFound:
    """Return the error for a text that is not there."""
    return NotFound(f"There is no metadata {metadata_id[:100]}.")


def as_metadata(row: Any) -> Metadata:
    """Return a row as a value."""
    return Metadata(id=row.id, text=row.text, owner=row.owner, public=row.public)
