"""Tables of the embedded metadata store."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from handlers.storage.sql import Base, Instant


class AssetRow(Base):
    """An asset: its DDO, and the blob that holds its file where this server keeps it."""

    __tablename__ = "assets"

    did: Mapped[str] = mapped_column(String(100), primary_key=True)
    name: Mapped[str] = mapped_column(String(500))
    ddo: Mapped[Any] = mapped_column(JSON)
    owner: Mapped[str | None] = mapped_column(String(200))  #: the only caller who may use it; None: everybody
    blob: Mapped[str | None] = mapped_column(String(300))
    content_type: Mapped[str] = mapped_column(String(200))
    size: Mapped[int] = mapped_column(BigInteger)  #: bytes
    job: Mapped[str | None] = mapped_column(String(32))  #: the job that made it
    created: Mapped[datetime] = mapped_column(Instant)
    updated: Mapped[datetime] = mapped_column(Instant)

    __table_args__ = (Index("ix_assets_created", "created"),)


class RemoteDdoRow(Base):
    """What a metadata store elsewhere has said of an asset."""

    __tablename__ = "remote_ddos"

    did: Mapped[str] = mapped_column(String(100), primary_key=True)
    ddo: Mapped[Any] = mapped_column(JSON)
    etag: Mapped[str] = mapped_column(String(200))  #: empty: it gave none
    checked: Mapped[datetime] = mapped_column(Instant)  #: when it said so, or that it is still so

    __table_args__ = (Index("ix_remote_ddos_checked", "checked"),)


class MetadataRow(Base):
    """A text that describes an asset, kept under its hash."""

    __tablename__ = "metadata"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)  #: SHA3-256 of the text's UTF-8 bytes
    text: Mapped[str] = mapped_column(Text)
    owner: Mapped[str | None] = mapped_column(String(200))  #: who registered it
    public: Mapped[bool] = mapped_column(Boolean)  #: whether others see it too
    created: Mapped[datetime] = mapped_column(Instant)

    __table_args__ = (Index("ix_metadata_created", "created"),)
