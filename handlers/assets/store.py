"""The embedded store of assets: their DDOs, and the files that this server keeps itself."""

from __future__ import annotations

import hashlib
import mimetypes
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

from sqlalchemy import ColumnElement, RowMapping, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from handlers.assets import ddo as ddos
from handlers.assets import metadata
from handlers.assets.ddo import Sale
from handlers.assets.did import PREFIX, canonical
from handlers.assets.tables import AssetRow
from handlers.errors import AssetNotFound, Conflict, InsufficientStorage
from handlers.storage.blobs import CHUNK_BYTES, Blobs
from handlers.storage.room import in_words
from handlers.storage.sql import Database, now

TABLE: Final = AssetRow.metadata.tables[AssetRow.__tablename__]
DEFAULT_TYPE = "application/octet-stream"


@dataclass(frozen=True, kw_only=True)
class Asset:
    """An asset, and where its file is."""

    did: str
    name: str
    ddo: Mapping[str, Any]
    owner: str | None
    blob: str | None  #: name of its blob; None where the file is elsewhere
    content_type: str
    size: int  #: bytes
    job: str | None
    created: datetime
    updated: datetime


class Assets:
    """The assets of this server."""

    def __init__(self, database: Database, blobs: Blobs, quota_bytes: int = 0) -> None:
        """Keep DDOs in *database* and files in *blobs*, no more than *quota_bytes* of them; 0: no bound."""
        self.database = database
        self.blobs = blobs
        self.quota_bytes = quota_bytes

    def add(
        self,
        path: Path,
        *,
        name: str = "",
        content_type: str = "",
        owner: str | None = None,
        job: str | None = None,
        sale: Sale | None = None,
        did: str | None = None,
        said: Mapping[str, Any] | None = None,
        **described: str,
    ) -> Asset:
        """Store a file as a new asset.

        Args:
            path: The file; it is copied.
            name: What people call it; the file's name by default.
            content_type: Media type; guessed from the names by default.
            owner: The only caller who may use it; None for everybody.
            job: Id of the job that made it.
            sale: How it is offered; by default everybody may have it.
            did: That of its metadata, where those were registered before; by default there are new ones.
            said: Metadata that somebody else gives it, in a DDO's layout or as the `main` section alone.
            described: `author`, `license_name`, `description`, `kind` of the DDO.

        Raises:
            ValueError: The price is no price.
            Conflict: There is an asset with this DID already.
            InsufficientStorage: There is no room for it.
        """
        created = now()
        name = name or path.name
        content_type = content_type or guess_type(name) or guess_type(path.name) or DEFAULT_TYPE
        size, checksum = measure(path)
        self._demand(size)
        file = {"contentType": content_type, "contentLength": str(size), "checksum": checksum, "checksumType": "SHA256"}
        text = None
        if did is None:
            text = metadata.text_of(name=name, created=created, **({"kind": "dataset"} | file | described))
            did = PREFIX + metadata.id_of(text)
        ddo = ddos.make_ddo(did, name=name, files=[file], created=created, sale=sale, said=said, **described)
        # Another upload under the same DID may be under way; each has a blob of its own, and one of them gets the row.
        blob = f"assets/{did.removeprefix(PREFIX)}/{secrets.token_hex(4)}"
        self.blobs.put(blob, path)
        return self._insert(
            Asset(
                did=did,
                name=ddos.name_of(ddo),
                ddo=ddo,
                owner=owner,
                blob=blob,
                content_type=content_type,
                size=size,
                job=job,
                created=created,
                updated=created,
            ),
            text,
        )

    def register(self, ddo: Mapping[str, Any]) -> Asset:
        """Store a DDO whose files are elsewhere.

        Raises:
            AssetNotFound: Its id is no DID.
            Conflict: There is an asset with this DID already.
        """
        created = now()
        return self._insert(
            Asset(
                did=canonical(str(ddo.get("id", ""))),
                name=ddos.name_of(ddo),
                ddo=ddo,
                owner=None,
                blob=None,
                content_type=DEFAULT_TYPE,
                size=0,
                job=None,
                created=created,
                updated=created,
            )
        )

    def replace(self, did: str, ddo: Mapping[str, Any]) -> Asset:
        """Store another DDO for an asset.

        Raises:
            AssetNotFound: There is no such asset.
        """
        changed = {"ddo": dict(ddo), "name": ddos.name_of(ddo), "updated": now()}
        with self.database.write() as connection:
            done = connection.execute(update(TABLE).where(TABLE.c.did == canonical(did)).values(changed))
        if not done.rowcount:
            raise missing(did)
        return self.read(did)

    def read(self, did: str) -> Asset:
        """Return an asset.

        Raises:
            AssetNotFound: There is no such asset.
        """
        with self.database.read() as connection:
            row = connection.execute(select(TABLE).where(TABLE.c.did == canonical(did))).mappings().first()
        if row is None:
            raise missing(did)
        return as_asset(row)

    def list(self, *, offset: int = 0, limit: int = 100, public: bool = False) -> tuple[list[Asset], int]:
        """Return a page of assets, newest first, and how many there are in all; with *public*, nobody's own only."""
        only: list[ColumnElement[bool]] = [TABLE.c.owner.is_(None)] if public else []
        page = select(TABLE).where(*only).order_by(TABLE.c.created.desc(), TABLE.c.did).offset(offset).limit(limit)
        with self.database.read() as connection:
            total = connection.execute(select(func.count()).select_from(TABLE).where(*only)).scalar_one()
            rows = connection.execute(page).mappings().all()
        return [as_asset(row) for row in rows], total

    def remove(self, did: str) -> None:
        """Remove an asset and its file.

        Raises:
            AssetNotFound: There is no such asset.
        """
        asset = self.read(did)
        with self.database.write() as connection:
            connection.execute(delete(TABLE).where(TABLE.c.did == asset.did))
            metadata.remove(connection, asset.did.removeprefix(PREFIX))
        if asset.blob is not None:
            self.blobs.remove(asset.blob)

    def remove_of_job(self, job: str) -> None:
        """Remove what earlier attempts of a job registered and nobody was told of."""
        with self.database.read() as connection:
            dids = connection.execute(select(TABLE.c.did).where(TABLE.c.job == job)).scalars().all()
        for did in dids:
            self.remove(did)

    def open(self, asset: Asset) -> BinaryIO:
        """Open an asset's file.

        Raises:
            AssetNotFound: The file is elsewhere, or gone.
        """
        try:
            return self.blobs.open(held(asset))
        except FileNotFoundError as error:
            raise AssetNotFound(f"The file of {asset.did} is gone.") from error

    def local(self, asset: Asset, directory: Path) -> Path:
        """Return a path to an asset's file, copied into *directory* where it is not local; never write to it.

        Raises:
            AssetNotFound: The file is elsewhere, or gone.
        """
        try:
            return self.blobs.local(held(asset), directory)
        except FileNotFoundError as error:
            raise AssetNotFound(f"The file of {asset.did} is gone.") from error

    def _demand(self, size: int) -> None:
        """Raise InsufficientStorage if *size* bytes more would be beyond the quota.

        Files that are stored at the same time do not see one another, so it may be overstepped by them.
        """
        if not self.quota_bytes:
            return
        held_here = select(func.coalesce(func.sum(TABLE.c.size), 0)).where(TABLE.c.blob.is_not(None))
        with self.database.read() as connection:
            used = int(connection.execute(held_here).scalar_one())
        if used + size > self.quota_bytes:
            most = in_words(self.quota_bytes)
            raise InsufficientStorage(f"All assets have {in_words(used)} of at most {most}; this has {in_words(size)}.")

    def _insert(self, asset: Asset, text: str | None = None) -> Asset:
        """Store a new row, and the text that describes the asset."""
        row = {column.name: getattr(asset, column.name) for column in TABLE.columns}
        try:
            with self.database.write() as connection:
                connection.execute(insert(TABLE).values(row))
                if text is not None:
                    metadata.add(connection, text, asset.owner, public=asset.owner is None)
        except IntegrityError as error:
            if asset.blob is not None:
                self.blobs.remove(asset.blob)
            raise Conflict(f"There is an asset {asset.did} already.") from error
        return asset


def held(asset: Asset) -> str:
    """Return the name of the blob that holds the asset's file.

    Raises:
        AssetNotFound: This server does not hold the file.
    """
    if asset.blob is None:
        raise AssetNotFound(f"The file of {asset.did} is not kept on this server.")
    return asset.blob


def missing(did: str) -> AssetNotFound:
    """Return the error for an asset that is not there; `error` is by what clients know that a DID is free."""
    members = {"error": f"Asset DID {did[:100]} not found in Elasticsearch."}
    return AssetNotFound(f"There is no asset {did[:100]}.", members=members)


def as_asset(row: RowMapping) -> Asset:
    """Return a row as a value."""
    return Asset(**dict(row))


def measure(path: Path) -> tuple[int, str]:
    """Return the size of a file in bytes and its SHA-256 in hex."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
    return size, digest.hexdigest()


def guess_type(name: str) -> str | None:
    """Return the media type that a file's name suggests."""
    return "application/x-onnx" if name.endswith(".onnx") else mimetypes.guess_type(name)[0]
