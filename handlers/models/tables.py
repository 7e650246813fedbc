"""Tables of the models and their endpoints."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Float, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from handlers.storage.sql import Base, Instant

Document = JSON(none_as_null=True)


class State(enum.StrEnum):
    """Where an endpoint stands; the other words of the API are never ours to say."""

    CREATING = "creating"  #: its file is being tried
    IN_SERVICE = "in_service"  #: it makes predictions
    FAILED = "failed"  #: its file cannot be loaded; `problem` says why
    OUT_OF_SERVICE = "out_of_service"  #: somebody has taken it out
    UNDER_MAINTENANCE = "under_maintenance"  #: likewise


#: Between these its owner may choose, once the file is known to work.
CHOSEN = (State.IN_SERVICE, State.OUT_OF_SERVICE, State.UNDER_MAINTENANCE)


class ModelRow(Base):
    """What is known of a trained model."""

    __tablename__ = "models"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    version: Mapped[str | None] = mapped_column(Text)
    input_schema: Mapped[Any] = mapped_column(Document, nullable=True)
    output_schema: Mapped[Any] = mapped_column(Document, nullable=True)
    about: Mapped[Any] = mapped_column(
        Document, nullable=True
    )  #: `metadata` of the API, which means something else here
    links: Mapped[Any] = mapped_column(Document, nullable=True)  #: those that its owner gave
    current: Mapped[str | None] = mapped_column(String(36))  #: endpoint that was promoted; None: the newest
    previous: Mapped[str | None] = mapped_column(String(36))  #: the one before, to which can be rolled back
    canary: Mapped[str | None] = mapped_column(String(36))  #: endpoint that gets a share of what names no endpoint
    share: Mapped[float | None] = mapped_column(Float)  #: of the canary, from 0 to 1
    created: Mapped[datetime] = mapped_column(Instant)
    modified: Mapped[datetime] = mapped_column(Instant)

    __table_args__ = (Index("ix_models_created", "created", "id"),)


class EndpointRow(Base):
    """A file of a model, in service or on its way there."""

    __tablename__ = "endpoints"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    model: Mapped[str] = mapped_column(String(36), ForeignKey("models.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(20))
    about: Mapped[Any] = mapped_column(Document, nullable=True)
    links: Mapped[Any] = mapped_column(Document, nullable=True)
    deployed: Mapped[datetime] = mapped_column(Instant)
    format: Mapped[str] = mapped_column(String(20))
    takes: Mapped[str] = mapped_column(String(20))  #: input structure
    gives: Mapped[str] = mapped_column(String(20))  #: output structure
    blob: Mapped[str] = mapped_column(String(100))
    size: Mapped[int] = mapped_column(BigInteger)  #: bytes
    sha256: Mapped[str] = mapped_column(String(64))
    known: Mapped[Any] = mapped_column(Document, nullable=True)  #: what loading it has shown; None until then
    problem: Mapped[str | None] = mapped_column(Text)
    job: Mapped[str | None] = mapped_column(String(32))  #: the job that tries it
    credentials: Mapped[str | None] = mapped_column(Text)  #: for the other server, sealed
    looked: Mapped[datetime | None] = mapped_column(Instant)  #: when the other server was last asked what its model is

    __table_args__ = (
        Index("ix_endpoints_deployed", "deployed", "id"),
        Index("ix_endpoints_blob", "blob"),
        Index("ix_endpoints_model", "model", "deployed"),
    )
